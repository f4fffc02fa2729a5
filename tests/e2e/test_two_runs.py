"""Two runs at once: on one project, and on two projects that share a warehouse."""

import pytest

from harness import Result, small_project

RIGHT = (0, 4)


def together(*commands):
    processes = [project.start(*args) for project, *args in commands]
    results = []
    for process, (_, *args) in zip(processes, commands):
        out, err = process.communicate(timeout=600)
        results.append(Result(args, process.returncode, out, err))
    return results


def check(results):
    for result in results:
        assert result.code in RIGHT, str(result)
        if result.code == 4:
            assert any(word in result.text.lower() for word in ("lease", "conflict", "another", "holds")), str(result)


@pytest.mark.parametrize("attempt", range(3))
def test_on_one_project(tmp_path, attempt):
    project = small_project(tmp_path / "p", None)
    project.write("data/items.json", "".join(f'{{"id": {n}, "amount": {n}}}\n' for n in range(20000)))
    results = together((project, "run"), (project, "run"))
    check(results)
    assert 0 in [r.code for r in results]
    project("run")
    assert project.one("select count(*) from raw.items") == "20000"
    assert project.one("select count(*) from curated.items") == "20000"


def shared(tmp_path):
    one = small_project(tmp_path / "one")
    two = small_project(tmp_path / "two")
    for name, project in (("one", one), ("two", two)):
        project.edit("tarn.yaml", "./warehouse", str(tmp_path / "lake"))
        project.edit("tarn.yaml", "to: raw.items", f"to: raw.items_{name}")
        project.write(f"models/curated/{name}.sql", project.read("models/curated/items.sql").replace("raw.items", f"raw.items_{name}"))
        (project.folder / "models/curated/items.sql").unlink()
    return one, two


@pytest.mark.parametrize("attempt", range(3))
def test_on_two_projects_over_one_warehouse(tmp_path, attempt):
    one, two = shared(tmp_path)
    results = together((one, "run"), (two, "run"))
    check(results)
    assert [r.code for r in results] == [0, 0], "tables of their own: nothing to fight about"
    for name in ("one", "two"):
        assert one.rows(f"select id, amount from curated.{name} order by id") == [("1", "5"), ("2", "7")]


def test_two_projects_that_write_one_table(tmp_path):
    """Two sources into one table: both end right or one says what stopped it; no row is lost or doubled."""
    one, two = small_project(tmp_path / "one"), small_project(tmp_path / "two", '{"id": 3, "amount": 1}\n')
    for name, project in (("one", one), ("two", two)):
        project.edit("tarn.yaml", "./warehouse", str(tmp_path / "lake"))
        project.edit("tarn.yaml", "files: [", f'files: [')
        (project.folder / "models/curated/items.sql").unlink()
    two.edit("tarn.yaml", "sources: {app:", "sources: {other:")
    two.edit("tarn.yaml", "from: app.items", "from: other.items")
    check(together((one, "run"), (two, "run")))
    one("run", code=None)
    two("run", code=None)
    rows = one.rows("select id, amount from raw.items order by id")
    assert rows in ([("1", "5"), ("2", "7"), ("3", "1")], [("1", "5"), ("2", "7")], [("3", "1")])


def test_readers_beside_a_run(tmp_path):
    """Queries during a run see the table of before or of after, never an error."""
    project = small_project(tmp_path / "p")
    project("run")
    project.write("data/items-2.json", "".join(f'{{"id": {n}, "amount": {n}}}\n' for n in range(10, 50010)))
    run = project.start("run")
    seen = set()
    while run.poll() is None:
        seen.add(project.one("select count(*) from raw.items"))
    run.communicate(timeout=600)
    assert run.returncode == 0
    assert seen <= {"2", "50002"}
    assert project.one("select count(*) from raw.items") == "50002"
