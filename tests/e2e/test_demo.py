"""scripts/demo: what it prints, and that the next steps that it prints work."""

import os
import re
import shutil
import subprocess

import pytest
from harness import EXAMPLES, ROOT, Project, program

ENDING = r"""
  curated\.fq_app_journal_entries_gold                       4 rows
  entry_id  entry_date  total_credit  total_debit
  JE1001    2025-05-31        500\.00       500\.00
  JE1002    2025-06-02       1250\.00      1250\.00
  JE1003    2025-06-10        320\.75       320\.75
  JE1004    2025-06-30        299\.50       299\.50
  1 line set aside   tarn sql "select \* from raw\.fq_app_journal_entries__dead_letters"
  1 warning          account 2999 \(JE1003\) is not in raw\.fq_app_accounts
  tables             examples/accounting/warehouse   Iceberg v2, \d+ KB, \d+\.\d s

  export PATH="\$PWD/build/release:\$PATH"; cd examples/accounting
  tarn plan                                                  what a run would do
  tarn table history curated\.fq_app_journal_entries_gold
  cp late/\*\.json data/ && tarn run                           a correction to JE1002 arrives
"""


@pytest.fixture
def house(tmp_path):
    """A copy of what the demo needs, so that it may run in place."""
    shutil.copytree(EXAMPLES / "accounting", tmp_path / "examples/accounting", ignore=shutil.ignore_patterns("warehouse", ".tarn", ".env", "journal_entries_late.json.*"))
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/demo", tmp_path / "scripts/demo")
    return tmp_path


def demo(house):
    env = {**os.environ, "TARN": os.path.abspath(program()), "NO_COLOR": "1"}
    done = subprocess.run([house / "scripts/demo"], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_ends_as_promised(house):
    out = demo(house)
    assert re.search(ENDING + r"\Z", out), out


def test_a_second_demo_is_the_same(house):
    demo(house)
    shutil.copy(house / "examples/accounting/late/journal_entries_late.json", house / "examples/accounting/data")
    Project(house / "examples/accounting")("run")
    assert re.search(ENDING + r"\Z", demo(house))
    assert not (house / "examples/accounting/data/journal_entries_late.json").exists()


def test_its_next_steps_work(house):
    out = demo(house)
    steps = [line.split("   ")[0].strip() for line in out.splitlines()[-3:]]
    project = Project(house / "examples/accounting")
    path = os.path.dirname(os.path.abspath(program())) + os.pathsep + os.environ["PATH"]
    for step in [*steps, re.search(r"set aside +(tarn sql .*)", out)[1]]:
        done = subprocess.run(["bash", "-c", step], cwd=project.folder, env={**project.env, "PATH": path}, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, step + "\n" + done.stdout + done.stderr
        assert done.stdout + done.stderr
    assert project.rows("select total_debit from curated.fq_app_journal_entries_gold where entry_id = 'JE1002'") == [("1275.50",)]
