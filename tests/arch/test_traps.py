"""docs/iceberg-traps.md lists 35 traps; the tests that it names exist, and are run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    [cell.strip() for cell in line.strip().strip("|").split("|")]
    for line in (ROOT / "docs/iceberg-traps.md").read_text().splitlines()
    if re.match(r"\| \d+ \|", line)
]
NAMES = sorted({name for row in ROWS for name in re.findall(r"`([^`]+)`", row[3])})


def exists(name):
    file, _, test = name.partition("::")
    path = ROOT / "tests" / file
    if not path.is_file():
        return False
    text = path.read_text()
    if file.endswith(".slt"):
        return not test
    if file.endswith(".py"):
        return f"\ndef {test}(" in text
    return f"\nstatic void {test}(void **state)" in text and len(re.findall(rf"\b{test}\b", text)) > 1


def test_all_traps_are_there():
    assert [int(row[0]) for row in ROWS] == list(range(1, 36))
    assert all(len(row) == 4 and row[1] and row[2] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_has_a_test(row):
    assert "`" in row[3] or row[2].startswith("Not there")


@pytest.mark.parametrize("name", NAMES)
def test_tests_exist(name):
    assert exists(name)


def test_the_rule_itself():
    assert not exists("unit/lake/test_scan.c::no_such_test")
    assert not exists("unit/lake/no_such_file.c::trap_4_rewritten_manifests_keep_sequence_numbers")
