"""Every file in a table's folder is one that its metadata reach, after statements that worked and after those that failed;
and statements over more rows than memory holds stay below their limit."""

import os
import signal
import time

import pytest

from harness import Lake, Project
from table_check import check_table, local, read_avro


def reached(lake, table):
    """What the current metadata file reaches: itself and older ones, manifest lists, manifests, data and delete files."""
    m = lake.metadata(table)
    found = {local(lake.pointers()[table])} | {local(e["metadata-file"]) for e in m.get("metadata-log", [])}
    for snapshot in m["snapshots"]:
        found.add(local(snapshot["manifest-list"]))
        for manifest in read_avro(snapshot["manifest-list"]):
            found.add(local(manifest["manifest_path"]))
            found.update(local(entry["data_file"]["file_path"]) for entry in read_avro(manifest["manifest_path"]))
    return found


def strays(lake, table=None):
    """Files below the warehouse that no table reaches."""
    known = set()
    for name in [table] if table else lake.tables():
        known |= reached(lake, name)
    there = {p for p in lake.warehouse.rglob("*") if p.is_file() and not p.name.startswith("catalog.db")}
    return sorted(str(p.relative_to(lake.warehouse)) for p in there - known)


MODES = ["merge-on-read", "copy-on-write"]
TABLE = """
create table raw.t (id int not null, name string, amount decimal(10, 2)) partitioned by (bucket(4, id)) tblproperties (
    'format-version' = '{version}', 'write.delete.mode' = '{mode}', 'write.update.mode' = '{mode}', 'write.merge.mode' = '{mode}');
insert into raw.t select i, 'n' || i, i from range(1000) r(i);
"""
WORKS = [
    "insert into raw.t select i, 'm', 0 from range(1000, 1500) r(i)",
    "insert into raw.t select 1, 'x', 1 where false",
    "delete from raw.t where id % 7 = 1",
    "delete from raw.t where id = -1",
    "update raw.t set amount = amount + 1 where id % 5 = 0",
    "update raw.t set amount = 0 where id < 0",
    "merge into raw.t using (select 3 as id, 'm' as name union all select 9999, 'n') s on t.id = s.id"
    " when matched then update set name = s.name when not matched then insert (id, name) values (s.id, s.name)",
    "insert overwrite raw.t select id, name, amount from raw.t where id % 2 = 0",
    "insert into raw.t replace where id < 100 select 1, 'one', 1",
    "begin; insert into raw.t values (5000, 'x', 1); delete from raw.t where id = 5000; commit",
    "begin; insert into raw.t values (5000, 'x', 1); update raw.t set name = 'y' where id < 500; rollback",
    "alter table raw.t add column extra int; update raw.t set extra = 1 where id = 1; alter table raw.t drop column extra",
    "alter table raw.t write ordered by name; insert into raw.t values (6000, 'b', 1), (6001, 'a', 2)",
    "truncate table raw.t",
]
FAILS = [
    "insert into raw.t select i, 'x', if(i = 200000, 123456789.123, 1) from range(200001) r(i)",
    "insert into raw.t values (null, 'x', 1)",
    "insert overwrite raw.t select i, if(i = 150000, error('late'), 'x'), 1 from range(150001) r(i)",
    "update raw.t set amount = amount * 1e9",
    "update raw.t set name = error('no') where id = 999",
    "delete from raw.t where if(id = 998, error('no'), false)",
    "merge into raw.t using (select 3 as id union all select 3) s on t.id = s.id when matched then update set name = 'twice'",
    "create table raw.u as select i, if(i = 150000, error('late'), 1) as x from range(150001) r(i)",
    "create or replace table raw.t as select i, if(i = 150000, error('late'), 1) as x from range(150001) r(i)",
    "begin; insert into raw.t values (5000, 'x', 1); insert into raw.t values (null, 'x', 1); commit",
    "begin; update raw.t set name = 'q'; select nope",
]


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_left_over(tmp_path, version, mode):
    lake = Lake(tmp_path)
    lake("sql", "-e", "create namespace raw;" + TABLE.format(version=version, mode=mode))
    for sql in FAILS:
        before = lake.pointers()
        lake("sql", "-e", sql, code=1)
        assert lake.pointers() == before, sql
        assert strays(lake) == [], sql
    for sql in WORKS:
        lake("sql", "-e", sql)
        assert strays(lake) == [], sql
    check_table(lake, "raw.t")
    assert not list(tmp_path.rglob("tmp/*")), list(tmp_path.rglob("tmp/*"))


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(tmp_path, stop):
    lake = Lake(tmp_path)
    lake("sql", "-e", "create namespace raw;" + TABLE.format(version=2, mode="merge-on-read"))
    rows = lake.one("select count(*) from raw.t")
    process = lake.start("sql", "-e", "insert into raw.t select i, 'n' || i, 1 from range(200000000) r(i)")
    deadline = time.monotonic() + 30
    while not strays(lake) and time.monotonic() < deadline:  # it is writing
        time.sleep(0.05)
    process.send_signal(stop)  # once: a second one leaves at once
    _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 143), (process.returncode, err)
    assert strays(lake) == [], err
    assert lake.one("select count(*) from raw.t") == rows


YAML = """\
tarn: 1
project: mem
profile: local
profiles:
  local:
    warehouse: ./warehouse
    memory_limit: 500MB
"""
LIMIT_KB = (500 + 250) * 1000


@pytest.mark.skipif("asan" in os.environ.get("TARN", ""), reason="a sanitizer's memory is its own")
def test_memory(tmp_path):
    """Peaks are of the whole process, as the kernel counts them."""
    project = Project(tmp_path)
    project.write("tarn.yaml", YAML)

    def run(sql, code=0):
        process = project.start("sql", "-e", sql)
        _, err = process.stdout.read(), process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == code, err
        assert usage.ru_maxrss < LIMIT_KB, (sql, usage.ru_maxrss)
        assert strays(project) == [], sql
        assert not list((tmp_path / ".tarn" / "tmp").glob("*")), sql
        return err

    rows = 2_000_000
    run("create namespace raw; create table raw.t (id bigint, k int, name string, amount decimal(18, 2), ts timestamp)")
    run(
        "insert into raw.t select i, i % 1000, 'name ' || (i * 7919 % 1000003), i, timestamp '2024-01-01' + interval (i) second"
        f" from range({rows}) r(i)"
    )
    run("delete from raw.t where id % 3 = 0")
    run(
        f"merge into raw.t t using (select i as id, 'new' as name from range({rows // 2}, {rows + rows // 2}) r(i)) s on t.id = s.id"
        " when matched then update set name = s.name when not matched then insert (id, name) values (s.id, s.name)"
    )
    whole, kept = range(rows), [i for i in range(rows) if i % 3]
    inserted = rows + rows // 2 - rows // 2 - sum(i % 3 > 0 for i in whole[rows // 2 :])
    assert project.rows("select count(*), sum(amount) from raw.t") == [(str(len(kept) + inserted), f"{sum(kept)}.00")]
    # What cannot be done within the limit says so, and leaves nothing behind.
    big = "select list(i || repeat('x', 1000)) as l from range(2000000) r(i)"
    err = run(f"create table raw.l as {big}", code=1)
    assert "error[T0002]" in err and "hint: raise memory_limit" in err and "SET" not in err
