"""Scripts of `tarn sql`: many statements, their answers in every format, where a failure is, what stays."""

import json
import signal
import time

import pytest

from harness import Lake


@pytest.fixture
def lake(tmp_path):
    """No warehouse yet."""
    lake = Lake(tmp_path)
    lake.warehouse.rmdir()
    return lake


SETUP = """\
create namespace raw;
create table raw.t (id bigint, name string);
insert into raw.t values (1, 'a'), (2, 'b'), (3, null);
"""


@pytest.fixture
def filled(lake):
    lake("sql", SETUP)
    return lake


def test_no_warehouse(lake):
    result = lake("sql", "select 1", code=1)
    assert "there is no warehouse in" in result.err and "CREATE NAMESPACE" in result.err
    assert not lake.warehouse.exists()


def test_the_first_create_makes_it(lake):
    assert lake("sql", SETUP).out == "CREATE NAMESPACE\nCREATE TABLE\nINSERT 3\n"
    assert lake.rows("select id, name from raw.t order by id") == [("1", "a"), ("2", "b"), ("3", None)]


def test_a_project_without_a_run(small):
    """Its catalog is made too; before that it looks empty."""
    assert small.rows("show tables") == []
    small("sql", "create namespace mine; create table mine.t (id int); insert into mine.t values (1)")
    assert small.rows("select * from mine.t") == [("1",)]
    small("run")
    assert small.rows("select count(*) from raw.items") == [("2",)]


def test_many_answers(filled):
    out = filled("sql", "select 1 as a; select 2 as b; delete from raw.t where id = 3").out
    assert out == " a\n---\n 1\n(1 row)\n\n b\n---\n 2\n(1 row)\nDELETE 1\n"


def test_json(filled):
    out = filled("sql", "--json", "insert into raw.t values (4, 'd'); select id from raw.t where id > 3; begin; commit").out
    documents = [json.loads(line) for line in out.splitlines()]
    assert documents[0] == {"v": 1, "tag": "INSERT", "rows": 1}
    assert documents[1]["rows"] == [{"id": 4}]
    assert [d["tag"] for d in documents[2:]] == ["BEGIN", "COMMIT"]


@pytest.mark.parametrize("format", ["csv", "ndjson", "md"])
def test_tags_stay_out_of_data(filled, format):
    result = filled("sql", "--format", format, "insert into raw.t values (4, 'd'); select 1 as n")
    assert "INSERT" not in result.out and "INSERT 1" in result.err
    assert "INSERT" not in filled("sql", "-q", "--format", format, "insert into raw.t values (5, 'e')").text


def test_expanded(filled):
    out = filled("sql", "--format", "expanded", "select * from raw.t where id > 1 order by id").out
    assert out == (
        "-[ RECORD 1 ]--------------\nid   | 2\nname | b\n-[ RECORD 2 ]--------------\nid   | 3\nname | NULL\n(2 rows)\n".replace(
            "]--------------", "]---------------"
        )
    )


def test_notices_go_to_stderr(filled):
    result = filled("sql", "create namespace if not exists raw")
    assert "notice: " in result.err and "notice" not in result.out
    assert "notice" not in filled("sql", "-q", "create namespace if not exists raw").text


SCRIPT = """\
-- a comment; with a semicolon
insert into raw.t values (10, 'x;y');
select count(*) as n
from raw.t; insert into raw.t values (11, 'é'); select nmae from raw.t;
insert into raw.t values (12, 'never');
"""


@pytest.mark.parametrize("way", ["file", "stdin", "dash"])
def test_a_script_stops_at_its_first_mistake(filled, way):
    if way == "file":
        filled.write("load.sql", SCRIPT)
        result = filled("sql", "-f", "load.sql", code=1)
        assert "--> load.sql:4:56" in result.err
    else:
        result = filled("sql", *(["-f", "-"] if way == "dash" else []), input=SCRIPT, code=1)
        assert "--> statement:4:56" in result.err
    assert "select nmae from raw.t" in result.err and "^" in result.err
    assert result.out == "INSERT 1\n n\n---\n 4\n(1 row)\nINSERT 1\n"
    assert filled.rows("select id from raw.t where id > 9 order by id") == [("10",), ("11",)]


def test_the_caret_stands_under_the_mistake(filled):
    result = filled("sql", "select 1; select nmae from raw.t", code=1)
    lines = result.err.splitlines()
    source = next(i for i, line in enumerate(lines) if "select nmae" in line)
    assert lines[source + 1].index("^") == lines[source].index("nmae")


def test_a_transaction_left_open_is_rolled_back(filled):
    result = filled("sql", "begin; insert into raw.t values (7, 'g'); select count(*) as n from raw.t")
    assert "\n 4\n" in result.out and "notice: the open transaction was rolled back" in result.err
    assert filled.one("select count(*) from raw.t") == "3"
    result = filled("sql", "begin; insert into raw.t values (7, 'g'); select x from raw.t", code=1)
    assert "rolled back" in result.err
    assert filled.one("select count(*) from raw.t") == "3"
    filled("sql", "begin; insert into raw.t values (7, 'g'); commit")
    assert filled.one("select count(*) from raw.t") == "4"


@pytest.mark.parametrize("text", ["", " ;; ", "/* only a */ -- comment"])
def test_nothing_to_do(filled, text):
    assert "there is no statement" in filled("sql", text, code=2).err
    assert filled("sql", input=text).text == ""


def test_a_run_can_only_be_read(small):
    small("run")
    for sql in ["delete from raw.items", "with a as (select 1) insert into raw.items select * from a", "begin"]:
        result = small("sql", "--run", "20260101T000000-0000", sql, code=2)
        assert "can only be read" in result.err


def test_one_ctrl_c_is_enough(small):
    process = small.start("sql", "select 1 as n; select count(*) from range(10000000000) a, range(1000) b")
    assert process.stdout.readline() == " n\n"
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130 and "cancelled" in err


def test_a_temporary_view_is_the_sessions(filled, tmp_path):
    """Several statements of one call and a script are one session; the next call knows nothing of it."""
    assert filled("sql", "create temp view v as select id from raw.t where id > 1; select count(*) as n from v", "--format", "csv").out == "n\n2\n"
    assert 'table "v" not found' in filled("sql", "select * from v", code=1).err
    script = tmp_path / "s.sql"
    script.write_text("create temporary view v as\nselect id\nfrom raw.t;\n\nselect nope\nfrom v;\n")
    result = filled("sql", "-f", str(script), code=1)
    assert result.out == "CREATE VIEW\n" and f"{script}:5:8" in result.err
    assert filled.pointers().keys() == {"raw.t"}
    assert filled.rows("show views") == []
