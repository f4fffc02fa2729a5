"""Random statements on a table whose rows share identifiers, with equality deletes, against the same on a plain table of DuckDB.

Identifiers are not enforced, so a delete file must never take a row with it that its statement did not mean. TARN_TEST_SEEDS="17-200" runs
other histories than the few of the suite.
"""

import os
import random

import pytest
from harness import Lake, read_csv
from test_concurrent_sql import check_losers, together

duckdb = pytest.importorskip("duckdb")

KEYS = ["(k)", "(k, p)", "(p)"]
LAYOUTS = ["", "PARTITIONED BY (p)", "PARTITIONED BY (bucket(2, k))", "PARTITIONED BY (truncate(1, p), bucket(2, k))"]
EVOLVED = ["ADD PARTITION FIELD bucket(3, v)", "ADD PARTITION FIELD truncate(4, k)", "DROP PARTITION FIELD p"]


class Statements:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def condition(self):
        r = self.r
        one = lambda: r.choice([f"k = {r.randint(0, 9)}", f"k < {r.randint(0, 9)}", f"p = '{r.choice('abc')}'", f"v % {r.randint(2, 9)} = 0", f"v > {r.randint(0, 200)}"])
        return one() if r.random() < 0.5 else f"{one()} AND {one()}"

    def rows(self, n):
        return ", ".join(f"({self.r.randint(0, 9)}, '{self.r.choice('abc')}', {self.r.randint(0, 300)})" for _ in range(n))

    def next(self):
        r = self.r
        return r.choice(
            [
                lambda: f"INSERT INTO t VALUES {self.rows(r.randint(1, 9))}",
                lambda: f"DELETE FROM t WHERE {self.condition()}",
                lambda: f"DELETE FROM t WHERE k = {r.randint(0, 9)}",
                lambda: f"UPDATE t SET v = v + 1 WHERE {self.condition()}",
                lambda: f"UPDATE t SET k = (k + 1) % 10, v = v + 1 WHERE {self.condition()}",
                lambda: f"UPDATE t SET p = '{r.choice('abc')}' WHERE k IN ({r.randint(0, 9)}, {r.randint(0, 9)})",
                lambda: f"MERGE INTO t USING (SELECT DISTINCT ON (a) a, b FROM (VALUES {', '.join(f'({r.randint(0, 12)}, {r.randint(0, 99)})' for _ in range(3))}) x(a, b) ORDER BY a, b) s"
                f" ON t.k = s.a WHEN MATCHED AND t.v % 5 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.b WHEN NOT MATCHED THEN INSERT (k, p, v) VALUES (s.a, 'm', s.b)",
            ]
        )()


def seeds():
    first, last = os.environ.get("TARN_TEST_SEEDS", "1-12").split("-")
    return range(int(first), int(last) + 1)


@pytest.mark.parametrize("seed", seeds())
def test_rows_that_share_identifiers(tmp_path, seed):
    s, lake, db = Statements(seed), Lake(tmp_path), duckdb.connect()
    r = s.r
    version, key, layout = r.choice([2, 3]), r.choice(KEYS), r.choice(LAYOUTS)
    db.execute("CREATE TABLE t (k int, p varchar, v int)")
    script = [
        "CREATE NAMESPACE r",
        "USE r",
        f"CREATE TABLE r.t (k int NOT NULL, p string NOT NULL, v int, PRIMARY KEY {key}) {layout}"
        f" TBLPROPERTIES ('format-version' = '{version}', 'tarn.write.delete-files' = 'equality')",
    ]
    expected = []
    for i in range(24):
        statement = f"INSERT INTO t VALUES {s.rows(30)}" if i == 0 else s.next()
        db.execute(statement)
        expected.append((statement, [tuple(map(str, row)) for row in db.execute("FROM t ORDER BY ALL").fetchall()]))
        if layout == LAYOUTS[1] and i == 12:
            script.append(f"ALTER TABLE t {r.choice(EVOLVED)}")
        script += [statement, f"SELECT '== {i}'", "SELECT k, p, v FROM t ORDER BY ALL"]
    # what came and went, added up, is what is there
    expected.append(("create_changelog_view", expected[-1][1]))
    script += [
        "CALL system.create_changelog_view(table => 'r.t')",
        f"SELECT '== {len(expected) - 1}'",
        "SELECT k, p, v FROM (SELECT k, p, v, sum(CASE _change_type WHEN 'INSERT' THEN 1 ELSE -1 END)::bigint AS n FROM t_changes GROUP BY ALL), range(n) ORDER BY ALL",
    ]
    (tmp_path / "script.sql").write_text(";\n".join(script) + ";\n")
    result = lake("sql", "--format", "csv", "-f", str(tmp_path / "script.sql"), code=None)
    found, now = {}, None
    for row in read_csv(result.out):
        if row and row[0] and row[0].startswith("== "):
            now = found.setdefault(int(row[0][3:]), [])
        elif now is not None and len(row) == 3 and row[0] != "k":
            now.append(tuple(row))
    for i, (statement, rows) in enumerate(expected):
        assert i in found, f"version {version}, key {key}, {layout}: not reached:\n{statement}\n{result.err}"
        assert found[i] == rows, f"version {version}, key {key}, {layout}: other rows after:\n{statement}"
    assert result.code == 0, result.err
    lake("sql", "select * from r.t.delete_files")


