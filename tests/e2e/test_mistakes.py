"""What a user is told: one line that says what could not be done and why, where it stands, and what to do next."""

import pytest

from harness import Lake

SETUP = """
create namespace raw;
create table raw.orders (id bigint not null, region string, amount decimal(10, 2), ts timestamp) partitioned by (region, days(ts));
insert into raw.orders values (1, 'eu', 10.5, timestamp '2024-01-01 00:00:00'), (2, 'us', 3, null);
"""


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("mistakes"))
    lake("sql", SETUP)
    return lake


MISTAKES = [
    ("select idd from raw.orders", 8, 'column "idd" not found', 'did you mean "id"?'),
    ("select * from raw.order", 15, 'table "raw.order" not found', 'did you mean "raw.orders"?'),
    ("select o.idd from raw.orders o", 8, 'column "idd" not found in "o"', 'did you mean "id"?'),
    ("selct 1", 1, 'syntax error at or near "selct"', None),
    ("select upperr(region) from raw.orders", 8, 'scalar function "upperr" not found', 'did you mean "upper"?'),
    ("insert into raw.orders (id, regon) values (1, 'x')", 29, 'column "regon" not found', 'did you mean "region"?'),
    ("insert into raw.orders values (1, 'x')", 24, "the query makes 2 columns for 4 of the table", "name the columns"),
    ("create table raw.orders (id int)", 14, 'table "raw.orders" is there already', "CREATE OR REPLACE TABLE"),
    ("create table raw.x (id integr)", 24, 'there is no type "integr"', "did you mean integer?"),
    ("create table raw.x (id int) partitoned by (id)", 29, "expected the end of the statement, found partitoned", None),
    ("create table raw.x (id int) partitioned by (dayz(id))", 45, 'there is no partition transform "dayz"', "did you mean day?"),
    ("create table nope.x (id int)", 14, 'namespace "nope" not found', "CREATE NAMESPACE nope makes it"),
    ("create table raw.x (a int, A int)", 28, 'column "A" is defined twice', None),
    ("create temp table v as select 1", 8, "temporary tables are not in this version", "CREATE TEMP VIEW"),
    ("drop tabel raw.orders", 6, "expected TABLE, VIEW or NAMESPACE, found tabel", None),
    ("alter table raw.orders drop column region", 36, 'column "region" cannot be dropped', "DROP PARTITION FIELD first"),
    ("alter table raw.orders rename column region to AMOUNT", 48, 'column "AMOUNT" is there already', None),
    ("alter table raw.orders create branch main", 38, 'branch "main" is there already', "CREATE OR REPLACE moves it"),
    ("update raw.orders set idd = 1", 23, 'column "idd" not found', 'did you mean "id"?'),
    ("delete raw.orders", 8, "expected FROM, found raw", None),
    ("select * from raw.orders version as of 'nope'", 15, 'table raw.orders has no snapshot, branch or tag "nope"', None),
    ("select * from raw.orders timestamp as of '2001-01-01'", 15, "table raw.orders had no snapshot at that time", None),
    ("show", 5, "expected TABLES, VIEWS", None),
    ("call system.rollback_to_snapshot(tabel => 'raw.orders')", 34, 'has no argument "tabel"', "did you mean table?"),
]


@pytest.mark.parametrize("sql, column, message, hint", MISTAKES, ids=[m[0][:60] for m in MISTAKES])
def test_mistake(lake, sql, column, message, hint):
    before = lake.pointers()
    result = lake("sql", sql, code=1)
    first, place = result.err.splitlines()[:2]
    assert result.out == ""
    assert first.startswith("error[T0") and message in first, result
    assert place == f"  --> statement:1:{column}", result
    assert result.err.splitlines()[4] == "  | " + " " * (column - 1) + "^", result
    assert hint is None or any(line.startswith("hint: ") and hint in line for line in result.err.splitlines()), result
    assert lake.pointers() == before


def test_details_have_no_control_characters(lake):
    err = lake("sql", "select sum(region) from raw.orders", code=1).err
    assert "sum(DOUBLE) -> DOUBLE" in err and "\\t" not in err and "\t" not in err


def test_one_text_is_shown_in_lines(lake):
    """SHOW CREATE TABLE can be copied; among others a text stays in its line."""
    out = lake("sql", "show create table raw.orders").out
    assert "\n CREATE TABLE raw.orders (\n   id bigint NOT NULL,\n" in out
    assert lake("sql", "select e'a\\nb' as x, 1 as y").out.splitlines()[2] == " a\\nb | 1"
    shown = lake("sql", "--json", "show create table raw.orders").json()
    assert shown["row_count"] == 1


def test_line_ends_of_windows_and_comments(lake, tmp_path):
    script = tmp_path / "crlf.sql"
    script.write_bytes(
        b"\xef\xbb\xbf-- c\r\ncreate table raw.crlf (a int, -- first\r\n b string /* second ; */)\r\npartitioned by (/* x */ a);\r\n"
        b"/* ; */ insert into raw.crlf values (1, 'a;\r\nb'), -- ;\r\n (2, '--');\r\n\r\nselect\r\n  nope\r\nfrom raw.crlf;\r\n"
    )
    result = lake("sql", "-f", str(script), code=1)
    assert result.out == "CREATE TABLE\nINSERT 2\n"
    assert f"{script}:10:3" in result.err
    assert lake.rows("select a, replace(b, chr(13), 'R') from raw.crlf order by a") == [("1", "a;R\nb"), ("2", "--")]


def test_wide_and_long_statements(lake):
    columns = ", ".join(f"c{i} {['int', 'string', 'double', 'timestamp', 'decimal(10, 2)'][i % 5]}" for i in range(500))
    lake("sql", f"create table raw.wide ({columns}); insert into raw.wide (c0, c499) values (1, 2.5); update raw.wide set c1 = 'x'")
    assert lake.rows("select c0, c1, c499 from raw.wide") == [("1", "x", "2.50")]
    many = ", ".join(str(i) for i in range(3, 20000))
    assert lake.one(f"select count(*) from raw.orders where id in (1, {many})") == "1"
    assert lake("sql", f"delete from raw.orders where id in ({many})").out == "DELETE 0\n"
