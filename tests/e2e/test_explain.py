"""EXPLAIN: what is read of each table, what is skipped and why."""

import re

import pytest

from harness import Lake


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


@pytest.mark.parametrize("word", ["delete from raw.t", "update raw.t set id = 1", "insert into raw.t values (1, 'x')", "drop table raw.t"])
def test_what_cannot_be_explained(lake, word):
    result = lake("sql", f"explain {word}", code=1)
    verb = word.split()[0].upper()
    assert f"a statement that begins with {verb} cannot be explained" in result.err
    assert "statement:1:9" in result.err and "hint: EXPLAIN the SELECT" in result.err
    assert lake.one("select count(*) from raw.t") == "3"
