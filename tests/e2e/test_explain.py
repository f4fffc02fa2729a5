"""EXPLAIN: what is read of each table, what is skipped and why."""

import re

import pytest

from harness import Lake, read_csv


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.sql(
        "create namespace raw",
        "create table raw.t (id int, region string) partitioned by (region) tblproperties ('format-version' = '3')",
        "insert into raw.t values (1, 'eu'), (2, 'eu'), (3, 'us')",
        "insert into raw.t values (10, 'eu')",
        "alter table raw.t create branch audit",
        "delete from raw.t where id = 1",
        "create table raw.empty (id int)",
    )
    return lake


def scans(lake, sql):
    """The lines behind the engine's plan, without the snapshot and with sizes as N."""
    lines = [row[0] for row in lake.rows(sql) if row[0].startswith("raw.")]
    assert all(re.search(r"; snapshot \d+$", line) for line in lines if "empty" not in line), lines
    return [re.sub(r"[\d.]+ [kM]B", "N", re.sub(r"; snapshot \d+$", "", line)) for line in lines]


@pytest.mark.parametrize("verb", ["explain", "explain analyze"])
def test_partitions_bounds_and_deletes(lake, verb):
    assert scans(lake, f"{verb} select * from raw.t where region = 'us'") == [
        "raw.t: 1 of 3 files, 1 of 4 rows, N of N read; 2 files skipped by partition, 0 by bounds; 2 of 3 manifests skipped; "
        "filter region = 'us'"
    ]
    assert scans(lake, f"{verb} select * from raw.t where id = 2") == [
        "raw.t: 1 of 3 files, 2 of 4 rows, N of N read; 0 files skipped by partition, 2 by bounds; 0 of 3 manifests skipped; "
        "1 row deleted by position; filter id = 2"
    ]


def test_versions(lake):
    before = "raw.t: 3 of 3 files, 4 of 4 rows, N of N read; 0 of 2 manifests skipped"
    assert scans(lake, "explain select * from raw.t.branch_audit") == [before.replace("raw.t:", "raw.t.branch_audit:")]
    assert scans(lake, "explain select * from raw.t version as of 'audit'") == [before.replace("raw.t:", "raw.t VERSION AS OF audit:")]
    assert scans(lake, "explain select * from raw.t") == [
        "raw.t: 3 of 3 files, 4 of 4 rows, N of N read; 0 of 3 manifests skipped; 1 row deleted by position"
    ]
    snapshots = {
        row[0].rsplit(" ", 1)[1]
        for row in lake.rows("explain select count(*) from raw.t a, raw.t version as of 'audit' b where a.id = b.id")
        if row[0].startswith("raw.t")
    }
    assert snapshots == {row[0] for row in lake.rows("select snapshot_id from raw.t.refs")}


def test_a_table_without_snapshots(lake):
    assert scans(lake, "explain select * from raw.empty where id = 1") in (
        [],
        ["raw.empty: 0 of 0 files, 0 of 0 rows, N of N read; 0 of 0 manifests skipped; filter id = 1"],
    )


# ---- statements that change rows


def lines(lake, sql, *before):
    """The lines of an EXPLAIN but the engine's drawing, without what differs from run to run."""
    out = lake("sql", "--format", "csv", "; ".join([*before, sql])).out
    told = [row[0] for row in read_csv(out) if row and row[0].strip()[:1] not in "┌│└" and row[0] not in ("plan", "")]
    told = [re.sub(r"[\d.]+ [kM]B", "N", re.sub(r"[\d.]+ ms$", "T", line)) for line in told]
    return [re.sub(r"snapshot \d+", "snapshot S", line) for line in told]


FILES = "raw.t: 1 of 3 files, 2 of 4 rows, N of N read; 0 files skipped by partition, 2 by bounds; 0 of 3 manifests skipped; 1 row deleted by position"
VECTORS = "merge-on-read (write.%s.mode): old rows are marked in deletion vectors, files without others are removed, none is written anew"

EXPLAINED = [
    ("delete from raw.t where id = 2", [FILES + "; filter id = 2; snapshot S", "delete: " + VECTORS % "delete"]),
    (
        "delete from raw.t where region = 'us'",
        [
            "raw.t: 0 of 3 files, 0 of 4 rows, N of N read; 2 files skipped by partition, 0 by bounds; 2 of 3 manifests skipped; filter region = 'us'; snapshot S",
            "delete: 1 file goes as a whole, unread: all rows meet the condition",
        ],
    ),
    ("delete from raw.t", ["raw.t: all 3 files go as a whole, unread"]),
    ("update raw.t set id = 20 where id = 2", [FILES + "; filter id = 2; snapshot S", "update: " + VECTORS % "update"]),
    ("with w as (select 2 as id) update raw.t set id = 20 from w where t.id = w.id and t.id = 2", None),
    ("insert into raw.t values (5, 'us')", ["insert: files are added to raw.t"]),
    (
        "insert into raw.t select * from raw.t.branch_audit where region = 'us'",
        [
            "raw.t.branch_audit: 1 of 3 files, 1 of 4 rows, N of N read; 2 files skipped by partition, 0 by bounds; 1 of 2 manifests skipped; filter region = 'us'; snapshot S",
            "insert: files are added to raw.t",
        ],
    ),
    ("insert overwrite raw.t values (5, 'us')", ["insert: replaced in raw.t: all rows, unread"]),
    ("insert overwrite raw.t partition (region = 'us') values (5)", ["insert: replaced in raw.t: the rows of the PARTITION named"]),
    ("insert into raw.t replace where id > 5 values (5, 'us')", ["insert: replaced in raw.t: rows for which the condition holds"]),
    ("create table raw.n as select 1 as a", ["create: raw.n is a new table"]),
    ("create or replace table raw.empty as select 1 as a", ["create: raw.empty is replaced; its old rows stay in the table's history"]),
    ("create table if not exists raw.empty as select 1 as a", ["table raw.empty is there already"]),
    (
        "merge into raw.t using (select 2 as id, 'eu' as region) s on t.id = s.id when matched then delete when not matched then insert *",
        ["source:", "matched:", "not matched:", FILES + "; filter id = 2; snapshot S", "merge: " + VECTORS % "merge"],
    ),
]


