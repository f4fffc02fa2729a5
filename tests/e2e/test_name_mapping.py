"""Files without field ids: their columns are found by the table's name mapping, at every depth."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import Lake

POINT = pa.struct([("x", pa.int32()), ("y", pa.string())])
NESTED = pa.schema(
    [
        ("id", pa.int64()),
        ("p", POINT),
        ("l", pa.list_(POINT)),
        ("m", pa.map_(pa.string(), pa.struct([("v", pa.float32()), ("deep", pa.list_(POINT))]))),
        ("ll", pa.list_(pa.list_(pa.int32()))),
    ]
)
ROW = {
    "id": 1,
    "p": {"x": 1, "y": "a"},
    "l": [{"x": 2, "y": "b"}, None],
    "m": [("k", {"v": 0.5, "deep": [{"x": 3, "y": "c"}]}), ("n", None)],
    "ll": [[1, None], [], None],
}
EMPTY = {"id": 2, "p": None, "l": None, "m": None, "ll": None}


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.sql("create namespace raw")
    return lake


def source(lake, name, rows, schema):
    folder = lake.folder / name
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), folder / "1.parquet")
    return folder


def nested(lake):
    folder = source(lake, "first", [ROW, EMPTY], NESTED)
    lake.sql(f"call system.snapshot('{folder}', 'raw.t')")


def rows(lake, sql):
    return [json.loads(line) for line in lake("sql", sql, "--format", "ndjson").out.splitlines()]


def mapping(lake, table="raw.t"):
    (row,) = rows(lake, f"show tblproperties {table} ('schema.name-mapping.default')")
    return json.loads(row["value"])


def set_mapping(lake, fields, table="raw.t"):
    lake.sql(f"alter table {table} set tblproperties ('schema.name-mapping.default' = '{json.dumps(fields)}')")


def test_nested_columns(lake):
    nested(lake)
    got, empty = rows(lake, "select * from raw.t order by id")
    assert got == {**ROW, "m": {"k": ROW["m"][0][1], "n": None}}
    assert empty == EMPTY
    by_name = {f["names"][0]: f for f in mapping(lake)}
    assert [f["names"] for f in by_name["m"]["fields"]] == [["key"], ["value"]]
    deep = by_name["m"]["fields"][1]["fields"][1]
    assert deep["names"] == ["deep"] and [f["names"] for f in deep["fields"][0]["fields"]] == [["x"], ["y"]]


def test_trap_13_nested_names_after_the_import(lake):
    """Renamed fields keep their values, dropped ones never come back under a new field of their name."""
    nested(lake)
    lake.sql(
        "alter table raw.t rename column p.x to y2",
        "alter table raw.t rename column l.element.x to z",
        "alter table raw.t alter column l.element.z type bigint",
        "alter table raw.t drop column m.value.v",
        "alter table raw.t add column m.value.v double",
        "alter table raw.t rename column m.value.deep.element.y to x2",
        "alter table raw.t drop column p.y",
        "alter table raw.t add column p.y string",
        "alter table raw.t alter column p.y first",
        "insert into raw.t (id, p, m) values (3, {'y2': 9, 'y': 'new'}, map {'k': {'v': 1.5}})",
    )
    one, two, three = rows(lake, "select * from raw.t order by id")
    assert one["p"] == {"y": None, "y2": 1}
    assert one["l"] == [{"z": 2, "y": "b"}, None]
    assert one["m"] == {"k": {"deep": [{"x": 3, "x2": "c"}], "v": None}, "n": None}
    assert two == EMPTY
    assert three["p"] == {"y": "new", "y2": 9} and three["m"]["k"]["v"] == 1.5
    assert rows(lake, "select id from raw.t where p.y2 = 1 and l[1].z = 2") == [{"id": 1}]


def test_trap_13_all_fields_replaced(lake):
    """Whether a struct is null is told by what it held, even when none of that is left."""
    nested(lake)
    lake.sql(
        "alter table raw.t add column p.new int, drop column p.x, drop column p.y",
        "alter table raw.t add column l.element.new int, drop column l.element.x, drop column l.element.y",
    )
    one, two = rows(lake, "select p, l from raw.t order by id")
    assert one == {"p": {"new": None}, "l": [{"new": None}, None]}
    assert two == {"p": None, "l": None}


def test_trap_13_a_column_dropped_and_added_again(lake):
    """Its name in old files stays the old column's, also when the mapping is written anew."""
    first = source(lake, "first", [{"id": 1, "a": "old"}], pa.schema([("id", pa.int64()), ("a", pa.string())]))
    second = source(lake, "second", [{"id": 2}], pa.schema([("id", pa.int64())]))
    lake.sql(
        f"call system.snapshot('{first}', 'raw.t')",
        "alter table raw.t drop column a",
        "alter table raw.t add column a string",
        f"call system.add_files('raw.t', '{second}')",
        f"call system.add_files('raw.t', '{second}', map(), false)",
    )
    assert [r["a"] for r in rows(lake, "select a from raw.t order by id")] == [None, None, None]
    assert {f["field-id"]: f["names"] for f in mapping(lake)} == {1: ["id"], 2: ["a"], 3: []}
    third = source(lake, "third", [{"id": 3, "a": "which?"}], pa.schema([("id", pa.int64()), ("a", pa.string())]))
    assert 'column "a" of the files is another one' in lake("sql", f"call system.add_files('raw.t', '{third}')", code=1).err


