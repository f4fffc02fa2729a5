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
