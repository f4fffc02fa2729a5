"""Random conditions over tables of many small files, which are chosen by partitions and bounds, against the same rows in a plain
table of DuckDB that optimises nothing.

TARN_TEST_WHERE_SEEDS="17-200" tries other tables than the few of the suite.
"""

import os
import random

import pytest

from harness import Lake, read_csv
from random_sql import COMPARE, PARTITIONS, Conditions, quoted

duckdb = pytest.importorskip("duckdb")

# name, type of DuckDB, type of tarn
COLUMNS = [
    ("u", "bigint", "bigint"),
    ("i", "int", "int"),
    ("l", "bigint", "bigint"),
    ("Group", "varchar", "string"),
    ("a b", "decimal(9,2)", "decimal(9,2)"),
    ("big", "decimal(38,10)", "decimal(38,10)"),
    ("f", "float", "float"),
    ("d", "double", "double"),
    ("da", "date", "date"),
    ("ts", "timestamp", "timestamp"),
    ("tz", "timestamptz", "timestamptz"),
    ("ti", "time", "time"),
    ("id", "uuid", "uuid"),
    ("bi", "blob", "binary"),
    ("bo", "boolean", "boolean"),
    ("st", 'struct(a int, "b c" varchar, d double)', 'struct<a: int, `b c`: string, d: double>'),
]


class Asking(Conditions):
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.version = self.random.choice([2, 3])
        self.columns = [(name, kind) for name, kind, _ in COLUMNS]

    # ---- the table

    def rows(self, first, n):
        """Rows of a batch draw from a few values of each column, so that files have bounds that tell something."""
        few = {name: [self.value(kind, 0.25) for _ in range(self.random.choice([1, 1, 2, 3]))] for name, kind, _ in COLUMNS[1:]}
        if self.chance(0.3):
            for name in self.random.sample(list(few), 5):
                few[name] = ["NULL"]
        return ", ".join("(" + ", ".join([str(first + k)] + [self.random.choice(few[name]) for name, _, _ in COLUMNS[1:]]) + ")" for k in range(n))

    def partition(self):
        fields = []
        for column, kind in self.random.sample(self.columns[1:-1], self.random.choice([0, 1, 1, 2])):
            fields.append(self.random.choice(PARTITIONS[kind]).format(quoted(column)))
        return ", ".join(fields)

    def create(self):
        columns = ", ".join(f"{quoted(n)} {t}" for n, _, t in COLUMNS)
        fields = self.partition()
        metrics = self.pick("truncate(16)", "truncate(16)", "full", "truncate(1)", "truncate(3)", "counts")
        tarn = ["CREATE NAMESPACE r", f"CREATE TABLE r.t ({columns})" + (f" PARTITIONED BY ({fields})" if fields else "")
                + f" TBLPROPERTIES ('format-version' = '{self.version}', 'write.metadata.metrics.default' = '{metrics}', 'write.delete.mode' = '{self.pick('merge-on-read', 'copy-on-write')}')"]
        duck = ["CREATE TABLE t (" + ", ".join(f"{quoted(n)} {t}" for n, t, _ in COLUMNS) + ")"]
        u = 1
        batches = self.random.randint(14, 17)
        for b in range(batches):
            n = self.random.randint(1, 6)
            rows = self.rows(u, n)
            u += n
            tarn.append(f"INSERT INTO r.t VALUES {rows}")
            duck.append(f"INSERT INTO t VALUES {rows}")
            if b == 7 and self.chance(0.4):
                column, kind = self.random.choice(self.columns[1:-1])
                field = self.random.choice(PARTITIONS[kind]).format(quoted(column))
                if field not in fields:
                    tarn.append(f"ALTER TABLE r.t ADD PARTITION FIELD {field} AS extra")
        for _ in range(self.random.randint(0, 3)):
            tarn.append(f"DELETE FROM r.t WHERE u % {self.random.randint(7, 17)} = 3")
            duck.append(tarn[-1].replace("r.t", "t"))
        other = "(k int, v varchar, w int, x double, y date, z timestamp)"
        rows = ", ".join(f"({self.value('int')}, {self.value('varchar')}, {self.value('int')}, {self.value('double')}, {self.value('date')}, {self.value('timestamp')})" for _ in range(self.random.randint(1, 9)))
        tarn += [f"CREATE TABLE r.o {other.replace('varchar', 'string')}", f"INSERT INTO r.o VALUES {rows}"]
        duck += [f"CREATE TABLE o {other}", f"INSERT INTO o VALUES {rows}"]
        return tarn, duck

    # ---- questions

    def subquery(self, q):
        r = self.random
        k, column = r.choice([("k", "i"), ("k", "l"), ("v", "Group"), ("x", "d"), ("x", "f"), ("y", "da"), ("z", "ts"), ("y", "ts"), ("k", "a b"), ("k", "d")])
        c = q + quoted(column)
        return r.choice([
            f"{c} IN (SELECT {k} FROM {{o}})",
            f"{c} NOT IN (SELECT {k} FROM {{o}} WHERE {k} IS NOT NULL)",
            f"{c} NOT IN (SELECT {k} FROM {{o}})",
            f"{c} {r.choice(COMPARE)} (SELECT {r.choice(['max', 'min'])}({k}) FROM {{o}})",
            f"EXISTS (SELECT 1 FROM {{o}} z WHERE z.{k} = {c})",
            f"NOT EXISTS (SELECT 1 FROM {{o}} z WHERE z.{k} = {c})",
            f"EXISTS (SELECT 1 FROM {{o}} z WHERE z.{k} {r.choice(COMPARE)} {c} AND z.w > {self.value('int')})",
            f"EXISTS (SELECT 1 FROM {{t}} z WHERE z.{quoted(column)} = {c} AND z.u <> {q}u AND {self.leaf('z.')})",
            f"{c} >= ALL (SELECT {k} FROM {{o}} WHERE {k} IS NOT NULL)",
            f"{c} IS NOT DISTINCT FROM (SELECT {r.choice(['max', 'min'])}({k}) FROM {{o}})",
            f"{c} = (SELECT z.{k} FROM {{o}} z WHERE z.w = {q}i ORDER BY ALL LIMIT 1)",
        ])

    def query(self):
        r = self.random
        shape = r.randint(0, 13)
        answer = "coalesce(string_agg(q.u::varchar, ',' ORDER BY q.u), '-')"
        if shape <= 7:
            return f"SELECT {answer} FROM {{t}} q WHERE {self.condition('q.')}"
        if shape == 8:
            return f"SELECT count(*), count({quoted(r.choice(COLUMNS)[0])}) FROM {{t}} WHERE {self.condition()}"
        pair = "coalesce(string_agg(coalesce(q.u::varchar, 'n') || ':' || coalesce(p.u::varchar, 'n'), ',' ORDER BY q.u, p.u), '-')"
        name = quoted(r.choice(COLUMNS[1:-1])[0])
        link = r.choice([f"q.{name} = p.{name}", f"q.{name} IS NOT DISTINCT FROM p.{name}", "q.u + 1 = p.u", "q.i = p.i", f"q.u = p.u + 2 AND {self.leaf('p.')}"])
        if shape == 9:
            return f"SELECT {pair} FROM {{t}} q {r.choice(['', 'LEFT ', 'RIGHT ', 'FULL '])}JOIN {{t}} p ON {link} AND p.u <> q.u WHERE {self.condition('q.', 1, False)} {r.choice(['AND', 'OR'])} {self.condition('p.', 1, False)}"
        if shape == 10:
            return f"SELECT {answer} FROM {{t}} q {r.choice(['SEMI', 'ANTI'])} JOIN (SELECT * FROM {{t}} WHERE {self.condition('', 1, False)}) p ON {link} WHERE {self.condition('q.', 1, False)}"
        column, k = r.choice([("i", "k"), ("l", "w"), ("Group", "v"), ("d", "x"), ("da", "y"), ("ts", "z"), ("f", "x")])
        both = "coalesce(string_agg(coalesce(q.u::varchar, 'n') || ':' || coalesce(o.k::varchar, 'n'), ',' ORDER BY q.u, o.k, o.w, o.v, o.x, o.y, o.z), '-')"
        on = f"q.{quoted(column)} {r.choice(['=', '=', '<', '>', 'IS NOT DISTINCT FROM', 'IS DISTINCT FROM'])} o.{k}"
        if shape == 11:
            return f"SELECT {both} FROM {{t}} q {r.choice(['', 'LEFT ', 'RIGHT ', 'FULL '])}JOIN {{o}} o ON {on} WHERE {self.condition('q.', 1, False)} {r.choice(['AND', 'OR'])} (o.k = q.i OR o.w > {self.value('int')})"
        if shape == 12:
            return f"SELECT {answer} FROM {{t}} q, (SELECT {r.choice(['1', '2', '10'])} AS c, {self.value('varchar')} AS s) p WHERE q.i IS {r.choice(['', 'NOT '])}DISTINCT FROM p.c {r.choice(['OR', 'AND'])} {self.condition('q.', 1, False)}"
        return f"WITH c AS (SELECT * FROM {{t}} WHERE {self.condition('', 1, False)}) SELECT {answer} FROM c q WHERE {self.condition('q.', 1, False)} AND q.u NOT IN (SELECT u FROM c WHERE {self.condition('', 2, False)})"


