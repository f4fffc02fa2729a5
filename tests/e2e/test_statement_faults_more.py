"""As test_statement_faults, of every other kind of statement and every other kind of failure: calls that read, that are refused by
the catalog, that meet a full disk. Of a long sweep some calls are taken; TARN_TEST_FULL=1 takes all.

A statement that fails leaves every table, view, branch and file as it was, a transaction all of its tables.
"""

import os
import shutil
import signal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import Lake
from test_statement_faults import Bench

FULL = bool(os.environ.get("TARN_TEST_FULL"))
CALLS_MAX = 400

SETUP = """\
create namespace raw; create namespace empty;
create table raw.t (id bigint, p string, v int) partitioned by (p) tblproperties (
    'format-version' = '{version}', 'write.wap.enabled' = 'true');
insert into raw.t select i, 'p' || i % 3, i * 10 from range(12) r(i);
insert into raw.t values (100, 'p0', 1), (101, null, 2);
delete from raw.t where id = 4;
alter table raw.t create branch audit; alter table raw.t create tag keep;
insert into raw.t.branch_audit values (200, 'p1', 3);
set wap_id = 'seven'; insert into raw.t values (300, 'p2', 4); reset wap_id;
create table raw.other (id bigint, p string) tblproperties ('format-version' = '{version}', 'write.merge.mode' = 'copy-on-write');
insert into raw.other select i, 'o' from range(5) r(i);
create table raw.sorted (id bigint, p string); alter table raw.sorted write ordered by p desc, id;
create view raw.v as select count(*) as n from raw.t;
"""
# name: statement
ALTERS = {
    "rename column": "alter table raw.t rename column v to w",
    "drop column": "alter table raw.t drop column v",
    "type": "alter table raw.t alter column v type bigint",
    "optional and comment": "alter table raw.t alter column id comment 'x'",
    "properties": "alter table raw.t set tblproperties ('a' = 'b')",
    "partition field": "alter table raw.t add partition field bucket(4, id)",
    "order": "alter table raw.t write ordered by id",
    "tag": "alter table raw.t create tag more",
    "drop branch": "alter table raw.t drop branch audit",
    "rename": "alter table raw.t rename to raw.renamed",
}
WRITES = {
    "branch": "insert into raw.t.branch_audit values (201, 'p0', 4)",
    "branch, delete": "delete from raw.t.branch_audit where id = 200",
    "vectors": "delete from raw.t where id in (1, 2)",
    "staged": "set wap_id = 'eight'; insert into raw.t values (301, 'p2', 4)",
    "publish": "call system.publish_changes('raw.t', 'seven')",
    "fast forward": "call system.fast_forward('raw.t', 'main', 'audit')",
    "cherrypick": "call system.cherrypick_snapshot('raw.t', {staged})",
    "current": "call system.set_current_snapshot('raw.t', {first})",
    "sorted": "insert into raw.sorted select i, 'x' || i % 3 from range(30) r(i)",
    "dynamic overwrite": "insert overwrite raw.t select * replace (v + 1 as v) from raw.t where p = 'p1'",
    "merge, copied": "merge into raw.other t using raw.t s on t.id = s.id when matched then update set p = s.p "
    "when not matched then insert (id, p) values (s.id, s.p) when not matched by source then delete",
    "transaction": "begin; insert into raw.t values (7, 'p1', 5); alter table raw.other add column more int; "
    "update raw.other set more = 1; merge into raw.t using raw.other s on t.id = s.id when matched then delete; commit",
}
MAKERS = {
    "create": "create table raw.made (a int) partitioned by (a)",
    "create as": "create table raw.made partitioned by (p) as select * from raw.t",
    "replace": "create or replace table raw.t as select id from raw.other",
    "like": "create table raw.made like raw.t",
    "view": "create view raw.w as select id from raw.t",
    "replace view": "create or replace view raw.v as select 1 as n",
    "view properties": "alter view raw.v set tblproperties ('a' = 'b')",
    "drop view": "drop view raw.v",
    "namespace": "create namespace more",
    "drop namespace": "drop namespace empty",
    "drop": "drop table raw.t",
    "register": "call system.register_table('raw.made', '{metadata}')",
    "add files": "call system.add_files('raw.other', '{files}')",
    "snapshot": "call system.snapshot('parquet.`{files}`', 'raw.made')",
    "migrate": "call system.migrate('raw.files')",
}
STATEMENTS = {**ALTERS, **WRITES, **MAKERS}

