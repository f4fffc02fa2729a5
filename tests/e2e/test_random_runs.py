"""Random documents through ingest and models of every kind, over runs between which files come, change and go, the types of their
values among them, runs fail by a check or take only a part: after each run the tables hold what a recount of the files says.

TARN_TEST_RUNS_SEEDS="17-100" tries other histories than the few of the suite.
"""

import json
import os
import random
from collections import Counter
from decimal import Decimal, InvalidOperation

import pytest

from harness import small_project

NUMBERS = ["0", "5", "500", "499.99", "-0.01", "12.50", "1e3", "0.1", "100.10", "9007199254740993", "-9007199254740993", "18446744073709551616", "123456789012345678901234567890.12", "0.12345678901234567891", "2.5e-3", "1" + "0" * 40]
OTHERS = ['"500"', '"499.99"', '"007"', '"abc"', '""', "true", "null", '"1e3"', '"NaN"', '{"x": 1}', "[1, 2]", '"ä\\u0000b"'.replace("\\u0000", "")]
CHECKED = "/* tarn\nkind: table\nchecks: [{expression: \"id < 1000\"}]\n*/\nselect id, amount from curated.items\n"


def as_number(text):
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def same(source, got):
    """Does a cell's text hold what stood in the document?"""
    value = json.loads(source, parse_float=lambda x: x, parse_int=lambda x: x) if source is not None else None
    if value is None:
        return got is None
    if got is None:
        return False
    if not source.startswith('"') and as_number(source) is not None:
        return as_number(got) == as_number(source)
    if source.startswith('"'):
        return got == value
    if source == "true":
        return got == "true"
    return json.loads(got, parse_float=str, parse_int=str) == json.loads(source, parse_float=str, parse_int=str)


class Files:
    """What lies in data/: name -> [(offset, id, source text of amount or None, other)], and when each was last written."""

    def __init__(self, seed, project):
        self.random, self.project = random.Random(seed), project
        self.files, self.written, self.run, self.made = {}, {}, 0, 0
        self.few = self.random.random() < 0.5  # only numbers
        self.merged, self.loaded = {}, {}

    def document(self, bad=False):
        r = self.random
        id = 1001 if bad else r.randint(1, 12)
        pool = NUMBERS[: r.choice([4, 8, len(NUMBERS)])] + ([] if self.few else OTHERS)
        amount = None if r.random() < 0.08 else r.choice(pool)
        parts = [f'"id": {id}'] + ([f'"amount": {amount}'] if amount is not None else []) + ([f'"note": "n{r.randint(0, 9)}"'] if self.run > 1 and r.random() < 0.5 else [])
        return id, amount, "{" + ", ".join(parts) + "}"

    def write(self, name, bad=False):
        lines, offset, rows = [], 0, []
        for i in range(self.random.randint(1, 6)):
            id, amount, text = self.document(bad and i == 0)
            rows.append((offset, id, amount))
            lines.append(text)
            offset += len((text + "\n").encode())
        self.project.write("data/" + name, "\n".join(lines) + "\n")
        self.files[name] = rows

    def change(self):
        r = self.random
        for _ in range(r.randint(1, 3)):
            what = r.random()
            if what < 0.5 or not self.files:
                self.made += 1
                self.write(f"items-{self.made:03}.json")
            elif what < 0.8:
                self.write(r.choice(sorted(self.files)))
            else:
                name = r.choice(sorted(self.files))
                (self.project.folder / "data" / name).unlink()
                del self.files[name]

    def loads(self):
        """A run that ingests: files that are new or other than they were get its time."""
        self.run += 1
        for name, rows in self.files.items():
            if self.loaded.get(name) != rows:
                self.written[name] = self.run
                self.loaded[name] = list(rows)  # rows of files that went stay

    def newest(self):
        found = {}
        for name in self.loaded:
            for offset, id, amount in self.loaded[name]:
                found[id] = max(found.get(id, (-1, "", -1, None)), (self.written[name], name, offset, amount), key=lambda x: x[:3])
        return {id: x[3] for id, x in found.items()}


def check_raw(project, f):
    kind = project.one("select typeof(amount) from raw.items limit 1") if f.loaded else None
    rows = project.rows("select _source_file, _source_offset, id, amount from raw.items order by all")
    wanted = sorted((name, offset, id, amount) for name, rows in f.loaded.items() for offset, id, amount in rows)
    assert sorted((a, int(b), int(c)) for a, b, c, _ in rows) == sorted(w[:3] for w in wanted)
    got = {(a, int(b)): d for a, b, _, d in rows}
    for name, offset, _, amount in wanted:
        assert same(amount, got[name, offset]), f"{name}:{offset}: {amount} became {got[name, offset]} as {kind}"


