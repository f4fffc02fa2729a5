"""DuckDB's own Iceberg extension, a reader that shares no line with ours, over tables that tarn's SQL makes."""

from pathlib import Path

import pytest
from harness import Lake

duckdb = pytest.importorskip("duckdb")


def extension(name):
    module = pytest.importorskip(f"duckdb_extension_{name}")
    return next(Path(module.__file__).parent.rglob("*.duckdb_extension"))


@pytest.fixture(scope="module")
def reader():
    con = duckdb.connect()
    for name in ("avro", "httpfs", "iceberg"):
        con.execute(f"load '{extension(name)}'")
    con.execute("set timezone = 'UTC'")
    return con


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.sql("create namespace raw")
    return lake


def text(value):
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def same(reader, lake, columns="*", table="raw.t"):
    location = lake.pointers()[table]
    theirs = reader.execute(f"select {columns} from iceberg_scan('{location}') order by all").fetchall()
    ours = lake.rows(f"select {columns} from {table} order by all")
    assert [tuple(text(v) for v in row) for row in theirs] == ours
    return len(ours)


@pytest.mark.parametrize("version", [2, 3])
def test_changed_rows(reader, lake, version):
    modes = ", ".join(f"'write.{what}.mode' = 'merge-on-read'" for what in ("delete", "update", "merge"))
    lake.sql(
        f"create table raw.t (id bigint, name string, amount decimal(18,2), d date) using iceberg tblproperties ('format-version' = '{version}', {modes})",
        "insert into raw.t select i, 'n' || (i % 7), (i / 4)::decimal(18,2), date '2024-01-01' + i::int from range(300) r(i)",
    )
    assert same(reader, lake) == 300
    for statement in (
        "delete from raw.t where id % 9 = 0",
        "update raw.t set amount = amount + 1 where id between 30 and 50",
        "merge into raw.t using (select i as id from range(290, 320) r(i)) s on t.id = s.id when matched then delete when not matched then insert (id, name) values (s.id, 'new')",
    ):
        lake.sql(statement)
        assert same(reader, lake) > 200


@pytest.mark.parametrize("layout", ["", "partitioned by (region)"])
@pytest.mark.parametrize("version", [2, 3])
def test_equality_deletes(reader, lake, version, layout):
    lake.sql(
        f"create table raw.t (id bigint not null, region string, n int, primary key (id)) {layout} tblproperties ('format-version' = '{version}', 'tarn.write.delete-files' = 'equality')",
        "insert into raw.t select i, substr('abc', 1 + (i % 3)::int, 1), i from range(100) r(i)",
    )
    for statement in (
        "delete from raw.t where id % 10 = 3",
        "update raw.t set n = -n, region = 'z' where id between 40 and 50",
        "merge into raw.t using (select i as id from range(90, 110) r(i)) s on t.id = s.id when matched then delete when not matched then insert (id, n) values (s.id, 1)",
        "insert into raw.t values (3, 'a', 33)",
    ):
        lake.sql(statement)
        assert same(reader, lake) > 80


def test_evolved_table(reader, lake):
    lake.sql(
        "create table raw.t (id int, name string) using iceberg partitioned by (truncate(2, name))",
        "insert into raw.t values (1, 'alpha'), (2, null), (3, 'beta')",
        "alter table raw.t alter column id type bigint",
        "alter table raw.t rename column name to title",
        "alter table raw.t add column extra decimal(9,2)",
        "alter table raw.t add partition field bucket(4, id)",
        "insert into raw.t values (5000000000, 'gamma', 1.50)",
        "alter table raw.t drop column extra",
    )
    assert same(reader, lake) == 4


def test_every_type(reader, lake):
    lake.sql(
        "create table raw.t (b boolean, i int, l bigint, f float, d double, dec decimal(38,10), dt date, tm time, ts timestamp_ntz, tz timestamp, s string, u uuid, bin binary, st struct<a: int, b: array<string>>) using iceberg",
        """insert into raw.t values (true, 1, 2, 1.5, 0.1, 12345.0123456789, date '2024-02-29', time '12:34:56.789012', timestamp '2024-02-29 12:34:56.789012',
           timestamptz '2024-02-29 12:34:56.789012+00', 'naïve', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', '\\x00\\xFF'::blob, {'a': 1, 'b': ['x', null]})""",
        "insert into raw.t (i) values (2)",
    )
    assert same(reader, lake, "b, i, l, d, dec, dt, tm, ts, s, u, bin is null, st.a, len(st.b)") == 2