def run(seed, folder, count):
    a = Asking(seed)
    ours, theirs = a.create()
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'; SET threads = 1; PRAGMA disable_optimizer")
    for statement in theirs:
        db.execute(statement)
    script, expected = list(ours), []
    while len(expected) < count:
        query = a.query()
        plain = query.replace("{t}", "t").replace("{o}", "o")
        try:
            answer = db.execute(plain).fetchall()
        except duckdb.Error:
            continue
        script += [f"SELECT '== {len(expected)}'", query.replace("{t}", "r.t").replace("{o}", "r.o")]
        expected.append((script[-1], tuple(str(v) for v in answer[0])))
    (folder / "asking.sql").write_text(";\n".join(script) + ";\n")
    result = Lake(folder)("sql", "--format", "csv", "-f", str(folder / "asking.sql"), code=None)
    found, now = {}, None
    for row in read_csv(result.out):
        if len(row) == 1 and (row[0] or "").startswith("== "):
            now = found.setdefault(int(row[0][3:]), [])
        elif now is not None:
            now.append(row)
    for i, (query, answer) in enumerate(expected):
        assert i in found and len(found[i]) > 1, f"seed {seed}: no answer:\n{query}\n{result.err}"
        assert found[i][1] == answer, f"seed {seed}: another answer than {answer}: {found[i][1]}\n{query}\n{ours[1]}"
    assert result.code == 0, result.err


def seeds():
    first, last = os.environ.get("TARN_TEST_WHERE_SEEDS", "1-4").split("-")
    return range(int(first), int(last) + 1)


@pytest.mark.parametrize("seed", seeds())
def test_conditions(seed, tmp_path):
    run(seed, tmp_path, int(os.environ.get("TARN_TEST_WHERE_COUNT", "60")))
