"""The command line from outside: formats, help, exit codes, streams."""

import json
import re

import pytest

from harness import Lake, Project, program

VERBS = "init plan run retry sql ls table doctor version".split()
ROWS = """
select * from (values
    (1, 'plain', 1.50::decimal(9,2), date '2025-05-31', true, null),
    (-2, 'with, comma and "quotes"', -0.05::decimal(9,2), null, false, 'x'),
    (null, e'two\\nlines | pipe', null, date '0099-01-01', null, '')
) t(n, text, money, day, flag, nothing)
"""


@pytest.fixture
def empty(tmp_path):
    project = Project(tmp_path)
    project.write("tarn.yaml", "tarn: 1\nproject: empty\nprofile: local\nprofiles:\n  local: {warehouse: ./warehouse}\n")
    return project


def test_csv(empty):
    out = empty("sql", "--format", "csv", ROWS).out
    assert out == (
        "n,text,money,day,flag,nothing\n"
        "1,plain,1.50,2025-05-31,true,\n"
        '-2,"with, comma and ""quotes""",-0.05,,false,x\n'
        ',"two\nlines | pipe",,0099-01-01,,""\n'
    )


def test_ndjson(empty):
    lines = empty("sql", "--format", "ndjson", ROWS).out.splitlines()
    assert [json.loads(line, parse_float=str) for line in lines] == [
        {"n": 1, "text": "plain", "money": lines and "1.50", "day": "2025-05-31", "flag": True, "nothing": None},
        {"n": -2, "text": 'with, comma and "quotes"', "money": "-0.05", "day": None, "flag": False, "nothing": "x"},
        {"n": None, "text": "two\nlines | pipe", "money": None, "day": "0099-01-01", "flag": None, "nothing": ""},
    ]


def test_json(empty):
    found = json.loads(empty("sql", "--format", "json", ROWS).out, parse_float=str)
    assert found["v"] == 1
    assert [c["name"] for c in found["columns"]] == ["n", "text", "money", "day", "flag", "nothing"]
    assert found["rows"][0]["money"] == "1.50"
    assert len(found["rows"]) == 3


def test_md(empty):
    lines = empty("sql", "--format", "md", "select 1 as a, 'x|y' as b, null as c").out.splitlines()
    assert [re.sub(" +", " ", line) for line in (lines[0], lines[2])] == ["| a | b | c |", "| 1 | x\\|y | |"]
    assert re.fullmatch(r"\|[-: |]+\|", lines[1])


def test_table(empty):
    out = empty("sql", "--format", "table", "select 'JE1001' as entry_id, 500.00::decimal(18,2) as total, null as note").out
    lines = out.splitlines()
    assert lines[0].replace("|", " ").split() == ["entry_id", "total", "note"]
    assert "JE1001" in out and "500.00" in out
    assert "\x1b" not in out


def test_statement_from_stdin_and_from_a_file(empty):
    assert empty("sql", "--format", "csv", input="select 41 + 1 as n\n").out == "n\n42\n"
    empty.write("q.sql", "-- a comment\nselect 2 as n;\n")
    assert empty("sql", "--format", "csv", "-f", "q.sql").out == "n\n2\n"


def test_wide_values_are_exact(empty):
    sql = "select 9223372036854775807 as big, 12345678901234567890123456789012345.678::decimal(38,3) as money, 0.1::double as d"
    assert empty("sql", "--format", "csv", sql).out.splitlines()[1] == "9223372036854775807,12345678901234567890123456789012345.678,0.1"


@pytest.mark.parametrize("verb", VERBS)
def test_help(empty, verb):
    result = empty(verb, "--help")
    assert result.out.lower().startswith(("usage", f"tarn {verb}", verb)) or f"tarn {verb}" in result.out.splitlines()[0]
    assert result.err == ""
    assert "--json" in result.out and "--project-dir" in result.out and "--profile" in result.out


def test_help_of_the_program(empty):
    out = empty("--help").out
    for verb in VERBS:
        assert re.search(rf"^\s+{verb}\b", out, re.MULTILINE), verb


