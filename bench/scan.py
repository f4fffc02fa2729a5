#!/usr/bin/env python3
"""Queries over an Iceberg table that tarn wrote, and over the same Parquet files directly, in the same engine.

    bench/scan.py [ENTRIES]        3 rows an entry; 1,000,000 unless told

Uses the silver table of bench/close.py; runs that first when it is not there. Both sides are whole
processes of the same program, so that start-up counts for both; the direct side reads the table's current data files.
"""

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import ROOT, TARN, engine_python, machine, ratio, run  # noqa: E402

TABLE = "curated.fq_app_journal_entries_silver"
TIMES = 11
QUERIES = {
    "all rows, two columns": "select count(*), sum(debit), sum(credit) from {}",
    "group by account": "select account_id, sum(debit), sum(credit), count(*) from {} group by 1 order by 1",
    "text of every row": "select max(length(description)), count(distinct account_name) from {}",
    "one month": "select count(*), sum(debit) from {} where entry_date between date '2024-03-01' and date '2024-03-31'",
    "one entry": "select * from {} where entry_id = 'JE00500000' order by account_id",
}

def data_files(project):
    found = json.loads(run([TARN, "table", "files", TABLE, "--json"], cwd=project).out)
    files = found.get("files") or found["rows"]
    paths = [f.get("path") or f.get("file_path") for f in files]
    return [p.removeprefix("file://") for p in paths if p.endswith(".parquet") and "-deletes" not in p]


def main():
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    project = Path(os.environ.get("TARN_BENCH_DIR", "/tmp/tarn-bench")) / f"close-{entries}" / "tarn"
    if not (project / "warehouse").exists():
        subprocess.run([sys.executable, ROOT / "bench/close.py", "--sides", "tarn", "--entries", str(entries)], check=True)
    files = data_files(project)
    listed = "read_parquet([" + ", ".join(f"'{f}'" for f in files) + "])"
    print(f"scan of {TABLE} ({len(files)} data files), median of {TIMES}; {machine()}")
    in_tarn = run([TARN, "sql", f"select count(*) from {listed}"], cwd=project, check=False).code == 0
    if not in_tarn:
        print("  tarn does not read files by name: the direct side is the same engine in Python, each with its start-up taken off")
    start = [0.0, 0.0]
    if not in_tarn:
        start = medians([TARN, "sql", "select 1"], [engine_python(), "-c", "import duckdb; duckdb.sql('select 1').fetchall()"], project)
    for name, sql in QUERIES.items():
        ours = [TARN, "sql", "--format", "csv", sql.format(TABLE)]
        if in_tarn:
            direct = [TARN, "sql", "--format", "csv", sql.format(listed)]
        else:
            text = sql.format(listed).replace('"', '\\"')
            direct = [engine_python(), "-c", f'import duckdb; duckdb.sql("{text}").fetchall()']
        a, b = (found - base for found, base in zip(medians(ours, direct, project), start))
        print(f"  {name:24}{a * 1000:8.1f} ms   direct {b * 1000:8.1f} ms   {ratio(a, b)}")


def medians(one, other, project):
    """Turn by turn, so that what else the machine does meets both."""
    found = [[run(command, cwd=project).seconds for command in (one, other)] for _ in range(TIMES + 1)][1:]
    return [statistics.median(side) for side in zip(*found)]


if __name__ == "__main__":
    main()
