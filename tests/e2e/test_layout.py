"""How rows lie in files, under a memory limit; and namespaces that go whole."""

import os
import signal

import pytest

from harness import Lake, Project

YAML = """\
tarn: 1
project: layout
profile: local
profiles:
  local:
    warehouse: ./warehouse
"""
LIMIT_KB = (64 + 150) * 1024  # the least that the engine takes, and what is kept beside it
ROWS = 500_000
# Files of one statement whose names overlap; rows that lie in a file behind a greater one.
OVERLAPS = """\
with f as (select _file, {key} as key, min(name) as low, max(name) as high from raw.t where id >= {first} group by all)
select count(*) from f a join f b on a._file < b._file and a.key = b.key where a.low <= b.high and b.low <= a.high"""
MISPLACED = """\
with x as (select name, lag(name) over (partition by _file order by _pos) as before from raw.t where id >= {first})
select count(*) from x where before > name"""


@pytest.mark.skipif("asan" in os.environ.get("TARN", ""), reason="a sanitizer's memory is its own")
@pytest.mark.parametrize("layout", ["write ordered by name", "partitioned by (k) write ordered by name", "partitioned by (bucket(50, id))"])
def test_sorted_rows_spill(tmp_path, layout):
    """Several times the memory that there is goes through the sort."""
    project = Project(tmp_path)

    def run(sql):
        project.write("tarn.yaml", YAML + "    memory_limit: 100MB\n")
        peak = project.peak_kb("sql", "-e", sql)
        project.write("tarn.yaml", YAML)  # who looks may take more
        return peak

    run(f"create namespace raw; create table raw.t (id bigint, k int, name string) {layout}")
    run("alter table raw.t set tblproperties ('write.target-file-size-bytes' = '8000000')")
    for i in range(2):
        first = i * ROWS
        peak = run(
            f"insert into raw.t select i + {first}, i % 3, md5(i::varchar) || repeat('y', 100) || i from range({ROWS}) r(i)"
        )
        assert peak < LIMIT_KB, peak
        if "ordered" in layout:
            key = "k" if "(k)" in layout else "1"
            assert project.one(OVERLAPS.format(key=key, first=first)) == "0"
            assert project.one(MISPLACED.format(first=first)) == "0"
    total = sum(range(2 * ROWS))
    assert project.rows("select count(*), sum(id) from raw.t") == [(str(2 * ROWS), str(total))]
    if "bucket" in layout:
        assert project.one("select count(*) from raw.t.files") == "100"


def test_cascade_is_all_or_none(tmp_path):
    lake = Lake(tmp_path)
    n = 0
    while True:
        n += 1
        lake("sql", "create namespace if not exists raw; create namespace if not exists raw.below")
        for name in ("raw.a", "raw.b", "raw.below.c"):
            lake("sql", f"create table if not exists {name} (id int)")
        lake("sql", "create or replace view raw.v as select 1 as one")
        before = lake.tables()
        done = lake("sql", "drop namespace raw cascade", code=None, env={"TARN_TEST_CATALOG_KILL": str(n)})
        if done.code == 0:
            break
        assert done.code == -signal.SIGKILL, done
        assert lake.tables() == before, n
    assert n > 2
    assert lake.tables() == []