def test_version(empty):
    assert re.match(r"tarn \d+\.\d+", empty("version").out)
    found = empty("version", "--json").json()
    assert found["v"] == 1
    assert empty("--version").out.splitlines()[0].startswith("tarn ")


@pytest.mark.parametrize(
    "args, words",
    [
        (["rnu"], ["rnu", "run"]),
        (["run", "--selct", "x"], ["--selct", "--select"]),
        (["sql", "--format", "xml", "select 1"], ["xml", "ndjson"]),
        (["table", "histroy", "raw.x"], ["histroy", "history"]),
        (["run", "--profile", "nowhere"], ["nowhere", "local"]),
        (["run", "--project-dir", "/nonexistent"], ["/nonexistent"]),
    ],
    ids=lambda v: " ".join(v) if v and v[0] in ("rnu", "run", "sql", "table") else "",
)
def test_wrong_usage(empty, args, words):
    result = empty(*args, code=2)
    assert result.out == ""
    for word in words:
        assert word in result.err, str(result)


def test_outside_a_project(tmp_path):
    result = Project(tmp_path)("run", code=2)
    assert "tarn.yaml" in result.err and "init" in result.err


def test_a_table_that_does_not_exist(small):
    small("run")
    result = small("sql", "select * from raw.itmes", code=1)
    assert "T0232" in result.err and "raw.items" in result.err


def test_noise_goes_to_stderr(small):
    result = small("run")
    assert result.out == "" or result.err == "" or "\x1b" not in result.text
    assert "\x1b" not in result.text and "\r" not in result.text


def test_ls_and_table(small):
    small("run")
    assert {"raw.items", "curated.items"} <= set(re.findall(r"[a-z]+\.[a-z_]+", small("ls").out))
    assert json.loads(small("ls", "--json").out)["v"] == 1
    schema = small("table", "schema", "raw.items").out
    assert "amount" in schema and "long" in schema and "ingest_ts" in schema
    history = small("table", "history", "raw.items").out
    snapshot = str(small.metadata("raw.items")["current-snapshot-id"])
    assert snapshot in history and snapshot in small("table", "snapshots", "raw.items").out
    assert ".parquet" in small("table", "files", "raw.items").out
    shown = small("table", "show", "raw.items").out
    for word in ("DuckDB", "PyIceberg", "Spark", small.pointers()["raw.items"]):
        assert word in shown, word
    for what in ("show", "schema", "history", "files", "snapshots"):
        assert json.loads(small("table", what, "raw.items", "--json").out)["v"] == 1


def test_what_show_prints_opens_the_table(small):
    """The PyIceberg line of `tarn table show`, run as it stands."""
    pytest.importorskip("pyiceberg")
    small("run")
    shown = small("table", "show", "raw.items").out
    found = re.search(r"PyIceberg +(.*)", shown)
    assert found, shown
    from pyiceberg.catalog.sql import SqlCatalog

    rows = eval(found[1], {"SqlCatalog": SqlCatalog})
    assert sorted(rows["id"].to_pylist()) == [1, 2]


def test_a_warehouse_without_a_project(small, tmp_path):
    small("run")
    outside = Project(tmp_path)
    lake = str(small.warehouse)
    out = outside("--warehouse", lake, "sql", "--format", "csv", "select id from raw.items order by id").out
    assert out == "id\n1\n2\n"
    assert outside("--warehouse", lake, "sql", "--format", "csv", "select count(*) as n from iceberg.raw.items").out == "n\n2\n"
    assert "raw.items" in outside("--warehouse", lake, "ls").out
    assert "amount" in outside("--warehouse", lake, "table", "schema", "raw.items").out