TYPES = {
    "boolean": "i % 2 = 0",
    "int": "i - 5",
    "bigint": "i * 10000000000",
    "decimal(18,3)": "i / 8",
    "decimal(38,0)": "i * 100000000000000000000000000000000000::decimal(38,0)",
    "date": "date '1969-12-28' + i::int",
    "time": "time '12:00:00.000001' + interval (i) second",
    "timestamp_ntz": "timestamp '1969-12-31 23:59:55.000001' + interval (i) second",
    "timestamp": "timestamptz '1969-12-31 23:59:55.000001+00' + interval (i) second",
    "string": "case when i = 3 then '' when i = 4 then 'ab' || chr(0) || 'c' else repeat('ä', 20) || i end",
    "uuid": "('ffffffff-0000-0000-0000-00000000000' || i)::uuid",
    "binary": "('ab' || i)::blob",
}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("kind", TYPES)
def test_identifiers_of_every_type(tmp_path, kind, version):
    lake = Lake(tmp_path)
    value = TYPES[kind]
    lake.sql(
        "create namespace raw",
        f"create table raw.t (k {kind} not null, n int not null, primary key (k{', n' if kind == 'boolean' else ''})) tblproperties ('format-version' = '{version}', 'tarn.write.delete-files' = 'equality')",
        f"insert into raw.t select {value}, i from range(10) r(i)",
        f"insert into raw.t select {value}, i from range(10, 10) r(i)",
        "create table raw.copy as select * from raw.t",
        "delete from raw.t where n in (3, 4)",
        "delete from raw.copy where n in (3, 4)",
        "update raw.t set n = -n where n = 5",
        "update raw.copy set n = -n where n = 5",
    )
    look = "select k, n from raw.{} order by n"
    assert lake.rows(look.format("t")) == lake.rows(look.format("copy"))
    assert {row[0] for row in lake.rows("select content from raw.t.delete_files")} == {"2"}
    assert lake.rows("select sum(record_count) from raw.t.delete_files") == [("3",)]
    lake.sql(f"insert into raw.t select {value}, 1000 from range(6, 7) r(i)")  # one of the same identifier, far away in n
    lake.sql("delete from raw.t where n = 6")
    assert lake.rows("select count(*) from raw.t where n in (6, 1000)") == [("1",)]


@pytest.fixture
def keyed(tmp_path):
    lake = Lake(tmp_path)
    lake.sql(
        "create namespace raw",
        "create table raw.t (id int not null, n int, primary key (id)) tblproperties ('tarn.write.delete-files' = 'equality', 'write.delete.isolation-level' = 'snapshot')",
        "insert into raw.t select i, 0 from range(60) r(i)",
    )
    return lake


def test_what_others_add_meanwhile_is_not_hidden(keyed):
    """The rows that are added have identifiers of rows that are deleted at the same time, and are not meant."""
    expected = set()
    for turn in range(4):
        keys = range(10 * turn, 10 * turn + 3)
        adds = [f"insert into raw.t values ({k}, {k + 1000})" for k in keys]
        deletes = [f"delete from raw.t where n = 0 and id = {k}" for k in keys]
        results = together(keyed, [s for pair in zip(adds, deletes) for s in pair])
        check_losers(results)
        assert [code for code, _, _ in results[::2]] == [0, 0, 0], results
        expected |= {(str(k), str(k + 1000)) for k in keys}
        expected |= {(str(k), "0") for k, (code, _, _) in zip(keys, results[1::2]) if code == 4}
        found = keyed.rows(f"select id, n from raw.t where id in ({', '.join(str(k) for t in range(turn + 1) for k in range(10 * t, 10 * t + 3))})")
        assert set(found) == expected and len(found) == len(expected), turn


def test_counting_up_by_key(keyed):
    results = together(keyed, ["update raw.t set n = n + 1 where id = 7"] * 6)
    check_losers(results)
    winners = sum(code == 0 for code, _, _ in results)
    assert winners >= 1
    assert keyed.rows("select n, count(*) from raw.t where id = 7 group by n") == [(str(winners), "1")]
    assert keyed.one("select count(*) from raw.t") == "60"
