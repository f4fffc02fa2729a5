#!/usr/bin/env python3
"""`tarn sql "select 1"`, the whole process, in a project with 100 tables; beside it the bare engine in Python."""

import os
import shutil
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import TARN, engine_python, machine, run  # noqa: E402

TABLES, TIMES = 100, 41


def make_project(folder):
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "models/m").mkdir(parents=True)
    (folder / "tarn.yaml").write_text("tarn: 1\nproject: hundred\nprofiles:\n  local: {warehouse: ./warehouse}\n")
    for n in range(TABLES):
        (folder / f"models/m/table_{n:03}.sql").write_text(f"/* tarn\nkind: table\n*/\nselect {n} as n, 'text' as t, 1.5::decimal(9,2) as d\n")
    run([TARN, "run"], cwd=folder)


def median(command, cwd):
    found = [run(command, cwd=cwd) for _ in range(TIMES)]
    return statistics.median(f.seconds for f in found) * 1000, max(f.peak_bytes for f in found) / 1e6


def main():
    folder = Path(os.environ.get("TARN_BENCH_DIR", "/tmp/tarn-bench")) / "startup"
    make_project(folder)
    print(f"start-up in a project with {TABLES} tables, median of {TIMES}; {machine()}")
    for name, command in {
        'tarn sql "select 1"': [TARN, "sql", "select 1"],
        "tarn sql over one table": [TARN, "sql", "select * from m.table_050"],
        "tarn version": [TARN, "version"],
        "the bare engine in Python": [engine_python(), "-c", "import duckdb; duckdb.sql('select 1').fetchall()"],
    }.items():
        milliseconds, peak = median(command, folder)
        print(f"  {name:28}{milliseconds:7.1f} ms  {peak:6.0f} MB")


if __name__ == "__main__":
    main()
