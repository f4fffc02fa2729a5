"""Statements and models on tables in which others have deleted rows by value: such rows never come back, the others keep their ids."""

import pytest

from harness import Lake, small_project
from table_check import check_table

pa = pytest.importorskip("pyarrow")
pytest.importorskip("fastavro")
from foreign import add_equality_deletes  # noqa: E402

STATEMENTS = {
    "update": ("update r.t set n = n + 100 where id % 10 = 1", lambda rows: {i: n + 100 if i % 10 == 1 else n for i, n in rows.items()}),
    "delete": ("delete from r.t where id % 10 = 2", lambda rows: {i: n for i, n in rows.items() if i % 10 != 2}),
    "merge": (
        "merge into r.t as t using (select * from range(15, 25) s(k)) s on t.id = s.k when matched then update set n = 0 when not matched then insert values (k, -1) when not matched by source and id > 45 then delete",
        lambda rows: {i: n for i, n in rows.items() if not (i > 45)} | {k: 0 if k in rows else -1 for k in range(15, 25)},
    ),
    "all": ("update r.t set n = -n", lambda rows: {i: -n for i, n in rows.items()}),
    "none left": ("delete from r.t where n >= 0", lambda rows: {}),
    "overwrite": ("insert overwrite r.t select id, n + 1 from r.t", lambda rows: {i: n + 1 for i, n in rows.items()}),
}


def rows_of(lake):
    return {int(i): int(n) for i, n in lake.rows("select id, n from r.t")}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("mode", ["copy-on-write", "merge-on-read"])
def test_statements(tmp_path, version, mode):
    lake = Lake(tmp_path)
    modes = ", ".join(f"'write.{m}.mode' = '{mode}'" for m in ("delete", "update", "merge"))
    for name, (statement, expected) in STATEMENTS.items():
        lake.sql(
            "create namespace if not exists r",
            "drop table if exists r.t",
            f"create table r.t (id bigint, n bigint) tblproperties ('format-version' = '{version}', {modes})",
            "insert into r.t select i, i from range(50) x(i)",
        )
        add_equality_deletes(lake, "r.t", [("id", 1, pa.int64())], [(i,) for i in range(0, 50, 7)] + [(1000,)])
        lake.sql("insert into r.t values (7, 7), (60, 60)")  # after the deletes: they stay
        rows = {i: i for i in range(50) if i % 7} | {7: 7, 60: 60}
        assert rows_of(lake) == rows, name
        ids = dict(lake.rows("select id, _row_id from r.t")) if version == 3 else {}
        lake.sql(statement)
        rows = expected(rows)
        assert rows_of(lake) == rows, name
        if version == 3 and name != "overwrite":
            now = dict(lake.rows("select id, _row_id from r.t"))
            assert all(now[i] == ids[i] for i in now if i in ids), name
            assert len(set(now.values())) == len(now)
        add_equality_deletes(lake, "r.t", [("n", 2, pa.int64())], [(3,), (103,), (0,)]) if rows else None
        rows = {i: n for i, n in rows.items() if n not in (3, 103, 0)}
        assert rows_of(lake) == rows, name
        lake.sql("update r.t set n = n where id < 30")
        assert rows_of(lake) == rows, name
        lake.sql("insert into r.t values (3, 3)")
        assert rows_of(lake) == rows | {3: 3} if 3 not in rows else True
        check_table(lake, "r.t")


@pytest.mark.parametrize("version", [2, 3])
def test_a_merge_model(tmp_path, version):
    project = small_project(tmp_path / "p", "".join(f'{{"id": {i}, "amount": {i}}}\n' for i in range(30)))
    project.edit("models/curated/items.sql", "kind: merge\n", f"kind: merge\nproperties: {{format-version: '{version}'}}\n")
    project("run")
    add_equality_deletes(project, "curated.items", [("id", 1, pa.int64())], [(3,), (4,)])
    assert project.one("select count(*) from curated.items") == "28"
    project.write("data/items-2.json", '{"id": 5, "amount": 50}\n{"id": 31, "amount": 31}\n')
    project("run")
    expected = {str(i): str(i) for i in range(32) if i != 30} | {"5": "50"}  # the model makes rows 3 and 4 again
    assert dict(project.rows("select id, amount from curated.items")) == expected
    check_table(project, "curated.items")
