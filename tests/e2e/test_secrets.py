"""What tarn.yaml has as ${secret:..} is in nothing that the program says or writes: messages, JSON, logs, records of runs, plans,
tables of its own."""

import pytest

from harness import small_project

SECRET = "zq7SentinelOfASecret"
SHORT = "zq7S"  # its first letters would help somebody


def project_of(folder):
    project = small_project(folder / "p")
    outside = folder / SECRET / "data"
    outside.mkdir(parents=True)
    (project.folder / "data" / "items.json").rename(outside / "items.json")
    project.edit("tarn.yaml", "path: data", 'path: "${secret:where}/data"')
    project.env["TARN_SECRET_WHERE"] = str(folder / SECRET)
    return project, outside


def check(project, result=None):
    if result is not None:
        assert SHORT not in result.text, str(result)
    for path in [*(project.folder / ".tarn").rglob("*"), *project.warehouse.rglob("*")]:
        if path.is_file():
            assert SHORT.encode() not in path.read_bytes(), path


SAID = [["run"], ["run", "--json"], ["run", "-v"], ["plan"], ["plan", "--json"], ["retry"], ["doctor"], ["doctor", "--json"], ["ls"],
        ["table", "show", "raw.items"], ["table", "files", "raw.items"], ["table", "history", "raw.items", "--json"],
        ["sql", "explain select * from raw.items"], ["sql", "explain analyze select * from raw.items"],
        ["sql", "--json", "select * from raw.items__files"], ["sql", "select getenv('TARN_SECRET_WHERE')"]]


@pytest.fixture
def secret(tmp_path):
    return project_of(tmp_path)


@pytest.mark.parametrize("args", SAID, ids=" ".join)
def test_what_is_said(secret, args):
    project, _ = secret
    project("run")
    result = project(*args, code=None)
    assert result.code in (0, 1), str(result)
    check(project, result)


@pytest.mark.parametrize("damage", ["a folder that is gone", "a file cut short", "a line", "a file that is denied", "a file that goes", "a model"])
def test_what_fails(secret, damage):
    project, outside = secret
    file = outside / "items-2.json"
    if damage == "a folder that is gone":
        outside.rename(outside.parent / "elsewhere")
    elif damage == "a file cut short":
        (outside / "items-2.json.gz").write_bytes(b"\x1f\x8b\x08\x00")
    elif damage == "a line":
        file.write_text('{"id": 1, "amount": \n')
    elif damage == "a file that is denied":
        file.mkdir()
    elif damage == "a file that goes":
        file.symlink_to("nothing")
    else:
        project.edit("models/curated/items.sql", "amount,", "cast('x' as int) as amount,")
    for args in [["run"], ["run", "--json"], ["run", "-v"]]:
        check(project, project(*args, code=None))


def test_a_file_of_secrets(tmp_path):
    project, _ = project_of(tmp_path)
    project.env["TARN_SECRETS_DIR"] = str(tmp_path / "secrets")
    del project.env["TARN_SECRET_WHERE"]
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "where").write_text(str(tmp_path / SECRET / "none"))
    check(project, project("run", code=None))
    project.write(".env", f"A=1\nB='{SECRET}\n")
    result = project("run", code=2)
    check(project, result)
