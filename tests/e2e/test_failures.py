"""Bad input and faults: what each does to the exit code, the message and the tables.

docs/failures.md shows this table; test_the_page_shows_this_table holds the two together, and
`python tests/e2e/test_failures.py` writes the page's table anew. Each case is a function that prepares a project, runs
it and returns the result of the run that meets the fault; the rows of CASES say what must come out, and the function
itself looks at the tables.
"""

import ctypes
import gzip
import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import ROOT, Project, copy_example, small_project

PAGE = ROOT / "docs" / "failures.md"
LINE = '{"id": 3, "amount": 9}\n'


@dataclass
class Case:
    name: str
    exit: int
    message: str  # words that stand in the output, in this order, " ... " between them
    tables: str
    run: object = None


CASES = []


def case(name, exit, message, tables):
    def add(function):
        CASES.append(Case(name, exit, message, tables, function))
        return function

    return add


def letters(project, table="raw.items"):
    return project.rows(
        f"select _source_file, line, reason from {table}__dead_letters where not resolved order by _source_file, _source_offset"
    )


def items(project, table="raw.items"):
    return project.rows(f"select id, amount from {table} order by all")


def only_letter(project, line, words):
    found = letters(project)
    assert len(found) == 1 and found[0][1] == str(line), found
    assert words in found[0][2], found
    assert items(project)[:2] == [("1", "5"), ("2", "7")]
    assert items(project, "curated.items")[:2] == [("1", "5"), ("2", "7")]


# ---------------------------------------------------------------------------------------------- input


@case("a malformed line", 0, "1 ... set aside", "the line is a dead letter; every other row is stored")
def malformed(folder):
    project = small_project(folder, '{"id": 1, "amount": 5}\n{"id": 3, "amount": }\n{"id": 2, "amount": 7}\n')
    result = project("run", code=None)
    only_letter(project, 2, "")
    assert len(items(project)) == 2
    return result


@case("more dead letters than `max_dead_letters`", 1, "max_dead_letters", "untouched")
def too_many_letters(folder):
    project = small_project(folder, '{"id": 1}\n{"id": }\n')
    project.edit("tarn.yaml", 'files: ["items*"]', 'files: ["items*"]\n    max_dead_letters: 0')
    result = project("run", code=None)
    assert "raw.items" not in project.tables()
    return result


@case("a truncated file", 0, "1 ... set aside", "the document that was cut is a dead letter; every other row is stored")
def truncated(folder):
    project = small_project(folder, '{"id": 1, "amount": 5}\n{"id": 2, "amount": 7}\n{"id": 3, "amou')
    result = project("run", code=None)
    only_letter(project, 3, "")
    return result


