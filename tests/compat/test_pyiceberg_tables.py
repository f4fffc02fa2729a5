"""Tables that tarn's SQL makes and changes, read by PyIceberg, and tables of PyIceberg that tarn's SQL changes."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cells import cell
from foreign import add_equality_deletes
from harness import Lake
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import EqualTo
from pyiceberg.exceptions import ResolveError, ValidationError
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField, StringType


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.sql("create namespace raw")
    return lake


def catalog(lake):
    return SqlCatalog("iceberg", uri=f"sqlite:///{lake.warehouse}/catalog.db", warehouse=f"file://{lake.warehouse}")


def theirs(lake, name="raw.t", **options):
    rows = catalog(lake).load_table(name).scan(**options).to_arrow()
    return ordered(tuple(None if v is None else str(v) for v in row.values()) for row in rows.to_pylist())


def ordered(rows):
    return sorted(rows, key=lambda row: [(v is not None, v) for v in row])


def same(lake, count):
    found = theirs(lake)
    assert found == ordered(lake.rows("select * from raw.t"))
    assert len(found) == count


@cell("PyIceberg", "position deletes of Tarn's", "reads")
@pytest.mark.parametrize("mode", ["copy-on-write", "merge-on-read"])
def test_changed_rows(lake, mode):
    modes = ", ".join(f"'write.{what}.mode' = '{mode}'" for what in ("delete", "update", "merge"))
    lake.sql(
        f"create table raw.t (id bigint, name string) using iceberg partitioned by (bucket(3, id)) tblproperties ({modes})",
        "insert into raw.t select i, 'n' || (i % 7) from range(300) r(i)",
    )
    same(lake, 300)
    lake.sql("delete from raw.t where id % 9 = 0")
    same(lake, 266)
    lake.sql("update raw.t set name = null where id between 30 and 50")
    same(lake, 266)
    lake.sql("merge into raw.t using (select i as id from range(290, 310) r(i)) s on t.id = s.id when matched then delete when not matched then insert (id, name) values (s.id, 'new')")
    same(lake, 268)


@cell("PyIceberg", "deletion vectors of Tarn's", "reads")
def test_vectors_of_version_3(lake):
    lake.sql(
        "create table raw.t (id bigint, name string) using iceberg tblproperties ('format-version' = '3')",
        "insert into raw.t select i, 'n' || (i % 7) from range(300) r(i)",
        "delete from raw.t where id % 9 = 0",
        "delete from raw.t where id % 10 = 0",
    )
    same(lake, 240)


@cell("PyIceberg", "equality deletes of Tarn's", "refuses")
def test_equality_deletes_are_refused(lake):
    """It says so, and reads no rows that are gone; position deletes are what it reads."""
    lake.sql(
        "create table raw.t (id bigint not null, name string, primary key (id)) tblproperties ('tarn.write.delete-files' = 'equality')",
        "insert into raw.t select i, 'n' from range(30) r(i)",
        "delete from raw.t where id = 9",
    )
    with pytest.raises(ValueError, match="equality deletes"):
        theirs(lake)
    lake.sql("alter table raw.t set tblproperties ('write.update.mode' = 'copy-on-write')", "update raw.t set name = 'm'")
    same(lake, 29)


@cell("PyIceberg", "partition and schema evolution", "reads")
def test_evolution(lake):
    lake.sql(
        "create table raw.t (id int, name string) using iceberg partitioned by (truncate(2, name))",
        "insert into raw.t values (1, 'alpha'), (2, null), (3, 'beta')",
        "alter table raw.t alter column id type bigint",
        "alter table raw.t rename column name to title",
        "alter table raw.t add column extra decimal(9,2) first",
        "alter table raw.t replace partition field name_trunc with bucket(4, id)",
        "alter table raw.t write ordered by id desc",
        "insert into raw.t values (1.50, 5000000000, 'gamma')",
    )
    same(lake, 4)
    table = catalog(lake).load_table("raw.t")
    assert [f.direction.value for f in table.sort_order().fields] == ["desc"]
    assert [str(f.transform) for f in table.spec().fields if str(f.transform) != "void"] == ["bucket[4]"]


@cell("PyIceberg", "branches and tags", "reads, writes")
def test_branches_and_tags(lake):
    lake.sql(
        "create table raw.t (id bigint) using iceberg",
        "insert into raw.t values (1)",
        "alter table raw.t create tag one",
        "alter table raw.t create branch audit retain 7 days",
        "insert into raw.t.branch_audit values (2)",
        "insert into raw.t values (3)",
    )
    table = catalog(lake).load_table("raw.t")
    assert set(table.refs()) == {"main", "one", "audit"}
    assert table.refs()["audit"].max_ref_age_ms == 7 * 86400_000
    read = lambda ref: sorted(table.scan(snapshot_id=table.refs()[ref].snapshot_id).to_arrow()["id"].to_pylist())  # noqa: E731
    assert (read("one"), read("audit"), read("main")) == ([1], [1, 2], [1, 3])
    lake.sql("call iceberg.system.rollback_to_snapshot('raw.t', %d)" % table.refs()["one"].snapshot_id)
    assert catalog(lake).load_table("raw.t").scan().to_arrow()["id"].to_pylist() == [1]


@cell("PyIceberg", "tables of version 2", "reads, writes")
def test_a_table_of_theirs(lake):
    table = catalog(lake).create_table("raw.t", Schema(NestedField(1, "id", LongType(), required=True), NestedField(2, "name", StringType())))
    arrow = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("name", pa.string())])
    table.append(pa.table({"id": list(range(50)), "name": [f"n{i}" for i in range(50)]}, schema=arrow))
    lake.sql("delete from raw.t where id < 10", "update raw.t set name = 'x' where id = 20", "insert into raw.t values (1000, null)")
    same(lake, 41)
    table = catalog(lake).load_table("raw.t")
    table.append(pa.table({"id": [2000], "name": ["theirs"]}, schema=arrow))
    table.delete("id = 30")
    same(lake, 41)
    assert lake.one("select name from raw.t where id = 2000") == "theirs"


@cell("PyIceberg", "several tables changed in one transaction", "sees them change together")
def test_a_transaction_is_one_version_for_them(lake):
    lake.sql("create table raw.t (id bigint) using iceberg", "create table raw.u (id bigint) using iceberg")
    lake.sql("begin; insert into raw.t values (1), (2); delete from raw.t where id = 1; insert into raw.u select id from raw.t; commit")
    assert theirs(lake) == [("2",)] and theirs(lake, "raw.u") == [("2",)]


def test_fixed(lake):
    """fixed[n] is FIXED_LEN_BYTE_ARRAY(n) in the files of both, and its bounds are bytes."""
    lake.sql(
        "create table raw.t (id bigint, k fixed(4), s struct<l: array<fixed(2)>>)",
        "insert into raw.t select i, case when i % 3 > 0 then unhex(printf('%08x', i)) end, {'l': [unhex(printf('%04x', i)), null]} from range(2000) r(i)",
    )
    table = catalog(lake).load_table("raw.t")
    (file,) = [task.file for task in table.scan().plan_files()]
    schema = pq.read_schema(file.file_path.removeprefix("file://"))
    assert schema.field("k").type == pa.binary(4)
    assert schema.field("s").type.field("l").type.value_type == pa.binary(2)
    assert (file.lower_bounds[2], file.upper_bounds[2]) == ((1).to_bytes(4, "big"), (1999).to_bytes(4, "big"))
    assert file.file_size_in_bytes == Path(file.file_path.removeprefix("file://")).stat().st_size
    rows = sorted(table.scan().to_arrow().to_pylist(), key=lambda row: row["id"])
    assert rows == [{"id": i, "k": i.to_bytes(4, "big") if i % 3 else None, "s": {"l": [i.to_bytes(2, "big"), None]}} for i in range(2000)]
    assert len(table.scan(row_filter=EqualTo("k", (1999).to_bytes(4, "big"))).to_arrow()) == 1
    table.append(pa.table({"id": [5000], "k": pa.array([b"\x00\xff\x01\x02"], pa.binary(4)), "s": pa.array([{"l": [b"ab"]}], pa.struct({"l": pa.list_(pa.binary(2))}))}))
    assert lake.rows("select id, hex(k), hex(s.l[1]) from raw.t where k > unhex('00FE0000')") == [("5000", "00FF0102", "6162")]
    lake.sql("update raw.t set k = 'wxyz'::blob where id = 5000")
    assert catalog(lake).load_table("raw.t").scan(row_filter="id = 5000").to_arrow()["k"].to_pylist() == [b"wxyz"]


def test_nanoseconds_with_zone(lake):
    """Arrow reads what PyIceberg, which knows no format version 3 in writing, would read."""
    lake.sql(
        "create table raw.t (id bigint, moment timestamptz_ns) tblproperties ('format-version' = '3')",
        "insert into raw.t values (1, timestamp_ns '2024-02-29 12:34:56.123456789'), (2, null), (3, timestamp_ns '1969-12-31 23:59:59.999999999')",
    )
    (path,) = (lake.warehouse / "raw" / "t" / "data").glob("*.parquet")
    table = pq.read_table(path)
    assert table.schema.field("moment").type == pa.timestamp("ns", tz="UTC")
    assert sorted(zip(table["id"].to_pylist(), table["moment"].cast(pa.int64()).to_pylist())) == [(1, 1709210096123456789), (2, None), (3, -1)]
    lake.sql("create table raw.added (id bigint, moment timestamptz_ns) tblproperties ('format-version' = '3')")
    folder = lake.warehouse / "theirs"
    folder.mkdir()
    pq.write_table(pa.table({"id": [1, 2], "moment": pa.array([1709210096123456789, -1], pa.timestamp("ns", "UTC"))}), folder / "x.parquet", version="2.6")
    assert lake.rows(f"call system.add_files(table => 'raw.added', source_table => '`parquet`.`{folder}`')") == [("1", "1")]
    assert lake.rows("select id, epoch_ns(moment) from raw.added order by id") == [("1", "1709210096123456789"), ("2", "-1")]


def test_bloom_filters_of_others(lake):
    """Bloom filters over bytes and zeros, which the engine would ask for the wrong value."""
    lake.sql("create table raw.t (id bigint, b binary, f double, s string)")
    folder = lake.warehouse / "theirs"
    folder.mkdir()
    rows = pa.table({"id": range(2000), "b": [bytes([0, i % 99]) for i in range(2000)], "f": [-0.0] * 2000, "s": [str(i % 99) for i in range(2000)]})
    pq.write_table(rows, folder / "x.parquet", bloom_filter_options={name: {"ndv": 100, "fpp": 0.01} for name in ("b", "f", "s")})
    lake.sql(f"call system.add_files(table => 'raw.t', source_table => '`parquet`.`{folder}`')")
    assert lake.rows("select count(*) from raw.t where b = unhex('0005')") == [("21",)]
    assert lake.rows("select count(*) from raw.t where f = 0") == [("2000",)]
    assert lake.rows("select count(*) from raw.t where s = '5'") == [("21",)]
    assert lake.rows("select count(*) from raw.t where b = unhex('0505')") == [("0",)]


def test_branches_of_theirs(lake):
    lake.sql("create table raw.t (id bigint)", "insert into raw.t values (1)")
    table = catalog(lake).load_table("raw.t")
    table.manage_snapshots().create_branch(table.current_snapshot().snapshot_id, "audit").commit()
    table.append(pa.table({"id": [5]}), branch="audit")
    assert lake.rows("select id from raw.t.branch_audit order by id") == [("1",), ("5",)]
    lake.sql("insert into raw.t.branch_audit values (6)", "call iceberg.system.fast_forward('raw.t', 'main', 'audit')")
    same(lake, 3)


@cell("PyIceberg", "tables of version 3", "reads")
@cell("PyIceberg", "defaults", "reads")
@cell("PyIceberg", "row lineage", "does not show it")
@cell("PyIceberg", "nanoseconds (`timestamp_ns`)", "reads")
@cell("PyIceberg", "`unknown`", "reads")
@cell("PyIceberg", "`time`", "reads")
def test_version_3(lake):
    lake.sql(
        "create table raw.t (id bigint, n timestamp_ns, u unknown, t time) tblproperties ('format-version' = '3')",
        "insert into raw.t (id, n, t) values (1, '2024-02-29 12:34:56.789012345', '12:34:56.789012')",
        "alter table raw.t add column kind string default 'old'",
    )
    table = catalog(lake).load_table("raw.t")
    found = table.scan().to_arrow()
    assert found["n"].cast(pa.int64()).to_pylist() == [1709210096789012345]
    assert [str(row["t"]) for row in found.select(["t"]).to_pylist()] == ["12:34:56.789012"]
    assert found.select(["id", "u", "kind"]).to_pylist() == [{"id": 1, "u": None, "kind": "old"}]
    with pytest.raises(ValueError, match="_row_id"):
        table.scan(selected_fields=("_row_id",)).to_arrow()
    lake.sql("create table raw.w (id bigint) tblproperties ('format-version' = '3')")
    with pytest.raises(ValueError, match="Cannot write manifest for table version: 3"):
        catalog(lake).load_table("raw.w").append(pa.table({"id": [2]}))


@cell("PyIceberg", "variants", "refuses the table")
@cell("PyIceberg", "`geometry`", "refuses the column")
def test_types_that_they_lack(lake):
    lake.sql(
        "create table raw.v (id bigint, v variant) tblproperties ('format-version' = '3')",
        "create table raw.g (id bigint, g geometry) tblproperties ('format-version' = '3')",
        "insert into raw.g (id) values (1)",
    )
    with pytest.raises(ValidationError, match="Unsupported field type: 'variant'"):
        catalog(lake).load_table("raw.v")
    assert theirs(lake, "raw.g", selected_fields=("id",)) == [("1",)]
    with pytest.raises(ResolveError, match="Cannot promote an binary to geometry"):
        theirs(lake, "raw.g")


@cell("PyIceberg", "equality deletes", "refuses")
def test_equality_deletes_of_others_are_refused(lake):
    lake.sql("create table raw.t (id bigint)", "insert into raw.t values (1), (2)")
    add_equality_deletes(lake, "raw.t", [("id", 1, pa.int64())], [(1,)])
    with pytest.raises(ValueError, match="does not yet support equality deletes"):
        theirs(lake)


@cell("PyIceberg", "views", "no")
def test_views_are_none_of_theirs(lake):
    lake.sql("create table raw.t (id bigint)", "create view raw.v as select id from raw.t")
    assert catalog(lake).list_tables("raw") == [("raw", "t")], "a view is not taken for a table"
    with pytest.raises(NotImplementedError):
        catalog(lake).load_view("raw.v")
