#!/usr/bin/env python3
"""The month-end close over generated journal entries: tarn, the bare engine and PySpark, measured in one run.

    bench/close.py                                  1,000,000 entries on every side that is installed
    bench/close.py --sides tarn,engine --repeat 3
    bench/close.py --entries 10000000 --memory-limit 1GB --sides tarn

All sides read the same files and do the same steps: raw entries and accounts, silver (the latest version of an entry, its lines one row each,
joined with the accounts, several postings to one account summed), gold (totals an entry). tarn writes Iceberg tables, merges by key and
runs the example's checks; PySpark writes Iceberg tables and merges by key, without checks; the bare engine writes plain Parquet files,
once with the steps as one usually writes them (engine) and once with the very text of the example's models (engine-models).
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import CACHE, ROOT, TARN, engine_python, machine, ratio, run  # noqa: E402

EXAMPLE = ROOT / "examples/accounting"
GOLD = "curated.fq_app_journal_entries_gold"


def generate(folder, entries):
    data = folder / "data"
    marker = folder / f"generated-{entries}"
    if marker.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    data.mkdir(parents=True)
    subprocess.run(["gcc", "-O2", "-o", folder / "generate", ROOT / "bench/generate.c"], check=True)
    with open(data / "journal_entries.json", "wb") as out:
        subprocess.run([folder / "generate", str(entries)], stdout=out, check=True)
    with open(data / "accounts.json", "w") as out:
        for n in range(200):
            kind = ("Asset", "Liability", "Expense", "Income")[n % 4]
            out.write(f'{{"_id": {{"$oid": "68ca9a71{n:016d}"}}, "account_id": "{1000 + n}", "name": "Account {n}", "type": "{kind}"}}\n')
    marker.touch()


def make_project(folder, memory_limit):
    """The example's models and checks over the generated files."""
    project = folder / "tarn"
    shutil.rmtree(project, ignore_errors=True)
    (project / "models/curated").mkdir(parents=True)
    for name in ("fq_app_journal_entries_silver", "fq_app_journal_entries_gold"):
        shutil.copy(EXAMPLE / f"models/curated/{name}.sql", project / "models/curated")
    shutil.copytree(EXAMPLE / "checks", project / "checks")
    limit = f"    memory_limit: {memory_limit}\n" if memory_limit else ""
    (project / "tarn.yaml").write_text(
        f"""\
tarn: 1
project: bench
app: fq_app
profiles:
  local:
    warehouse: ./warehouse
{limit}    sources: {{fq_app: {{kind: files, path: {folder}/data, format: ejson}}}}
ingest:
  - {{from: fq_app.accounts, to: raw.fq_app_accounts, partition_by: [day(ingest_ts)]}}
  - from: fq_app.journal_entries
    to: raw.fq_app_journal_entries
    partition_by: [day(ingest_ts)]
    columns: {{lines.element.debit: "decimal(18,2)", lines.element.credit: "decimal(18,2)"}}
"""
    )
    return project


def tarn_once(folder, args):
    project = make_project(folder, args.memory_limit)
    first = run([TARN, "run"], cwd=project)
    again = run([TARN, "run"], cwd=project)
    total = run([TARN, "sql", "--format", "csv", f"select count(*), sum(total_debit), sum(total_credit) from {GOLD}"], cwd=project)
    return first, again, total.out.splitlines()[-1]


def engine_once(folder, args, way="plain"):
    out = folder / "engine"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    found = run([engine_python(), ROOT / "bench/close_engine.py", folder / "data", out, way, args.memory_limit or ""])
    return found, None, found.out.splitlines()[-1]


def engine_models_once(folder, args):
    return engine_once(folder, args, "models")


def spark_once(folder, args):
    out = folder / "spark"
    shutil.rmtree(out, ignore_errors=True)
    env = dict(line.removeprefix("export ").split("=", 1) for line in (CACHE / "spark.env").read_text().replace(" TARN", "\nTARN").splitlines())
    found = run([CACHE / "venv-spark/bin/python", ROOT / "bench/close_spark.py", folder / "data", out], env=env)
    return found, None, found.out.splitlines()[-1]


SIDES = {"tarn": tarn_once, "engine": engine_once, "engine-models": engine_models_once, "spark": spark_once}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--memory-limit", default="")
    parser.add_argument("--sides", default="tarn,engine,engine-models,spark")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path(os.environ.get("TARN_BENCH_DIR", "/tmp/tarn-bench")))
    args = parser.parse_args()
    folder = args.folder / f"close-{args.entries}"
    generate(folder, args.entries)
    size = (folder / "data/journal_entries.json").stat().st_size
    print(f"the close over {args.entries:,} entries of 3 lines, {size / 1e6:.0f} MB of EJSON; {machine()}")
    results, totals = {}, {}
    for attempt in range(args.repeat):
        for side in args.sides.split(","):
            if side == "spark" and not (CACHE / "venv-spark").exists():
                print("  spark     not installed: scripts/setup spark")
                continue
            first, again, total = SIDES[side](folder, args)
            results.setdefault(side, []).append((first, again))
            totals[side] = total
            extra = f"   second run {again.seconds:.2f} s" if again else ""
            print(f"  {side:14}{first}  {args.entries / first.seconds:12,.0f} entries/s{extra}", flush=True)
    if len(set(totals.values())) != 1:
        raise SystemExit(f"the sides do not agree: {totals}")
    best = {side: min(found, key=lambda r: r[0].seconds)[0] for side, found in results.items()}
    if "tarn" in best:
        for side in best:
            if side != "tarn":
                time, memory = ratio(best["tarn"].seconds, best[side].seconds), ratio(best["tarn"].peak_bytes, best[side].peak_bytes)
                print(f"  tarn takes {time} the time and {memory} the memory of {side} (best of {args.repeat})")
        again = statistics.median(r[1].seconds for r in results["tarn"])
        print(f"  a second run with nothing new: {again:.2f} s")
    print(f"  entries, debits, credits: {totals.popitem()[1]}")


if __name__ == "__main__":
    main()
