"""Tables that tarn's SQL makes and changes, read by PyIceberg, and tables of PyIceberg that tarn's SQL changes."""

import pyarrow as pa
import pytest
from harness import Lake
from pyiceberg.catalog.sql import SqlCatalog
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


def test_vectors_of_version_3(lake):
    lake.sql(
        "create table raw.t (id bigint, name string) using iceberg tblproperties ('format-version' = '3')",
        "insert into raw.t select i, 'n' || (i % 7) from range(300) r(i)",
        "delete from raw.t where id % 9 = 0",
        "delete from raw.t where id % 10 = 0",
    )
    same(lake, 240)


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


def test_a_transaction_is_one_version_for_them(lake):
    lake.sql("create table raw.t (id bigint) using iceberg", "create table raw.u (id bigint) using iceberg")
    lake.sql("begin; insert into raw.t values (1), (2); delete from raw.t where id = 1; insert into raw.u select id from raw.t; commit")
    assert theirs(lake) == [("2",)] and theirs(lake, "raw.u") == [("2",)]