@pytest.mark.parametrize("sql, told", EXPLAINED, ids=[row[0] for row in EXPLAINED])
def test_statements_that_change_rows(lake, sql, told):
    """EXPLAIN changes nothing, neither tables nor files; what it says is what the statement does."""
    before, files = lake.pointers(), lake.tree()
    shown = lines(lake, "explain " + sql)
    if told is not None:
        assert shown == told
    assert lake.pointers() == before and lake.tree() == files
    inside = lines(lake, "explain " + sql, "begin")
    assert inside[-len(shown) :] == shown
    assert lake.pointers() == before and lake.tree() == files


ANALYZED = [
    ("delete from raw.t where id = 2", ["raw.t: removed: N, 1 data file of 2 rows, 1 delete file; snapshot S", "DELETE: 1 row, T"]),
    ("delete from raw.t.branch_audit where id = 1", ["raw.t: written: N, 1 deletion vector of 1 row; snapshot S", "DELETE: 1 row, T"]),
    ("delete from raw.t where id = 777", ["nothing changed, no snapshot", "DELETE: 0 rows, T"]),
    (
        "update raw.t set id = 30 where id = 3",
        ["raw.t: written: N, 1 data file of 1 row; removed: N, 1 data file of 1 row; snapshot S", "UPDATE: 1 row, T"],
    ),
    ("insert into raw.t values (4, 'us') returning id", ["raw.t: written: N, 1 data file of 1 row; snapshot S", "INSERT: 1 row, T"]),
    ("insert overwrite raw.t values (4, 'us')", ["raw.t: written: N, 1 data file of 1 row; removed: N, 3 data files of 4 rows, 1 delete file; snapshot S", "INSERT: 1 row, T"]),
    ("create table raw.n as select 1 as a", ["raw.n: written: N, 1 data file of 1 row; snapshot S", "CREATE TABLE: 1 row, T"]),
    (
        "merge into raw.t using (select 10 as id, 'eu' as region) s on t.id = s.id when matched then delete",
        ["raw.t: removed: N, 1 data file of 1 row; snapshot S", "MERGE: 1 row, T"],
    ),
]


@pytest.mark.parametrize("sql, told", ANALYZED, ids=[row[0] for row in ANALYZED])
def test_analyze_carries_out(lake, sql, told):
    """As PostgreSQL does: what is told has happened, in a transaction when it is committed."""
    before = lake.pointers()
    inside = lines(lake, "explain analyze " + sql, "begin")
    assert inside[-2:] == [told[0].replace("snapshot S", "snapshot S, which COMMIT publishes"), told[1]]
    assert lake.pointers() == before
    shown = lines(lake, "explain analyze " + sql)
    assert shown[-2:] == told
    assert (lake.pointers() != before) == ("nothing" not in told[0])
    if sql.startswith("delete") and "777" not in sql:
        again = lines(lake, "explain analyze " + sql)
        assert again[-2:] == ["nothing changed, no snapshot", "DELETE: 0 rows, T"]


def test_copy_on_write_is_told(lake):
    lake.sql("alter table raw.t set tblproperties ('write.delete.mode' = 'copy-on-write')", "alter table raw.t unset tblproperties ('write.update.mode')")
    assert lines(lake, "explain delete from raw.t where id = 2")[-1] == (
        "delete: copy-on-write (write.delete.mode): of the 1 file read, those that hold rows which change are written anew"
    )
    assert lines(lake, "explain update raw.t set id = 5")[-1] == (
        "update: copy-on-write (the default of write.update.mode): of the 3 files read, those that hold rows which change are written anew"
    )


WRONG = [  # place and message as without EXPLAIN in front
    ("explain delete from raw.t where idd = 2", 33, 'column "idd" not found'),
    ("explain analyze update raw.t set idd = 2", 34, 'column "idd" not found'),
    ("explain insert into raw.t values (1)", 27, "the query makes 1 column for 2 of the table"),
    ("explain insert into raw.t select nope from raw.t", 34, 'column "nope" not found'),
    ("explain create table raw.t as select 1 as a", 22, 'table "raw.t" is there already'),
    ("explain create table raw.n (a int)", 9, "a CREATE TABLE without a query cannot be explained"),
    ("explain drop table raw.t", 9, "a statement that begins with DROP cannot be explained"),
    ("explain alter table raw.t add column x int", 9, "a statement that begins with ALTER cannot be explained"),
    ("explain merge into raw.t using raw.nope s on t.id = s.id when matched then delete", 32, 'table "raw.nope" not found'),
]


@pytest.mark.parametrize("sql, column, message", WRONG, ids=[row[0] for row in WRONG])
def test_mistakes(lake, sql, column, message):
    before = lake.pointers()
    result = lake("sql", sql, code=1)
    assert message in result.err.splitlines()[0] and f"statement:1:{column}\n" in result.err, result
    assert lake.pointers() == before
