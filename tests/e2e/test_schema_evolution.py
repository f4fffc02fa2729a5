"""Random changes of a table's columns, at every depth, between rows that are written: what is read is what a small
model of field ids says (evolution_model.py)."""

import json
import random

import pytest
from evolution_model import Table, plain
from harness import Lake


def rows(lake, sql):
    out = lake("sql", sql, "--format", "ndjson").out
    return [json.loads(line) for line in out.splitlines()]


def run(lake, statements):
    lake("sql", "-f", "-", input="".join(f"{s};\n" for s in statements))


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("seed", range(3))
def test_random_steps(tmp_path, seed, version):
    lake = Lake(tmp_path)
    table = Table(random.Random(seed * 10 + version), version)
    history, done = [], ["create namespace raw", table.create(), table.insert(), table.insert()]
    run(lake, done)
    for _ in range(10):
        statements = [table.step() for _ in range(5)]
        done += statements
        try:
            run(lake, statements)
            assert rows(lake, f"select * from {table.name} order by k") == plain(table.read())
            for _ in range(3):
                condition, keys = table.filter()
                got = [r["k"] for r in rows(lake, f"select k from {table.name} t where {condition} order by k")]
                assert got == keys, condition
        except BaseException:
            print(";\n".join(done) + ";")
            raise
        (last,) = rows(lake, f"select snapshot_id from {table.name}.snapshots order by committed_at desc limit 1")
        history.append((last["snapshot_id"], len(table.rows)))
    for snapshot, count in history:
        assert rows(lake, f"select count(*) as n from {table.name} version as of {snapshot}") == [{"n": count}]


def rewritten(lake, change):
    """A copy of the newest metadata file of raw.t, changed as another writer would have it."""
    folder = lake.warehouse / "raw/t/metadata"
    newest = max(folder.glob("0*.metadata.json"), key=lambda p: json.loads(p.read_text())["last-updated-ms"])
    metadata = json.loads(newest.read_text())
    change(metadata)
    path = folder / "99999-by-another.metadata.json"
    path.write_text(json.dumps(metadata))
    return f'"{path}"'


def test_schemas_that_are_gone(tmp_path):
    """Expiry may remove schemas that no snapshot has; files that were written with them stay."""
    lake = Lake(tmp_path)
    run(
        lake,
        [
            "create namespace raw",
            "create table raw.t (id int, s struct<a: int, b: int>, d date, f float) tblproperties ('format-version' = '3')",
            "insert into raw.t values (1, {'a': 1, 'b': 2}, date '2024-02-29', 0.1)",
            "alter table raw.t rename column s.a to x",
            "alter table raw.t rename column s.b to a",
            "alter table raw.t rename column s.x to b",
            "alter table raw.t alter column d type timestamp_ntz",
            "alter table raw.t alter column f type double",
            "insert into raw.t values (2, {'b': 3, 'a': 4}, timestamp '2024-02-29 12:00:00', 0.5)",
        ],
    )

    def expire(m):
        m["schemas"] = [s for s in m["schemas"] if s["schema-id"] == m["current-schema-id"]]
        for snapshot in m["snapshots"]:
            snapshot["schema-id"] = m["current-schema-id"]

    table = rewritten(lake, expire)
    assert rows(lake, f"select id, s.a as a, s.b as b from {table} order by id") == [{"id": 1, "a": 2, "b": 1}, {"id": 2, "a": 4, "b": 3}]
    assert rows(lake, f"select id from {table} where d < timestamp '2024-02-29 00:00:01'") == [{"id": 1}]
    assert rows(lake, f"select id from {table} where d = timestamp '2024-02-29 10:00:00' or f = 0.1::double") == []


def test_defaults_of_other_writers(tmp_path):
    """What the specification allows in a default, whoever wrote it; and what it does not."""
    lake = Lake(tmp_path)
    run(
        lake,
        [
            "create namespace raw",
            "create table raw.t (id int) tblproperties ('format-version' = '3')",
            "insert into raw.t values (1)",
            "alter table raw.t add column s struct<a: int, b: struct<c: string>, d: binary>",
            "alter table raw.t add column l array<struct<x: int, y: int>>",
            "alter table raw.t add column m map<int, array<date>>",
            "alter table raw.t add column t timestamp_ns",
        ],
    )
    fields = {}

    def collect(m):
        def walk(f):
            fields[f["name"]] = f
            for inner in (f["type"].get("fields", []) if isinstance(f["type"], dict) else []):
                walk(inner)
            if isinstance(f["type"], dict) and f["type"]["type"] == "list":
                fields[f["name"] + ".element"] = f["type"]["element"]
                walk({"name": f["name"] + ".element", "type": f["type"]["element"]})

        schema = next(s for s in m["schemas"] if s["schema-id"] == m["current-schema-id"])
        for f in schema["fields"]:
            walk(f)

    def default(**values):
        def change(m):
            collect(m)
            for name, value in values.items():
                fields[name]["initial-default"] = value(fields) if callable(value) else value

        return rewritten(lake, change)

    def one(column, **values):
        (row,) = rows(lake, f"select {column} from {default(**values)}")
        return row[column]

    assert one("s", a=1, c="x") is None
    assert one("s", s={}, a=1, b={}, c="x", d="00ff") == {"a": 1, "b": {"c": "x"}, "d": "AP8="}
    assert one("s", s={}, a=1, c="x") == {"a": 1, "b": None, "d": None}
    assert one("s", s=lambda f: {str(f["a"]["id"]): 7}, a=1) == {"a": 7, "b": None, "d": None}
    assert one("l", l=[], x=5) == []
    assert one("l", l=lambda f: [None, {}, {str(f["y"]["id"]): 2}], x=5) == [None, {"x": 5, "y": None}, {"x": 5, "y": 2}]
    assert one("m", m={"keys": [1, 2], "values": [["2024-02-29", None], None]}) == [
        {"key": 1, "value": ["2024-02-29", None]},
        {"key": 2, "value": None},
    ]
    assert one("t", t="2024-02-29") == "2024-02-29T00:00:00"
    assert one("t", t="2024-02-29T01:02:03.123456789") == "2024-02-29T01:02:03.123456789"
    for values in ({"s": 5}, {"l": {}}, {"l": [5]}, {"m": {"keys": [1], "values": []}}, {"m": []}, {"t": "soon"}, {"s": {}, "a": "x"}):
        assert lake("sql", f"select * from {default(**values)}", code=1).err.startswith("error[T01"), values