FAILURES = {
    "a read": lambda n: {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=read+list,status=IO"},
    "a full disk": lambda n: {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write,status=DISK_FULL"},
    "a write that happened": lambda n: {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write,after=1,status=IO"},
    "the catalog": lambda n: {"TARN_TEST_CATALOG_KILL": str(-n)},
}
KILLS = {
    "before a write": lambda n: {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write+remove,kill=1"},
    "at the catalog": lambda n: {"TARN_TEST_CATALOG_KILL": str(n)},
}


def steps():
    """1, 2, then fewer and fewer."""
    n, step = 1, 1
    while n < CALLS_MAX:
        yield n
        step += not FULL and n > 1
        n += step


class More(Bench):
    def __init__(self, folder, version, name):
        self.lake = Lake(folder / "lake")
        self.lake("sql", SETUP.format(version=version))
        files = self.lake.warehouse / "raw" / "files"
        files.mkdir()
        for i in range(2):
            pq.write_table(pa.table({"id": pa.array([i], pa.int64()), "p": ["f"]}), files / f"{i}.parquet")
        self.lake("sql", "create table raw.gone as select 1 as a")
        metadata = self.lake.pointers()["raw.gone"].removeprefix("file://")
        self.lake("sql", "drop table raw.gone")  # its files stay
        ids = self.lake.rows("select snapshot_id from raw.t.snapshots order by committed_at")
        self.statement = STATEMENTS[name].format(
            first=ids[0][0], staged=ids[-1][0], files=files, metadata=metadata)
        self.saved = folder / "saved"
        shutil.copytree(self.lake.folder, self.saved)
        self.old = self.state()
        self.tree = self.lake.tree()
        self.run(code=0)
        self.new = self.state()
        self.reset()
        assert self.old != self.new

    def state(self):
        names = [n for n in self.lake.tables() if not n.startswith(("raw.v", "raw.w"))]
        told = {}
        for name in self.lake.tables():
            m = self.lake.metadata(name)
            told[name] = (
                sorted(m.get("refs", {})), m.get("properties"), [s.get("fields") for s in m["schemas"]][-1], m.get("partition-specs"),
                m.get("sort-orders"), len(m.get("snapshots", [])), len(m.get("versions", [])))
        return self.lake.contents(names), told, self.lake.rows("show namespaces")


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_a_failure(tmp_path, failure, name):
    bench = More(tmp_path, 2 + len(name) % 2, name)
    for n in steps():
        result = bench.run(code=None, env=failure(n))
        if result.code == 0:
            assert bench.state() == bench.new, f"call {n}"
            break
        assert result.code > 0 and "error[" in result.err, str(result)
        assert bench.lake.tree() == bench.tree, f"call {n}\n{result}"
        assert bench.state() == bench.old, f"call {n}\n{result}"
    else:
        pytest.fail("it never ended")


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("kill", KILLS.values(), ids=KILLS)
def test_killed(tmp_path, kill, name):
    bench = More(tmp_path, 3 - len(name) % 2, name)
    for n in steps():
        result = bench.run(code=None, env=kill(n))
        if result.code == 0:
            assert bench.state() == bench.new
            break
        assert result.code == -signal.SIGKILL, str(result)
        bench.check_files()
        found = bench.state()
        assert found in (bench.old, bench.new), f"killed at call {n}"
        if found == bench.old:
            bench.run()
            assert bench.state() == bench.new, f"killed at call {n}"
        bench.reset()
    else:
        pytest.fail("it never ended")
