"""DuckDB's own Iceberg extension, a reader that shares no line with ours, over tables that tarn's SQL makes."""

from pathlib import Path

import pyarrow as pa
import pytest
from cells import cell
from foreign import add_equality_deletes
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


@cell("DuckDB", "tables of version 2", "reads, by metadata file")
@cell("DuckDB", "tables of version 3", "reads, by metadata file")
@cell("DuckDB", "position deletes of Tarn's", "reads")
@cell("DuckDB", "deletion vectors of Tarn's", "reads")
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


@cell("DuckDB", "equality deletes of Tarn's", "reads")
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


@cell("DuckDB", "partition and schema evolution", "reads")
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


@cell("DuckDB", "`time`", "reads")
def test_every_type(reader, lake):
    lake.sql(
        "create table raw.t (b boolean, i int, l bigint, f float, d double, dec decimal(38,10), dt date, tm time, ts timestamp_ntz, tz timestamp, s string, u uuid, bin binary, st struct<a: int, b: array<string>>) using iceberg",
        """insert into raw.t values (true, 1, 2, 1.5, 0.1, 12345.0123456789, date '2024-02-29', time '12:34:56.789012', timestamp '2024-02-29 12:34:56.789012',
           timestamptz '2024-02-29 12:34:56.789012+00', 'naïve', 'f79c3e09-677c-4bbd-a479-3f349cb785e7', '\\x00\\xFF'::blob, {'a': 1, 'b': ['x', null]})""",
        "insert into raw.t (i) values (2)",
    )
    assert same(reader, lake, "b, i, l, d, dec, dt, tm, ts, s, u, bin is null, st.a, len(st.b)") == 2


@cell("DuckDB", "equality deletes", "reads")
@pytest.mark.parametrize("version", [2, 3])
def test_equality_deletes_of_others(reader, lake, version):
    lake.sql(f"create table raw.t (id bigint, n string) tblproperties ('format-version' = '{version}')", "insert into raw.t select i, 'n' || (i % 3) from range(20) r(i)")
    add_equality_deletes(lake, "raw.t", [("id", 1, pa.int64())], [(3,), (4,), (1000,)])
    lake.sql("insert into raw.t values (3, 'again'), (50, null)")
    assert same(reader, lake) == 20
    add_equality_deletes(lake, "raw.t", [("n", 2, pa.string())], [("n1",), (None,)])
    assert same(reader, lake) == 13
    lake.sql("delete from raw.t where id < 3")
    assert same(reader, lake) == 11


@cell("DuckDB", "row lineage", "agrees")
@cell("DuckDB", "defaults", "reads")
def test_lineage_and_defaults(reader, lake):
    lake.sql(
        "create table raw.t (id bigint) tblproperties ('format-version' = '3')",
        "insert into raw.t select i from range(5) r(i)",
        "update raw.t set id = 10 where id = 1",
        "alter table raw.t add column kind string default 'old'",
        "insert into raw.t (id) values (7)",
    )
    assert same(reader, lake, "id, kind, _row_id, _last_updated_sequence_number") == 6


@cell("DuckDB", "branches and tags", "reads, by snapshot")
def test_refs_by_snapshot(reader, lake):
    lake.sql(
        "create table raw.t (id bigint)", "insert into raw.t values (1)", "alter table raw.t create tag one", "alter table raw.t create branch audit",
        "insert into raw.t.branch_audit values (2)", "insert into raw.t values (3)",
    )  # fmt: skip
    for name, expected in (("one", [1]), ("audit", [1, 2]), ("main", [1, 3])):
        snapshot = lake.one(f"select snapshot_id from raw.t.refs where name = '{name}'")
        rows = reader.execute(f"select id from iceberg_scan('{lake.pointers()['raw.t']}', snapshot_from_id = {snapshot}::ubigint) order by id").fetchall()
        assert [row[0] for row in rows] == expected


@cell("DuckDB", "variants", "reads")
@cell("DuckDB", "nanoseconds (`timestamp_ns`)", "reads")
@cell("DuckDB", "`geometry`", "reads")
@cell("DuckDB", "`unknown`", "refuses the table")
def test_types_of_version_3(reader, lake):
    lake.sql(
        "create table raw.t (id bigint, v variant, n timestamp_ns, g geometry) tblproperties ('format-version' = '3')",
        """insert into raw.t select 1, '{"a": 5, "b": [true, null]}'::json::variant, '2024-02-29 12:34:56.789012345', 'POINT(1 2)'::geometry""",
        "create table raw.u (id bigint, u unknown) tblproperties ('format-version' = '3')",
    )
    location = lake.pointers()["raw.t"]
    (row,) = reader.execute(f"select v::json::varchar, n::varchar, g::varchar from iceberg_scan('{location}')").fetchall()
    assert row == ('{"a":5,"b":[true,null]}', "2024-02-29 12:34:56.789012345", "POINT (1 2)")
    with pytest.raises(duckdb.Error, match="Unrecognized primitive type: unknown"):
        reader.execute(f"select id from iceberg_scan('{lake.pointers()['raw.u']}')")


@cell("DuckDB", "several tables changed in one transaction", "sees them change together")
@cell("DuckDB", "views", "no")
def test_a_transaction_and_a_view(reader, lake):
    lake.sql("create table raw.t (id bigint)", "create table raw.u (id bigint)", "create view raw.v as select id from raw.t")
    lake.sql("begin; insert into raw.t values (1), (2); delete from raw.t where id = 1; insert into raw.u select id from raw.t; commit")
    assert same(reader, lake) == same(reader, lake, table="raw.u") == 1
    with pytest.raises(duckdb.Error):
        reader.execute(f"select * from iceberg_scan('{lake.warehouse}/raw/v')")
