"""The SQL of the documentation runs as it is printed.

Each ```sql block of docs/sql.md and README.md is run as one script in a warehouse of its own, behind the statements that make what
it names. What stands for something else in the text (`..`, `[optional]`, a snapshot id) is replaced by what it stands for; a
replacement that is not found is an error, and so is a block that is not listed here.
"""

import re
from dataclasses import dataclass, field

import pytest

from harness import ROOT, Lake


@dataclass
class Context:
    before: str = ""
    replaced: dict = field(default_factory=dict)
    after: dict = field(default_factory=dict)  # query -> its one value


ORDERS = """
create namespace raw; create namespace silver;
create table raw.orders (id bigint, region string, amount decimal(10, 2));
insert into raw.orders values (1, 'eu', 10), (2, 'us', 2000);
"""
# What tables called t, u, v stand for in the text.
CONTEXTS = {
    ("docs/sql.md", "Time travel"): Context(
        ORDERS + "alter table raw.orders create branch audit; alter table raw.orders create tag v1;",
        {"8336251348115231899": "{snapshot}", "'2026-01-31 12:00:00'": "now()", "now() - INTERVAL 1 DAY": "now() + INTERVAL 1 DAY"},
    ),
    ("docs/sql.md", "Tables"): Context(
        "create namespace raw; create namespace silver;",
        {"'/data/orders'": "'{folder}/elsewhere'"},
        {"select count(*) from silver.big": "0", "select count(*) from (describe raw.copy) where col_name = 'ts'": None},
    ),
    ("docs/sql.md", "Changing tables"): Context(
        """
        create namespace raw; create namespace silver; use raw;
        create table t (id int not null, region string not null, old int, ts timestamp, a struct<b: int>) tblproperties ('format-version' = '3');
        insert into t values (1, 'eu', 1, timestamp '2024-01-01 00:00:00', {'b': 1});
        """,
        {
            "ALTER TABLE t RENAME TO silver.t;": "ALTER TABLE t RENAME TO silver.t; USE silver;",
            "AS OF VERSION 5": "AS OF VERSION {snapshot}",
        },
        {"select a.c + score from silver.t": "1", "select count(*) from silver.t.refs": "3"},
    ),
    ("docs/sql.md", "Inserting"): Context(
        """
        create namespace raw; use raw;
        create table t (id int, name string); create table u (id int, name string); insert into u values (7, 'u');
        insert into t values (0, 'z');
        alter table t create branch audit;
        """,
        {"WITH n AS (..)": "WITH n AS (SELECT 3 AS id, 'c' AS name)"},
        {"select count(*) from raw.t": "0", "select count(*) from raw.t.branch_audit": "2"},
    ),
    ("docs/sql.md", "Changing rows"): Context(
        """
        create namespace raw; use raw;
        create table t (id int, name string, place struct<city: string>, x int, y int, z int, day date);
        create table other (id int); insert into other values (1), (2);
        insert into t (id, name, day) values (1, 'a', date '2024-01-01'), (2, 'b', date '2024-01-01'), (3, 'c', date '2024-01-01');
        """,
        {
            "DELETE FROM raw.t [AS a] [USING other AS o] [WHERE a.id = o.id] [RETURNING *];": (
                "BEGIN; DELETE FROM raw.t AS a USING other AS o WHERE a.id = o.id RETURNING *; ROLLBACK;"
            ),
            "UPDATE raw.t [AS a]": "UPDATE raw.t AS a",
            "(x, y) = (SELECT ..)": "(x, y) = (SELECT 1, 2)",
            "[FROM other AS o] [WHERE a.id = o.id] [RETURNING id, name]": "FROM other AS o WHERE a.id = o.id RETURNING a.id, a.name",
            "USING (SELECT ..) AS s": "USING (SELECT 1 AS id, 'm' AS name, true AS gone UNION ALL SELECT 9, 'n', false) AS s",
            "[RETURNING merge_action(), t.*, s.id]": "RETURNING merge_action(), t.*, s.id",
        },
        {"select count(*) from raw.t": "1", "select name from raw.t": "n"},
    ),
    ("docs/sql.md", "Transactions"): Context(
        """
        create namespace raw; create table raw.t (id int); create table raw.u (id int); insert into raw.t values (1), (2);
        """,
        {"WHERE ..": "WHERE id = 1", "SELECT .. FROM": "SELECT id FROM"},
        {"select count(*) from raw.t": "1", "select id from raw.u": "2"},
    ),
    ("docs/sql.md", "Looking"): Context(
        ORDERS + "insert into raw.orders values (2, 'eu', 7);",
        {},
        {"select max(amount) from raw.orders where id = 2": "0.00"},
    ),
    ("docs/sql.md", "Views"): Context(
        "create namespace raw; use raw;",
        {
            "CREATE [OR REPLACE] VIEW [IF NOT EXISTS] v [(a [COMMENT 'x'], ..)] [COMMENT 'y'] [TBLPROPERTIES (..)] AS SELECT ..": (
                "CREATE VIEW IF NOT EXISTS v (a COMMENT 'x', b) COMMENT 'y' TBLPROPERTIES ('k' = 'v') AS SELECT 1, 2;"
                "CREATE OR REPLACE VIEW v (a COMMENT 'x') AS SELECT 1"
            ),
            "ALTER VIEW [IF EXISTS] v AS SELECT ..": "ALTER VIEW IF EXISTS v AS SELECT 2 AS a",
            "DROP VIEW [IF EXISTS] v": "SELECT * FROM w; DROP VIEW IF EXISTS v",
        },
        {"select a from raw.w": "2"},
    ),
    ("docs/sql.md", "Temporary views"): Context(
        "create namespace raw; use raw; create table t (id int, day date); insert into t values (1, date '2020-01-01'), (2, current_date);",
        {},
        {"select id from raw.t": "2"},
    ),
    ("docs/sql.md", "What changed"): Context(
        ORDERS + "insert into raw.orders values (3, 'eu', 1);",
        {"'start-snapshot-id', '82..', 'end-snapshot-id', '91..'": "'end-snapshot-id', '{snapshot}'"},
    ),
    ("README.md", "SQL over any Iceberg table"): Context(
        """
        create namespace shop; create table shop.archive (id bigint);
        create table shop.corrections (id bigint not null, region string, amount decimal(10, 2), ts timestamptz, gone boolean);
        insert into shop.corrections values (1, 'eu', 2, null, true), (3, 'eu', 4, null, false);
        """,
        {
            "insert into shop.orders select .. ;": "insert into shop.orders select 1, 'eu', 1.5, now();",
            "values (..)": "values (9, 'us', 1, now())",
            "now() - interval 1 day": "now()",
            "insert into shop.archive select ..;": "insert into shop.archive select id from shop.corrections;",
        },
        {"select count(*) from shop.orders": "0", "select count(*) from shop.archive": "2"},
    ),
}
# Blocks that are not statements for `tarn sql`: models of a project.
MODELS = {("README.md", "The demo")}


