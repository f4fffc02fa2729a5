"""A run killed at its storage and catalog calls: the next one ends in the tables of an undisturbed one.

The program kills itself at the n-th call (TARN_TEST_STORAGE_FAULT, TARN_TEST_CATALOG_KILL), n = 1, 2, ... until a run ends
by itself. Two situations: the first run of a project, and a run that brings a correction. The small project has everything
a run does (a dead letter, a merge that deletes, a partitioned table); the accounting example is sampled.
"""

import shutil
import signal
from pathlib import Path

import pytest

from harness import copy_example, small_project

CALLS_MAX = 400  # a sweep that needs more has stopped making progress


def storage_fault(n, calls="write"):
    return {"TARN_TEST_STORAGE_FAULT": f"n={n},calls={calls},kill=1"}


def catalog_kill(n):
    return {"TARN_TEST_CATALOG_KILL": str(n)}


FAULTS = {
    "before a write": storage_fault,
    "after a write": lambda n: {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write,after=1,kill=1"},
    "before a catalog statement": catalog_kill,
}

MODEL = """\
/* tarn
kind: merge
key: [id, place]
replace_by: [id]
partition_by: ["bucket(2, id)"]
audit: [ingest_ts]
*/
with latest as (
    select * from raw.items
    qualify row_number() over (partition by id order by ingest_ts desc, _source_file desc, _source_offset desc) = 1
)
select id, u.place, u.amount, ingest_ts from (select id, ingest_ts, unnest(lines) as u from latest)
"""
GOLD = """\
/* tarn
kind: merge
key: [id]
*/
select id, cast(sum(amount) as bigint) as total from curated.items group by id
"""
FIRST = (
    '{"id": 1, "lines": [{"place": "a", "amount": 1}, {"place": "b", "amount": 2}]}\n'
    '{"id": 2, "lines": [{"place": "a", "amount": 3}]}\n'
    '{"id": 3, "lines": [\n'
)
SECOND = '{"id": 1, "lines": [{"place": "a", "amount": 10}, {"place": "c", "amount": 20}]}\n{"id": 4, "lines": [{"place": "d", "amount": 4}], "note": "a column more"}\n'


def make_small(folder):
    project = small_project(folder, FIRST)
    project.write("models/curated/items.sql", MODEL)
    project.write("models/curated/totals.sql", GOLD)
    return project


def second_small(project):
    project.write("data/items-2.json", SECOND)


def make_accounting(folder):
    return copy_example("accounting", folder)


def second_accounting(project):
    project.arrive()


class Situation:
    """A project just before the run that is to be killed; `reset` brings it back there, at the same path."""

    def __init__(self, folder, make, second):
        self.project = make(folder / "p")
        if second:
            self.project("run")
            second(self.project)
        self.saved = folder / "saved"
        shutil.copytree(self.project.folder, self.saved, symlinks=True)

    def reset(self):
        shutil.rmtree(self.project.folder)
        shutil.copytree(self.saved, self.project.folder, symlinks=True)

    def undisturbed(self):
        self.project("run")
        found = self.project.contents()
        self.reset()
        return found


def check_files(project):
    """Everything that the catalog points to is there."""
    for location in project.pointers().values():
        assert Path(location.removeprefix("file://")).is_file(), location


def sweep(situation, fault, step, retry=False):
    expected = situation.undisturbed()
    assert expected
    killed, n = 0, 1
    while n < CALLS_MAX:
        result = situation.project("run", code=None, env=fault(n))
        if result.code == 0:
            assert situation.project.contents() == expected
            break
        assert result.code == -signal.SIGKILL, str(result)
        killed += 1
        check_files(situation.project)
        situation.project("run")
        assert situation.project.contents() == expected, f"killed at call {n}"
        again = situation.project("run")
        assert "up to date" in again.text, f"killed at call {n}\n{again}"
        situation.reset()
        n += step
    assert n < CALLS_MAX
    assert killed >= 3, "the hook did not kill anything"


@pytest.mark.parametrize("second", [False, True], ids=["first run", "correction"])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_every_call_of_a_small_project(tmp_path, fault, second):
    sweep(Situation(tmp_path, make_small, second_small if second else None), fault, step=1)


@pytest.mark.parametrize("second", [False, True], ids=["first run", "correction"])
@pytest.mark.parametrize("fault, step", [(storage_fault, 5), (catalog_kill, 2)], ids=["storage", "catalog"])
def test_the_close(tmp_path, fault, step, second):
    sweep(Situation(tmp_path, make_accounting, second_accounting if second else None), fault, step)


@pytest.mark.parametrize("n", [2, 7, 12])
def test_killed_twice(tmp_path, n):
    situation = Situation(tmp_path, make_small, second_small)
    expected = situation.undisturbed()
    for _ in range(2):
        assert situation.project("run", code=None, env=storage_fault(n)).code == -signal.SIGKILL
    situation.project("run")
    assert situation.project.contents() == expected


@pytest.mark.parametrize("status", ["IO", "DISK_FULL", "DENIED"])
@pytest.mark.parametrize("n", [1, 4, 9, 14])
def test_a_write_that_fails(tmp_path, n, status):
    """A failed write fails the run with its own exit code, names the cause, and leaves nothing half done."""
    situation = Situation(tmp_path, make_small, second_small)
    expected = situation.undisturbed()
    fault = {"TARN_TEST_STORAGE_FAULT": f"n={n},calls=write,status={status}"}
    failed = situation.project("run", code=None, env=fault)
    assert failed.code in ({"DENIED": (3, 1)}.get(status, (1, 0))), str(failed)
    check_files(situation.project)
    situation.project("run")
    assert situation.project.contents() == expected


def test_temporary_files_of_a_killed_run_are_removed(tmp_path):
    situation = Situation(tmp_path, make_small, None)
    situation.project("run", code=None, env=storage_fault(5))
    situation.project("run")
    left = [p for p in (situation.project.folder / ".tarn").glob("tmp/*") if any(p.rglob("*"))]
    assert left == []
