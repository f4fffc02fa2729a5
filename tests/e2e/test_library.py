"""libtarn from a program outside the tree: installed headers and archive, pkg-config, examples/libtarn/query.c."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import ROOT, program

TARN = program()


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    """The example, compiled against an installation of the build that the tests use."""
    prefix = tmp_path_factory.mktemp("prefix")
    build = Path(TARN).resolve().parent
    subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    pc = next(prefix.rglob("tarn.pc"))
    text = pc.read_text()
    pc.write_text("\n".join(f"prefix={prefix}" if line.startswith("prefix=") else line for line in text.splitlines()) + "\n")
    env = dict(os.environ, PKG_CONFIG_PATH=str(pc.parent))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "--static", "tarn"], env=env, check=True, capture_output=True, text=True)
    shutil.copy(ROOT / "examples/libtarn/query.c", prefix)
    program = prefix / "query"
    subprocess.run(["cc", "-Wall", "-Werror", prefix / "query.c", "-o", program, *flags.stdout.split()], check=True)
    return program


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    project = tmp_path_factory.mktemp("library") / "accounting"
    shutil.copytree(ROOT / "examples/accounting", project, ignore=shutil.ignore_patterns("warehouse", ".tarn"))
    subprocess.run([TARN, "run", "-q"], cwd=project, check=True, capture_output=True)
    return project / "warehouse"


def test_rows(query, warehouse):
    sql = "select entry_id, total_debit from curated.fq_app_journal_entries_gold order by 1"
    done = subprocess.run([query, warehouse, sql], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["entry_id\ttotal_debit", "JE1001\t500.00", "JE1002\t1250.00", "JE1003\t320.75", "JE1004\t299.50"]


def test_null(query, warehouse):
    sql = "select account_name from curated.fq_app_journal_entries_silver where account_id = '2999'"
    done = subprocess.run([query, warehouse, sql], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["account_name", "NULL"]


@pytest.mark.parametrize(
    "sql, code, message",
    [
        ("select * from raw.nothing", 1, 'table "raw.nothing" not found'),
        ("delete from raw.fq_app_accounts", 1, "DELETE is not in this version"),
        ("selec 1", 1, "syntax error"),
    ],
)
def test_mistakes(query, warehouse, sql, code, message):
    done = subprocess.run([query, warehouse, sql], capture_output=True, text=True)
    assert done.returncode == code
    assert message in done.stderr


def test_no_warehouse(query, tmp_path):
    done = subprocess.run([query, tmp_path, "select 1"], capture_output=True, text=True)
    assert done.returncode == 1
    assert "there is no warehouse in" in done.stderr
