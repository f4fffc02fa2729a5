"""Tables that tarn's DDL makes and changes, as PyIceberg reads their metadata and files."""

import random

import pyarrow.parquet as pq
import pyiceberg_side as side
import pytest
from evolution_model import Table
from harness import Lake
from pyiceberg.table.sorting import NullOrder, SortDirection
from pyiceberg.transforms import BucketTransform, DayTransform, HourTransform, IdentityTransform, TruncateTransform
from pyiceberg.types import DecimalType, IntegerType, LongType, StringType, TimestampType, TimestamptzType
from test_pyiceberg_tables import catalog, ordered, theirs


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.sql("create namespace raw")
    return lake


def load(lake, name="raw.t"):
    return catalog(lake).load_table(name)


def test_what_create_table_says(lake):
    lake.sql(
        "create table raw.t (id bigint not null comment 'key', n int, name string, moment timestamp, seen timestamptz, "
        "amount decimal(10, 2), p struct<x: int, l: array<string>>, m map<string, double>, primary key (id)) "
        "partitioned by (name, days(moment), bucket(16, id) as shard, truncate(4, name)) "
        "write ordered by name desc, bucket(4, id) nulls last "
        "comment 'a table' tblproperties ('my.own' = 'x')"
    )
    table = load(lake)
    schema = table.schema()
    assert [f.name for f in schema.fields] == ["id", "n", "name", "moment", "seen", "amount", "p", "m"]
    assert schema.identifier_field_ids == [1]
    assert schema.find_field("id").required and schema.find_field("id").doc == "key"
    assert schema.find_type("n") == IntegerType() and schema.find_type("moment") == TimestampType()
    assert schema.find_type("seen") == TimestamptzType() and schema.find_type("amount") == DecimalType(10, 2)
    assert schema.find_type("p.l.element") == StringType()
    spec = [(f.name, f.transform) for f in table.spec().fields]
    assert spec == [
        ("name", IdentityTransform()),
        ("moment_day", DayTransform()),
        ("shard", BucketTransform(16)),
        ("name_trunc", TruncateTransform(4)),
    ]
    order = table.sort_order().fields
    assert [(f.direction, f.null_order) for f in order] == [
        (SortDirection.DESC, NullOrder.NULLS_LAST),
        (SortDirection.ASC, NullOrder.NULLS_LAST),
    ]
    assert table.properties["comment"] == "a table" and table.properties["my.own"] == "x"
    lake.sql(
        "insert into raw.t (id, name, moment, p) select i, 'name ' || i % 3, timestamp '2024-01-01' + to_hours(i::int), "
        "{'x': i, 'l': ['a']} from range(200) r(i)"
    )
    found = theirs(lake, selected_fields=("id", "name", "moment"))
    assert found == ordered(lake.rows("select id, name, moment from raw.t")) and len(found) == 200
    assert theirs(lake, row_filter="id == 7", selected_fields=("p",)) == [("{'x': 7, 'l': ['a']}",)]
    assert len(theirs(lake, row_filter="name == 'name 1'")) == 67
    assert len(theirs(lake, row_filter="moment >= '2024-01-05T00:00:00'")) == 200 - 96


def test_a_table_that_changes(lake):
    lake.sql(
        "create table raw.t (id int not null, name string, p struct<a: int>, l array<struct<x: float>>, at timestamp) partitioned by (days(at))",
        "insert into raw.t values (1, 'one', {'a': 1}, [{'x': 0.5}], '2024-01-01 10:00')",
        "alter table raw.t add column note string after id, rename column p.a to aa, add column l.element.y int",
        "alter table raw.t alter column id type bigint, alter column l.element.x type double, drop column name",
        "alter table raw.t replace partition field days(at) with hours(at)",
        "alter table raw.t add partition field bucket(4, id)",
        "insert into raw.t values (3000000000, 'a note', {'aa': 2}, [{'x': 0.25, 'y': 1}], '2024-01-02 10:00')",
        "alter table raw.t write ordered by id",
        "alter table raw.t create branch audit",
        "insert into raw.t.branch_audit (id) values (7)",
        "alter table raw.t create tag v1 as of version main retain 5 days",
    )
    table = load(lake)
    assert [f.name for f in table.schema().fields] == ["id", "note", "p", "l", "at"]
    assert table.schema().find_type("id") == LongType()
    assert [f.transform for f in table.spec().fields] == [HourTransform(), BucketTransform(4)]
    assert theirs(lake) == [
        ("1", None, "{'aa': 1}", "[{'x': 0.5, 'y': None}]", "2024-01-01 10:00:00"),
        ("3000000000", "a note", "{'aa': 2}", "[{'x': 0.25, 'y': 1}]", "2024-01-02 10:00:00"),
    ]
    assert len(theirs(lake, snapshot_id=table.refs()["audit"].snapshot_id)) == 3
    assert table.refs()["v1"].max_ref_age_ms == 5 * 86400000
    lake.sql("insert overwrite raw.t values (9, null, null, null, '2024-01-03 10:00')")
    assert len(theirs(lake)) == 1
    lake.sql("create or replace table raw.t as select 5 as x")
    assert theirs(lake) == [("5",)]
    assert len(load(lake).snapshots()) == 5


def test_rows_lie_in_order(lake):
    lake.sql(
        "create table raw.t (id int, name string) partitioned by (truncate(1, name)) write ordered by name desc, id",
        "insert into raw.t select (i * 7919) % 5000, chr((97 + i % 3)::int) || (i % 50) from range(5000) r(i)",
    )
    tasks = list(load(lake).scan().plan_files())
    assert len(tasks) == 3
    for task in tasks:
        assert task.file.sort_order_id == 1
        rows = pq.read_table(task.file.file_path.removeprefix("file://")).to_pylist()
        assert rows == sorted(sorted(rows, key=lambda r: r["id"]), key=lambda r: r["name"], reverse=True)


def test_overwritten_partitions(lake):
    lake.sql(
        "create table raw.t (day date, n int) partitioned by (day)",
        "insert into raw.t values ('2024-01-01', 1), ('2024-01-02', 2), (null, 3)",
        "insert overwrite raw.t partition (day = '2024-01-01') values (10)",
        "insert overwrite raw.t partition (day) values ('2024-01-02', 20), ('2024-01-04', 40)",
        "insert into raw.t replace where n = 3 values (null, 30)",
    )
    assert theirs(lake) == [(None, "30"), ("2024-01-01", "10"), ("2024-01-02", "20"), ("2024-01-04", "40")]


@pytest.mark.parametrize("seed", range(4))
def test_columns_that_change_at_random(lake, seed):
    """Fields added, dropped, renamed, swapped, moved and promoted at every depth, between rows that are written."""
    table = Table(random.Random(seed), 2)
    statements = [table.create(), table.insert()] + [table.step() for _ in range(40)]
    lake("sql", "-f", "-", input="".join(f"{s};\n" for s in statements))
    found = load(lake)

    def told(value):  # PyIceberg makes an empty list of a null one where it casts what is inside
        if isinstance(value, dict):
            return {k: told(v) for k, v in value.items()}
        return [told(v) for v in value or []] if isinstance(value, list) or value is None else value

    try:
        assert told(side.theirs(found)) == told(side.ours(lake, table.name, found.schema()))
    except BaseException:
        print(";\n".join(statements) + ";")
        raise
