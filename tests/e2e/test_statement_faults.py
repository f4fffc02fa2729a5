"""Statements that are killed, or whose writes fail, at their n-th call, n = 1, 2, ... until one ends by itself.

Whatever the call was: every table reads as before the statement or as after it, a transaction's tables alike, and the
statement can be run again. A statement that fails leaves no file behind; one that is killed may.
"""

import shutil
import signal
from pathlib import Path

import pytest

from harness import Lake

CALLS_MAX = 120  # a sweep that needs more has stopped making progress

SETUP = """\
create namespace raw;
create table raw.t (id bigint, p string, v bigint) partitioned by (p) tblproperties ('format-version' = '{version}');
insert into raw.t select i, 'p' || i % 3, i * 10 from range(12) r(i);
insert into raw.t values (100, 'p0', 1), (101, null, 2);
delete from raw.t where id = 4;
create table raw.cow (id bigint, v bigint) tblproperties ('format-version' = '{version}',
    'write.update.mode' = 'copy-on-write', 'write.delete.mode' = 'copy-on-write', 'write.merge.mode' = 'copy-on-write');
insert into raw.cow select i, i from range(6) r(i);
insert into raw.cow select i, i from range(6, 10) r(i);
create table raw.keyed (id bigint not null, p string, v bigint, primary key (id)) partitioned by (p)
    tblproperties ('format-version' = '{version}', 'tarn.write.delete-files' = 'equality');
insert into raw.keyed select i, 'p' || i % 2, i from range(8) r(i);
"""

STATEMENTS = {
    "insert": "insert into raw.t values (7, 'p1', 5), (8, 'new', 6)",
    "overwrite": "insert overwrite raw.t partition (p = 'p1') select 50, 5",
    "delete": "delete from raw.t where v >= 50",
    "delete, copied": "delete from raw.cow where v % 3 = 1",
    "truncate": "truncate table raw.t",
    "update": "update raw.t set v = v + 1, p = 'p2' where id < 6",
    "update, copied": "update raw.cow set v = -v where id > 4",
    "by key": "update raw.keyed set v = v + 100, p = 'p0' where id in (1, 2)",
    "merge": "merge into raw.t using (select * from raw.cow union all select 200, 2) s on t.id = s.id "
    "when matched and s.v > 5 then delete when matched then update set v = s.v + 1000 "
    "when not matched then insert (id, p, v) values (s.id, 'p1', s.v)",
    "create": "create table raw.made (a int, b string) partitioned by (bucket(2, a))",
    "create as": "create table raw.made partitioned by (p) as select * from raw.t",
    "replace as": "create or replace table raw.t partitioned by (truncate(1, p)) as select id, p from raw.t",
    "alter": "alter table raw.t add column more string",
    "branch": "alter table raw.t create branch audit",
    "drop": "drop table raw.t purge",
    "rollback": "call system.rollback_to_snapshot('raw.t', {first})",
    "transaction": "begin; insert into raw.t values (7, 'p1', 5); delete from raw.cow where id < 3; "
    "update raw.t set v = 0 where id = 7; create table raw.made as select 1 as a; commit",
}

# with a format version each: where a version matters, every call is met on one side
KILLS = {
    "before a write": (2, lambda n: {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write+remove,kill=1"}),
    "after a write": (3, lambda n: {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write+remove,after=1,kill=1"}),
    "at the catalog": (3, lambda n: {"TARN_TEST_CATALOG_KILL": str(n)}),
}


class Bench:
    """A warehouse before a statement; `reset` brings it back there, at the same path."""

    def __init__(self, folder, version, name):
        self.lake = Lake(folder / "lake")
        self.lake("sql", SETUP.format(version=version))
        first = self.lake.one("select snapshot_id from raw.t.snapshots order by committed_at limit 1")
        self.statement = STATEMENTS[name].format(first=first)
        self.saved = folder / "saved"
        shutil.copytree(self.lake.folder, self.saved)
        self.old = self.state()
        self.tree = self.lake.tree()
        self.run(code=0)
        self.new = self.state()
        self.reset()
        assert self.old != self.new

    def reset(self):
        shutil.rmtree(self.lake.folder)
        shutil.copytree(self.saved, self.lake.folder)

    def run(self, **options):
        return self.lake("sql", self.statement, **options)

    def state(self):
        """What tables hold, their branches and their columns."""
        tables = self.lake.tables()
        refs = {name: sorted(self.lake.metadata(name).get("refs", {})) for name in tables}
        columns = {name: self.columns(name) for name in tables}
        return self.lake.contents(), refs, columns

    def columns(self, table):
        metadata = self.lake.metadata(table)
        schema = next(s for s in metadata["schemas"] if s["schema-id"] == metadata["current-schema-id"])
        return [(f["id"], f["name"]) for f in schema["fields"]]

    def check_files(self):
        for location in self.lake.pointers().values():
            assert Path(location.removeprefix("file://")).is_file(), location


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.parametrize("version, kill", KILLS.values(), ids=KILLS)
def test_killed(tmp_path, version, kill, name):
    bench = Bench(tmp_path, version, name)
    killed = 0
    for n in range(1, CALLS_MAX):
        result = bench.run(code=None, env=kill(n))
        if result.code == 0:
            assert bench.state() == bench.new
            break
        assert result.code == -signal.SIGKILL, str(result)
        killed += 1
        bench.check_files()
        found = bench.state()
        assert found in (bench.old, bench.new), f"killed at call {n}"
        if found == bench.old:
            bench.run()
            assert bench.state() == bench.new, f"killed at call {n}"
        bench.reset()
    else:
        pytest.fail("it never ended")
    assert killed > 0, "the hook did not kill anything"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("name", STATEMENTS)
def test_a_write_that_fails(tmp_path, name, version):
    bench = Bench(tmp_path, version, name)
    for n in range(1, CALLS_MAX):
        result = bench.run(code=None, env={"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write,status=DENIED"})
        if result.code == 0:
            assert bench.state() == bench.new
            break
        assert result.code > 0 and "error[" in result.err, str(result)
        assert bench.state() == bench.old, f"failed at call {n}\n{result}"
        assert bench.lake.tree() == bench.tree, f"failed at call {n}\n{result}"
    else:
        pytest.fail("it never ended")
    assert n > 1 or name == "drop", "the hook did not fail anything"