@case("a truncated gzip file", 1, "items-2.json.gz", "nothing of the file is stored; the other tables are untouched")
def truncated_gzip(folder):
    project = small_project(folder)
    project("run")
    before = project.pointers()
    whole = gzip.compress(b"".join(b'{"id": %d, "amount": %d}\n' % (n, n * 7919 % 104729) for n in range(10, 5000)))
    project.write("data/items-2.json.gz", whole[: len(whole) // 2])
    result = project("run", code=None)
    assert project.pointers() == before
    project.write("data/items-2.json.gz", whole)
    project("run")
    assert project.one("select count(*) from curated.items") == "4992"
    return result


@contextmanager
def without_root_s_eyes():
    """Root reads every file, unless the two capabilities that let it are dropped."""
    libc = ctypes.CDLL(None, use_errno=True)

    def drop():
        for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
            libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP

    yield drop if os.geteuid() == 0 else None


@case("a file that may not be read", 3, "items-2.json ... ermission denied", "untouched")
def unreadable(folder):
    project = small_project(folder)
    project("run")
    before = project.pointers()
    project.write("data/items-2.json", LINE).chmod(0)
    with without_root_s_eyes() as drop:
        result = project("run", code=None, preexec_fn=drop)
    assert project.pointers() == before
    (project.folder / "data/items-2.json").chmod(0o644)
    project("run")
    assert ("3", "9") in items(project, "curated.items")
    return result


@case("text where a declared column is a number", 0, "1 ... set aside", "the document is a dead letter that names the column")
def wrong_type(folder):
    project = small_project(folder, '{"id": 1, "amount": 5}\n{"id": 2, "amount": 7}\n{"id": 3, "amount": "nine"}\n')
    project.edit("tarn.yaml", 'files: ["items*"]', 'files: ["items*"]\n    columns: {amount: long}')
    result = project("run", code=None)
    only_letter(project, 3, "amount")
    return result


@case("a number of 300 digits", 0, "published", "the column becomes text that holds every digit")
def long_number(folder):
    digits = "7" * 300
    project = small_project(folder, '{"id": 1, "amount": 5}\n{"id": 2, "amount": %s}\n' % digits)
    result = project("run", code=None)
    assert items(project) == [("1", "5"), ("2", digits)]
    assert items(project, "curated.items") == [("1", "5"), ("2", digits)]
    return result


@case("invalid UTF-8", 0, "1 ... set aside", "the document is a dead letter with its bytes")
def bad_utf8(folder):
    project = small_project(folder, b'{"id": 1, "amount": 5}\n{"id": 2, "amount": 7}\n{"id": 3, "name": "\xff\xfe"}\n')
    result = project("run", code=None)
    only_letter(project, 3, "not valid in its encoding")
    assert project.one("select hex(raw) from raw.items__dead_letters") == b'{"id": 3, "name": "\xff\xfe"}'.hex().upper()
    return result


@case("a document nested 200 levels deep", 0, "1 ... set aside", "the document is a dead letter that names `nesting_max`")
def deep(folder):
    project = small_project(folder, '{"id": 1, "amount": 5}\n{"id": 2, "amount": 7}\n' + '{"a": ' * 200 + "1" + "}" * 200 + "\n")
    result = project("run", code=None)
    only_letter(project, 3, "nesting_max")
    return result


@case("a key that is null", 1, "curated.items ... id ... null", "the row is in the raw table; the model's table is untouched")
def null_key(folder):
    project = small_project(folder)
    project("run")
    before = project.pointers()["curated.items"]
    project.write("data/items-2.json", '{"amount": 11}\n')
    result = project("run", code=None)
    assert project.pointers()["curated.items"] == before
    assert project.one("select count(*) from raw.items") == "3"
    return result


@case("two rows of one key", 1, "curated.items ... id", "the model's table is untouched")
def two_rows_of_a_key(folder):
    project = small_project(folder)
    project("run")
    before = project.pointers()["curated.items"]
    project.write("models/curated/items.sql", project.read("models/curated/items.sql").split("qualify")[0])
    project.write("data/items-2.json", '{"id": 2, "amount": 8}\n')
    result = project("run", code=None)
    assert project.pointers()["curated.items"] == before
    return result


@case("a file that changed, with `on_change: refuse`", 1, "items.json ... changed", "untouched")
def refused_change(folder):
    project = small_project(folder)
    project.edit("tarn.yaml", 'files: ["items*"]', 'files: ["items*"]\n    on_change: refuse')
    project("run")
    before = project.pointers()
    project.write("data/items.json", '{"id": 1, "amount": 6}\n')
    result = project("run", code=None)
    assert project.pointers() == before
    return result


# ---------------------------------------------------------------------------------------------- the project


def refused(project, *args):
    result = project(*args or ("run",), code=None)
    assert project.tables() == []
    return result


@case("tarn.yaml with a key that is not known", 2, "T0101 ... warehous ... did you mean ... warehouse ... tarn.yaml:6:5", "untouched")
def wrong_key(folder):
    project = small_project(folder)
    project.edit("tarn.yaml", "    warehouse: ./warehouse", "    warehous: ./warehouse")
    return refused(project)


@case("a model that reads itself", 2, "T0102 ... reads itself ... models/curated/items.sql:7:6", "untouched")
def self_reference(folder):
    project = small_project(folder)
    project.edit("models/curated/items.sql", "from raw.items", "from curated.items")
    return refused(project)


@case("models that read each other", 2, "curated.a ... curated.b", "untouched")
def circle(folder):
    project = small_project(folder)
    project.write("models/curated/a.sql", "select * from curated.b\n")
    project.write("models/curated/b.sql", "select * from curated.a\n")
    return refused(project)


@case("two things that make one table", 2, "raw.items", "untouched")
def two_of_one_name(folder):
    project = small_project(folder)
    project.write("models/raw/items.sql", "select 1 as id\n")
    return refused(project)


@case("a column that does not exist", 1, "error[T0231] ... amout ... models/curated/items.sql:6:12 ... ^ ... amount", "the model's table is untouched")
def no_such_column(folder):
    project = small_project(folder)
    project("run")
    before = project.pointers()
    project.edit("models/curated/items.sql", "select id, amount,", "select id, amout,")
    result = project("run", code=None)
    assert project.pointers() == before
    return result


@case("a Jinja reference in a model", 2, "plain table names, no Jinja", "untouched")
def jinja(folder):
    project = small_project(folder)
    project.edit("models/curated/items.sql", "from raw.items", "from {{ ref('items') }}")
    return refused(project)


@case("an unbalanced entry", 1, "journal_entries_balance ... JE1009 ... tarn sql --run", "curated tables are untouched; the entry is in its raw table")
def unbalanced(folder):
    from test_close import GOLD, GOLD_ROWS, UNBALANCED

    project = copy_example("accounting", folder)
    project("run")
    before = {name: at for name, at in project.pointers().items() if name.startswith("curated.")}
    project.write("data/journal_entries_typo.json", UNBALANCED)
    result = project("run", code=None)
    assert {name: at for name, at in project.pointers().items() if name.startswith("curated.")} == before
    assert project.rows(f"select * from {GOLD} order by entry_id") == GOLD_ROWS
    return result


# ---------------------------------------------------------------------------------------------- the machine


@contextmanager
def small_disk(folder, size):
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@case("a full disk", 1, "T0141 ... full", "untouched; the next run with room enough does all of it")
def full_disk(folder):
    project = small_project(folder)
    rows = "".join(json.dumps({"id": n, "amount": n * 7919, "text": os.urandom(60).hex()}) + "\n" for n in range(40000))
    with small_disk(project.warehouse, "2m"):
        project("run")
        before = project.pointers(), project.contents()
        project.write("data/items-2.json", rows.replace('"id": ', '"id": 9'))
        result = project("run", code=None)
        assert project.pointers() == before[0]
        assert project.contents() == before[1]
        subprocess.run(["mount", "-o", "remount,size=100m", project.warehouse], check=True)
        project("run")
        assert project.one("select count(*) from curated.items") == "40002"
    return result


def first_file(project, table, suffix, contains=""):
    at = Path(project.pointers()[table].removeprefix("file://")).parents[1]
    return min(p for p in at.rglob("*" + suffix) if contains in p.name)


def corrupt_one(folder, pick, sql):
    """Damages a file of raw.items. Nothing else may be touched, and other tables answer."""
    project = small_project(folder)
    project.write("models/curated/other.sql", "select 1 as one")
    project("run")
    path = pick(project)
    kept = path.read_bytes()
    path.write_bytes(kept[: len(kept) // 2] + b"\0" * 8)
    before, tree = project.pointers(), project.tree()
    result = project("sql", sql, code=None)
    assert path.name in result.err, result
    assert project.rows("select one from curated.other") == [("1",)]
    project.write("data/items-2.json", LINE)
    assert project("run", code=None).code != 0 or path.suffix == ".parquet"
    assert all(project.tree()[name] == digest for name, digest in tree.items())
    path.write_bytes(kept)
    project("run")
    assert ("3", "9") in items(project, "curated.items")
    assert before
    return result


@case("a corrupt table metadata file", 1, "T0130 ... .metadata.json", "the file is named; nothing is touched; other tables can be read")
def corrupt_metadata(folder):
    return corrupt_one(folder, lambda p: Path(p.pointers()["raw.items"].removeprefix("file://")), "select * from raw.items")


@case("a corrupt manifest list", 1, "T0130 ... snap- ... .avro", "the file is named; nothing is touched; other tables can be read")
def corrupt_list(folder):
    return corrupt_one(folder, lambda p: first_file(p, "raw.items", ".avro", "snap-"), "select * from raw.items")


@case("a corrupt manifest", 1, "T0130 ... .avro", "the file is named; nothing is touched; other tables can be read")
def corrupt_manifest(folder):
    def pick(project):
        at = Path(project.pointers()["raw.items"].removeprefix("file://")).parent
        return next(p for p in at.glob("*.avro") if not p.name.startswith("snap-"))

    return corrupt_one(folder, pick, "select * from raw.items")


@case("a corrupt Parquet file", 1, "T0130 ... .parquet", "the file is named; nothing is touched; other tables can be read")
def corrupt_parquet(folder):
    return corrupt_one(folder, lambda p: first_file(p, "raw.items", ".parquet"), "select * from raw.items")


def big_input(project, rows=300_000):
    line = '{"id": %d, "amount": %d, "text": "%s"}\n'
    with open(project.folder / "data" / "items-2.json", "w") as file:
        for n in range(10, rows + 10):
            file.write(line % (n, n * 31, "x" * 40))
    return rows + 2


def interrupted(folder, times):
    project = small_project(folder)
    project("run")
    rows = big_input(project)
    process = project.start("run")
    first = process.stdout.readline()  # raw.items is committed, its model is being made
    for n in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05 if n + 1 < times else 0)
    out, err = process.communicate(timeout=120)
    out = first + out
    from harness import Result

    result = Result(["run"], process.returncode, out, err)
    for table in ("raw.items", "curated.items"):  # whole commits only
        assert project.one(f"select count(*) from {table}") in ("2", str(rows))
        assert project.rows(f"select amount from {table} where id < 10 order by id") == [("5",), ("7",)]
    assert not list((project.folder / ".tarn").glob("tmp/*/*")), "temporary files are left"
    project("run")
    assert project.one("select count(*) from curated.items") == str(rows)
    return result


@case("Ctrl-C once", 130, "cancelled", "what was committed stays; the step under way is finished; the next run goes on")
def ctrl_c(folder):
    return interrupted(folder, 1)


@case("Ctrl-C twice", 130, "cancelled", "as before the commit under way, or as after it; the next run goes on")
def ctrl_c_twice(folder):
    return interrupted(folder, 2)


@case("a reader that goes away, as `head -1` does", 141, "", "untouched; no message")
def broken_pipe(folder):
    project = small_project(folder)
    project("run")
    process = project.start("sql", "--format", "csv", "select range from range(3000000)")
    process.stdout.readline()
    process.stdout.close()
    err = process.stderr.read()
    assert err == ""
    process.stderr.close()
    code = process.wait(timeout=60)
    from harness import Result

    return Result(["sql"], 141 if code == -signal.SIGPIPE else code, "", err)


@case("a script of statements with a mistake", 1, "T0231 ... script.sql:3:8", "what stands before the mistake is done")
def script(folder):
    project = small_project(folder)
    project("run")
    project.write("script.sql", "update raw.items set amount = 9 where id = 1;\nselect 1;\nselect amuont from raw.items;\ndelete from raw.items;\n")
    result = project("sql", "-f", "script.sql", code=None)
    assert items(project) == [("1", "9"), ("2", "7")]
    return result


@case("a transaction with a mistake", 1, "rolled back ... T0231", "untouched")
def transaction(folder):
    project = small_project(folder)
    project("run")
    before = project.pointers()
    result = project("sql", "begin; delete from raw.items; select amuont from raw.items; commit", code=None)
    assert project.pointers() == before
    return result


@case("a warehouse that was moved", 1, "moved", "untouched; the error says what to do")
def moved(folder):
    project = small_project(folder)
    project("run")
    target = project.folder / "elsewhere"
    shutil.move(project.warehouse, target)
    project.edit("tarn.yaml", "./warehouse", "./elsewhere")
    return project("sql", "select * from raw.items", code=None)


# ---------------------------------------------------------------------------------------------- the tests


def in_order(words, text):
    at = 0
    for part in words.split(" ... ") if words else []:
        found = text.lower().find(part.lower(), at)
        if found < 0:
            return False
        at = found + len(part)
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.run.__name__)
def test_fault(case, tmp_path):
    result = case.run(tmp_path / "p")
    assert result.code == case.exit, str(result)
    assert in_order(case.message, result.text), f"not in the output: {case.message}\n{result}"


def test_a_field_that_turns_from_whole_to_cents(tmp_path):
    """500 in May and 499.99 in June: in one run, in two, in either order, the table is the same."""
    may, june = '{"id": 1, "amount": 500}\n', '{"id": 2, "amount": 499.99}\n'
    found = []
    for name, runs in {
        "one": [{"items-5": may, "items-6": june}],
        "two": [{"items-5": may}, {"items-6": june}],
        "back": [{"items-6": june}, {"items-5": may}],
    }.items():
        project = small_project(tmp_path / name, None)
        for files in runs:
            for file, text in files.items():
                project.write(f"data/{file}.json", text)
            project("run")
        found.append((project.rows("select id, amount, typeof(amount) from raw.items order by id"),
                      project.rows("select id, amount, typeof(amount) from curated.items order by id")))
    assert found[0] == found[1] == found[2]
    assert [row[:2] for row in found[0][0]] == [("1", "500.0"), ("2", "499.99")]


def table():
    lines = ["| case | exit | says | tables afterwards |", "|---|---|---|---|"]
    for c in CASES:
        said = ", ".join(f"`{part}`" for part in c.message.split(" ... ")) if c.message else "nothing"
        lines.append(f"| {c.name} | {c.exit} | {said} | {c.tables} |")
    return "\n".join(lines) + "\n"


def test_the_page_shows_this_table():
    assert table() in PAGE.read_text(encoding="utf-8"), "run: python tests/e2e/test_failures.py"


def write_page():
    text = PAGE.read_text(encoding="utf-8")
    start = text.index("| case |")
    end = text.index("\n\n", start) + 1
    PAGE.write_text(text[:start] + table() + text[end:], encoding="utf-8")


if __name__ == "__main__":
    write_page()