def test_a_table_as_a_branch_or_a_tag_has_it(tmp_path):
    lake = Lake(tmp_path)
    lake.sql(
        "create namespace raw",
        "create table raw.t (id int, region string)",
        "insert into raw.t values (1, 'eu'), (2, 'us')",
        "alter table raw.t create tag v1",
        "alter table raw.t create branch audit",
        "alter table raw.t write ordered by region desc, bucket(4, id)",
        "alter table raw.t add column more int",
        "insert into raw.t.branch_audit (id) values (3)",
        "insert into raw.t (id) values (4), (5)",
    )

    def shown(name):
        return lake("table", "show", "--json", name).json()

    def listed(action, name):
        return lake("table", action, "--json", name).json()["rows"]

    main, branch, tag = shown("raw.t"), shown("raw.t.branch_audit"), shown("iceberg.raw.t.tag_v1")
    assert [x["table"]["rows"] for x in (main, branch, tag)] == [4, 3, 2]
    assert [x.get("ref") for x in (main, branch, tag)] == [None, "branch_audit", "tag_v1"]
    assert main["sort_by"] == "region DESC, bucket[4](id)" and "sorted by     region DESC" in lake("table", "show", "raw.t").out
    assert [len(listed("files", name)) for name in ("raw.t", "raw.t.branch_audit", "raw.t.tag_v1")] == [2, 2, 1]
    assert [len(listed("snapshots", name)) for name in ("raw.t", "raw.t.branch_audit", "raw.t.tag_v1")] == [3, 2, 1]
    assert [len(listed("history", name)) for name in ("raw.t", "raw.t.branch_audit", "raw.t.tag_v1")] == [2, 2, 1]
    assert [len(listed("schema", name)) for name in ("raw.t", "raw.t.branch_audit", "raw.t.tag_v1")] == [3, 3, 2]
    wrong = lake("table", "files", "raw.t.branch_adit", code=1)
    assert 'table raw.t has no branch "adit"' in wrong.err and 'did you mean "audit"?' in wrong.err
    assert 'has no tag "audit"' in lake("table", "show", "raw.t.tag_audit", code=1).err
    assert "raw.nope.branch_x not found" in lake("table", "show", "raw.nope.branch_x", code=1).err


def test_explain_tells_what_is_skipped(small):
    small("run")
    out = small("sql", "explain select * from raw.items where id > 1000").text
    assert re.search(r"skip", out), out


def test_doctor(small):
    result = small("doctor")
    assert "catalog" in result.text and "engine" in result.text
    assert json.loads(small("doctor", "--json").out)["v"] == 1


def test_init(tmp_path):
    """A new project runs as it was written; what is there is never written over."""
    project = Project(tmp_path)
    project("init", "shop")
    files = [p for p in (tmp_path / "shop").rglob("*") if p.is_file()]
    assert (tmp_path / "shop" / "tarn.yaml").is_file() and len(files) <= 5
    shop = Project(tmp_path / "shop")
    shop("run")
    assert len(shop.tables()) >= 2
    shop.write("tarn.yaml", shop.read("tarn.yaml") + "# mine\n")
    project("init", "shop", code=None)
    assert shop.read("tarn.yaml").endswith("# mine\n")


def test_init_looks_at_files(tmp_path):
    """init with DATA shows the types that it would use, and makes a project that reads it."""
    project = Project(tmp_path)
    project.write("in/orders.csv", "id;day;amount\n1;2025-05-31;10.50\n2;2025-06-01;3\n")
    result = project("init", "shop", "in")
    assert "orders" in result.text and "amount" in result.text
    files = [p for p in (tmp_path / "shop").rglob("*") if p.is_file()]
    assert len(files) <= 5 and "#" in (tmp_path / "shop/tarn.yaml").read_text()
    shop = Project(tmp_path / "shop")
    shop("run")
    (raw,) = [t for t in shop.tables() if t.startswith("raw.") and t.endswith("orders")]
    assert shop.rows(f"select id, cast(amount as varchar) from {raw} order by id") == [("1", "10.5"), ("2", "3.0")]


def test_the_environment_and_dotenv(small, tmp_path):
    small.write(".env", f"TARN_WAREHOUSE={tmp_path}/from_dotenv\n")
    small("run")
    assert (tmp_path / "from_dotenv" / "catalog.db").exists()
    small("run", env={"TARN_WAREHOUSE": f"{tmp_path}/from_environment"})
    assert (tmp_path / "from_environment" / "catalog.db").exists()


def test_the_program_is_quick_to_say_no(empty):
    assert program()
    assert empty("sql", "select", code=1).out == ""
