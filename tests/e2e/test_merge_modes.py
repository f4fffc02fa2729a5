"""How merge models replace rows: write.merge.mode and tarn.write.delete-files of their tables."""

import json

import pytest
from harness import small_project

MODES = {
    "merge-on-read": {},
    "equality": {"tarn.write.delete-files": "equality"},
    "copy-on-write": {"write.merge.mode": "copy-on-write"},
}


def header(mode, version, **more):
    properties = {"format-version": str(version), **MODES[mode]}
    lines = [f"{k}: {v}" for k, v in more.items()]
    return "/* tarn\nkind: merge\n" + "\n".join(lines) + "\nproperties: " + json.dumps(properties) + "\n*/\n"


def items(*rows):
    return "".join(json.dumps(dict(zip(("id", "part", "amount"), row))) + "\n" for row in rows)


def make(folder, mode, version, **more):
    project = small_project(folder, items(*((i, "abc"[i % 3], i) for i in range(30))))
    project.write("models/curated/kept.sql", header(mode, version, key="[id]", **more) + "select id, part, amount as v from raw.items\n")
    project("run")
    return project


def contents(project):
    return [int(n) for (n,) in project.rows("select content from curated.kept.files order by 1")]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("partitioned", [False, True])
def test_rows_are_replaced(tmp_path, mode, version, partitioned):
    more = {"partition_by": "[part]"} if partitioned else {}
    project = make(tmp_path / "p", mode, version, **more)
    assert set(contents(project)) == {0}
    ids = project.rows("select id, _row_id from curated.kept order by id") if version == 3 else None
    changed = [(i, "abc"[i % 3], 100 + i if i in (4, 5) else i) for i in range(31)]
    project.write("data/items.json", items(*changed))
    told = project("run").text
    line = next(line for line in told.splitlines() if "curated.kept " in line)
    assert "3 out" in line and "2 replaced" in line, told
    assert project.rows("select id, part, v from curated.kept order by id") == [tuple(map(str, row)) for row in changed]
    kinds = set(contents(project))
    assert kinds == {"merge-on-read": {0, 1}, "equality": {0, 2}, "copy-on-write": {0}}[mode]
    if mode == "equality":
        keys = project.rows("select distinct equality_ids from curated.kept.delete_files")
        assert keys == [("[1]",)]
        files = project.rows("select record_count from curated.kept.delete_files")
        assert len(files) == (2 if partitioned else 1)  # ids 4 and 5 lie in partitions of their own
    if ids:
        assert project.rows("select id, _row_id from curated.kept where id < 30 order by id") == ids
    # and once more, over what is there now; a column comes, rows that did not change are not counted
    project.write("data/items.json", items(*((i, p, -v if i == 5 else v) for i, p, v in changed)))
    project.edit("models/curated/kept.sql", "amount as v from", "amount as v, amount * 2 as twice from")
    project("run")
    expected = [(str(i), p, str(-v if i == 5 else v), str(2 * (-v if i == 5 else v))) for i, p, v in changed]
    assert project.rows("select id, part, v, twice from curated.kept order by id") == expected


@pytest.mark.parametrize("mode", MODES)
def test_the_same_rows_write_nothing(tmp_path, mode):
    project = make(tmp_path / "p", mode, 2)
    project.write("data/items.json", items(*((i, "abc"[i % 3], 7 if i in (4, 5) else i) for i in range(31))))
    project("run")
    before = project.rows("select count(*) from curated.kept.snapshots")
    assert before == [("2",)]
    project.write("data/items.json", items(*((i, "abc"[i % 3], 7 if i in (4, 5) else i) for i in range(31))) + "\n")
    project("run")
    assert project.rows("select count(*) from curated.kept.snapshots") == before


@pytest.mark.parametrize("mode", MODES)
def test_groups_are_replaced(tmp_path, mode):
    """replace_by: rows of a group that are made no more go, by the same means."""
    project = small_project(tmp_path / "p", items((1, "a", 1), (1, "b", 1), (2, "a", 1), (3, "a", 1)))
    project.write(
        "models/curated/kept.sql", header(mode, 2, key="[id, part]", replace_by="[id]") + "select id, part, amount as v from raw.items\n"
    )
    project("run")
    project.write("data/items.json", items((1, "c", 1), (2, "a", 5)))
    project("run")
    assert project.rows("select id, part, v from curated.kept order by all") == [("1", "c", "1"), ("2", "a", "5"), ("3", "a", "1")]
    if mode == "equality":
        assert project.rows("select equality_ids from curated.kept.delete_files") == [("[1,2]",)]


def test_rows_of_others_with_the_same_key(tmp_path):
    """Equality deletes would take a row with them that the merge leaves alone: such a merge deletes by position."""
    project = make(tmp_path / "p", "equality", 2, replace_by="[part]")
    project("sql", "insert into curated.kept values (4, 'z', 4)")
    project.write("data/items.json", items(*((i, "abc"[i % 3], i) for i in range(30) if i != 4)))
    result = project("run", code=None)
    # the key stands in the table twice: that is told, and nothing is lost
    assert result.code != 0 and "more than once" in result.text
    assert project.rows("select count(*) from curated.kept") == [("31",)]


def test_modes_that_do_not_exist(tmp_path):
    project = make(tmp_path / "p", "merge-on-read", 2)
    project.write("data/items.json", items((1, "a", 9)))
    project.edit("models/curated/kept.sql", '"format-version": "2"', '"write.merge.mode": "sometimes"')
    result = project("run", code=None)
    assert result.code != 0 and "write.merge.mode" in result.text and "copy-on-write or merge-on-read" in result.text
    assert project.rows("select count(*) from curated.kept") == [("30",)]