def test_several_names_for_one_field(lake):
    """Files of several generations; of two names in one file it could be either."""
    nested(lake)
    fields = mapping(lake)
    at = {f["names"][0]: f for f in fields}
    at["id"]["names"] = ["id", "record_id"]
    at["p"]["names"] = ["p", "place"]
    at["p"]["fields"][0]["names"] = ["x", "lat"]
    set_mapping(lake, fields)
    other = pa.schema([("place", pa.struct([("y", pa.string()), ("lat", pa.int32())])), ("record_id", pa.int64())])
    folder = source(lake, "other", [{"record_id": 7, "place": {"lat": 70, "y": "n"}}], other)
    lake.sql(f"call system.add_files('raw.t', '{folder}')")
    assert rows(lake, "select id, p from raw.t where id = 7") == [{"id": 7, "p": {"x": 70, "y": "n"}}]
    assert rows(lake, "select id from raw.t where p.x = 70") == [{"id": 7}]

    at["p"]["fields"][0]["names"] = ["lat"]
    at["p"]["fields"][1]["names"] = ["x", "y"]
    set_mapping(lake, fields)
    err = lake("sql", "select p from raw.t", code=1).err
    assert 'has two columns for "y": "x" and "y"' in err or "another type" in err


def test_two_names_in_one_file(lake):
    both = pa.schema([("a", pa.int64()), ("b", pa.int64())])
    folder = source(lake, "both", [{"a": 1, "b": 2}], both)
    lake.sql(f"call system.snapshot('{folder}', 'raw.t')")
    set_mapping(lake, [{"field-id": 1, "names": ["a", "b"]}, {"field-id": 2, "names": []}])
    assert 'has two columns for "a": "a" and "b"' in lake("sql", "select a from raw.t", code=1).err
    set_mapping(lake, [{"field-id": 1, "names": ["b"]}, {"field-id": 2, "names": ["a"]}])
    assert rows(lake, "select a, b from raw.t") == [{"a": 2, "b": 1}]
    set_mapping(lake, [{"field-id": 1, "names": ["a"]}, {"field-id": 2, "names": ["a"]}])
    assert 'has the name "a" twice' in lake("sql", "select a from raw.t", code=1).err


def test_defaults_where_files_lack_a_field(lake):
    """The mapping first, then defaults; partition values of folders before those."""
    folder = source(lake, "t/day=2024-02-29", [ROW, EMPTY], NESTED).parent
    lake.sql(
        f"call system.snapshot('{folder}', 'raw.t', null, map('format-version', '3'))",
        "alter table raw.t add column p.z int default 7, add column l.element.z int default 8",
        "alter table raw.t add column fresh struct<a: int> default {'a': 1}",
        "alter table raw.t add column list array<int> default [1, 2]",
    )
    one, two = rows(lake, "select * from raw.t order by id")
    assert one["p"] == {"x": 1, "y": "a", "z": 7} and one["l"] == [{"x": 2, "y": "b", "z": 8}, None]
    assert two["p"] is None and two["l"] is None
    assert one["fresh"] == two["fresh"] == {"a": 1} and one["list"] == [1, 2]
    assert one["day"] == "2024-02-29"


def test_rows_of_imported_files_change(lake):
    """Position deletes, rewrites and partitions of folders go with files that have no ids."""
    for day in ("2024-01-01", "2024-01-02"):
        source(lake, f"t/day={day}", [ROW, EMPTY], NESTED)
    lake.sql(
        f"call system.snapshot('{lake.folder}/t', 'raw.t')",
        "alter table raw.t rename column p.x to lat",
        "delete from raw.t where id = 2 and day = '2024-01-01'",
        "update raw.t set p.lat = 100 where p.lat = 1 and day = '2024-01-02'",
    )
    got = rows(lake, "select id, p.lat as lat, l[1].x as x, day from raw.t order by day, id")
    assert got == [
        {"id": 1, "lat": 1, "x": 2, "day": "2024-01-01"},
        {"id": 1, "lat": 100, "x": 2, "day": "2024-01-02"},
        {"id": 2, "lat": None, "x": None, "day": "2024-01-02"},
    ]
    lake.sql(
        "alter table raw.t set tblproperties ('write.update.mode' = 'copy-on-write')",
        "update raw.t set ll = null where id = 1",
    )
    assert rows(lake, "select m['k'].deep[1].y as y, ll from raw.t where id = 1") == [{"y": "c", "ll": None}] * 2