def blocks():
    found = []
    for name in ("docs/sql.md", "README.md"):
        heading = None
        for match in re.finditer(r"^##+ ([^\n]+)$|^```sql\n(.*?)^```$", (ROOT / name).read_text(), re.M | re.S):
            if match[1]:
                heading = match[1]
            elif (name, heading) not in MODELS:
                found.append((name, heading, match[2]))
    return found


BLOCKS = blocks()


def test_every_block_is_listed():
    assert {(name, heading) for name, heading, _ in BLOCKS} == set(CONTEXTS)


@pytest.mark.parametrize("name, heading, text", BLOCKS, ids=[f"{name}: {heading}" for name, heading, _ in BLOCKS])
def test_block(tmp_path, name, heading, text):
    context = CONTEXTS[name, heading]
    lake = Lake(tmp_path)
    lake("sql", "-e", context.before)
    table = next((t for t in lake.tables() if t.endswith((".orders", ".t"))), None)
    snapshot = lake.metadata(table).get("current-snapshot-id") if table else None
    for written, runs in context.replaced.items():
        assert written in text, f"{written!r} is no longer in {name}"
        text = text.replace(written, runs.format(snapshot=snapshot, folder=tmp_path))
    script = lake.write("block.sql", ("use raw;\n" if "use raw" in context.before else "") + text)
    lake("sql", "-f", str(script))
    for query, value in context.after.items():
        if value is not None:
            assert lake.one(query) == value
