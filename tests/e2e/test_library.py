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


def test_a_statement_without_rows(query, warehouse):
    done = subprocess.run([query, warehouse, "create namespace if not exists mine"], capture_output=True, text=True)
    assert done.stdout == "CREATE NAMESPACE -1\n"


@pytest.mark.parametrize(
    "sql, code, message",
    [
        ("select * from raw.nothing", 1, 'table "raw.nothing" not found'),
        ("delete from raw.nothing", 1, 'table "raw.nothing" not found'),
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


CHANGES = r"""
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <tarn/tarn.h>

static struct tarn_warehouse *w;

static void run(const char *sql)
{
    int64_t rows;
    int code = tarn_warehouse_execute(w, sql, &rows);
    printf("%d %" PRId64 " %s\n", code, rows, code ? tarn_warehouse_error(w) : "");
}

int main(int argc, char **argv)
{
    struct tarn_cursor *c, *second;
    size_t before = 0;
    if (tarn_warehouse_create(argv[1], NULL, &w) != 0)
        return fprintf(stderr, "%s\n", tarn_warehouse_error(w)), 1;
    run("create namespace raw");
    run("create table raw.t (id bigint, name string)");
    run("insert into raw.t values (1, 'a'), (2, 'b'), (3, 'c')");
    run("begin");
    run("delete from raw.t where id > 1");
    run("rollback");
    run("update raw.t set name = 'z' where id = 2");
    run("delete from raw.nothing");
    tarn_warehouse_query(w, "select count(*) as n from raw.t where name <> 'z'", &c);
    int more = tarn_cursor_next(c);
    printf("%s %zu %d %s\n", tarn_cursor_tag(c), tarn_cursor_column_count(c), more, tarn_cursor_text(c, 0));
    printf("%d %s\n", tarn_warehouse_query(w, "select 1", &second), tarn_warehouse_error(w));
    tarn_cursor_close(c);
    for (int i = 0; i < 300; i++) {
        if (i == 100)
            before = mallinfo2().uordblks;
        if (tarn_warehouse_query(w, "select * from raw.t", &c) != 0)
            return 1;
        while (tarn_cursor_next(c) == 1)
            continue;
        tarn_cursor_close(c);
    }
    printf("%s\n", mallinfo2().uordblks < before + 200000 ? "memory is given back" : "memory grows");
    tarn_warehouse_query(w, "select 1", &c);
    tarn_warehouse_close(w);
    printf("%d\n", tarn_cursor_next(c));
    tarn_cursor_close(c);
    return argc == 2 ? 0 : 1;
}
"""


def test_changes(query, tmp_path):
    """Statements of every kind, counts of rows, one cursor at a time, memory over many statements."""
    prefix = query.parent
    (tmp_path / "changes.c").write_text(CHANGES)
    env = dict(os.environ, PKG_CONFIG_PATH=str(next(prefix.rglob("tarn.pc")).parent))
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "--static", "tarn"], env=env, check=True, capture_output=True, text=True)
    subprocess.run(["cc", "-Wall", "-Werror", tmp_path / "changes.c", "-o", tmp_path / "changes", *flags.stdout.split()], check=True)
    done = subprocess.run([tmp_path / "changes", tmp_path / "lake"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines() == [
        "0 -1 ",
        "0 -1 ",
        "0 3 ",
        "0 -1 ",
        "0 2 ",
        "0 -1 ",
        "0 1 ",
        '1 -1 table "raw.nothing" not found',
        "SELECT 1 1 2",
        "2 the cursor before is still open",
        "memory is given back",
        "0",
    ]


def test_nanoseconds_are_refused_rather_than_cut(query, tmp_path):
    """What needs the program's own pread() is not read by a program that has none, and everything else is."""
    sql = "create namespace n; create table n.t (ts timestamptz_ns, i int) tblproperties ('format-version' = '3'); insert into n.t values ('2026-01-01 00:00:00.123456789', 1); create table n.u as select 1 as i"
    subprocess.run([TARN, "--warehouse", tmp_path, "sql", sql], check=True, capture_output=True)
    told = subprocess.run([TARN, "--warehouse", tmp_path, "sql", "--format", "csv", "select ts from n.t"], check=True, capture_output=True, text=True)
    assert "00:00:00.123456789" in told.stdout
    done = subprocess.run([query, tmp_path, "select ts from n.t"], capture_output=True, text=True)
    assert done.returncode != 0 and done.stdout == ""
    assert "this process cannot read data files with columns of timestamptz_ns" in done.stderr
    done = subprocess.run([query, tmp_path, "select i from n.u"], capture_output=True, text=True)
    assert done.stdout.splitlines() == ["i", "1"]