def check_merged(project, f, table, wanted):
    kind = (project.rows(f"select typeof(amount) from {table} limit 1") or [(None,)])[0][0]
    got = {int(id): amount for id, amount in project.rows(f"select id, amount from {table}")}
    assert got.keys() == wanted.keys(), f"{table}: {got.keys() ^ wanted.keys()}"
    for id, amount in wanted.items():
        assert same(amount, got[id]), f"{table}: of {id} {amount} became {got[id]} as {kind}"


def check_counts(project):
    """What models made of others is what their text says now."""
    direct = project.rows("select id, count(*) from raw.items group by id order by all")
    assert project.rows("select id, n from curated.counted order by all") == direct
    assert project.rows("select amount, count(*) from curated.items group by all order by all") == project.rows("select amount, n from curated.grouped order by all")


def test_digits_of_old_rows(tmp_path):
    """A column of doubles that becomes decimal keeps the digits that were read, inside of others too."""
    project = small_project(tmp_path / "p", '{"id": 1, "amount": 499.99, "lines": [{"debit": 0.1, "at": {"x": 1e3}}, {}]}\n')
    project("run")
    assert project.one("select typeof(amount) from raw.items") == "DOUBLE"
    project.write("data/items-2.json", '{"id": 2, "amount": 0.12345678901234567891, "lines": [{"debit": 0.12345678901234567891, "at": {"x": 0.12345678901234567891}}]}\n')
    project("run", code=None)
    assert project.rows("select typeof(amount), amount, lines[1].debit, lines[1].at.x from raw.items order by id") == [
        ("DECIMAL(38,20)", "499.99000000000000000000", "0.10000000000000000000", "1000.00000000000000000000"),
        ("DECIMAL(38,20)", "0.12345678901234567891", "0.12345678901234567891", "0.12345678901234567891"),
    ]


def seeds():
    first, last = os.environ.get("TARN_TEST_RUNS_SEEDS", "1-2").split("-")
    return range(int(first), int(last) + 1)


@pytest.mark.parametrize("seed", seeds())
def test_runs(seed, tmp_path):
    project = small_project(tmp_path / "p", items=None)
    f = Files(seed, project)
    r = f.random
    columns = "columns: {amount: string}" if r.random() < 0.2 else ""
    if columns:
        project.edit("tarn.yaml", "    to: raw.items\n", "    to: raw.items\n    " + columns + "\n")
    project.write("models/curated/counted.sql", "/* tarn\nkind: table\n*/\nselect id, count(*) as n from raw.items group by id\n")
    project.write("models/curated/grouped.sql", "select amount, count(*) as n from curated.items group by all\n")
    project.write("models/curated/checked.sql", CHECKED)
    project.write("models/curated/log.sql", "/* tarn\nkind: append\n*/\nselect count(*) as n from raw.items\n")
    f.write("items-000.json")

    def go(*more):
        """A column of a merge model gets another type only with all of its rows."""
        result = project("run", *more, code=None)
        if result.code != 0 and "other types than its table has" in result.text:
            f.merged = {}
            result = project("run", "--full-refresh", code=None)
        assert result.code == 0, str(result)

    published = {}
    for step in range(int(os.environ.get("TARN_TEST_RUNS_LENGTH", "5"))):
        what = r.random()
        if step > 0 and what < 0.9:
            f.change()
        bad = step > 0 and r.random() < 0.2
        if bad:
            f.write("items-bad.json", bad=True)
        if bad:
            f.loads()
            assert project("run", code=None).code != 0
            check_raw(project, f)
            check_merged(project, f, "curated.items", published)  # nothing of the failed run is seen
            f.write("items-bad.json")
        full = step > 0 and r.random() < 0.2
        part = not full and step > 0 and r.random() < 0.15
        f.loads()
        if full:
            f.merged = {}
        go(*(["--full-refresh"] if full else ["--select", "raw.items"] if part else []))
        check_raw(project, f)
        if part:
            check_merged(project, f, "curated.items", published)
            go()
        f.merged = {**f.merged, **f.newest()}
        published = dict(f.merged)
        check_merged(project, f, "curated.items", f.merged)
        check_merged(project, f, "curated.checked", f.merged)
        check_counts(project) if f.loaded else None
        text = project("run").text
        assert "up to date" in text, text
