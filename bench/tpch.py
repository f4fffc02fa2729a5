#!/usr/bin/env python3
"""The 22 queries of TPC-H over Iceberg tables that tarn wrote, over the same Parquet files directly, and by PySpark over the same tables.

    bench/tpch.py                      tables of format version 2, and of version 3 with 1 % of the rows in deletion vectors
    bench/tpch.py --sides tarn,spark --scale 1 --times 3

`direct` is the same program over read_parquet of the tables' own data files, so that start-up counts on both sides; every query is a whole
process. Spark runs them in one session, each query twice, of which the second counts: its start-up is not held against it. All sides must
give the same rows.
"""

import argparse
import json
import math
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import CACHE, ROOT, TARN, engine_python, machine, run  # noqa: E402

TABLES = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"]
GENERATE = """
import duckdb, duckdb_extension_tpch, json, pathlib, sys
folder, scale = pathlib.Path(sys.argv[1]), float(sys.argv[2])
con = duckdb.connect()
con.execute(f"load '{next(pathlib.Path(duckdb_extension_tpch.__file__).parent.rglob('*.duckdb_extension'))}'")
con.execute(f"call dbgen(sf={scale})")
for table in sys.argv[3:]:
    con.execute(f"copy {table} to '{folder}/{table}.parquet' (format parquet, compression zstd)")
(folder / "queries.json").write_text(json.dumps([q for _, q in con.execute("from tpch_queries()").fetchall()]))
"""
# 1 % of the rows of the two large tables, scattered
DOOMED = {"lineitem": "(l_orderkey * 7 + l_linenumber * 13) % 100 = 0", "orders": "hash(o_orderkey) % 100 = 0"}


def prepare(folder, scale):
    marker = folder / "complete"
    if marker.exists():
        return
    (folder / "parquet").mkdir(parents=True, exist_ok=True)
    subprocess.run([engine_python(), "-c", GENERATE, folder / "parquet", str(scale), *TABLES], check=True)
    script = ["create namespace plain;", "create namespace dv;"]
    for table in TABLES:
        source = f"select * from read_parquet('{folder}/parquet/{table}.parquet')"
        script.append(f"create table plain.{table} using iceberg as {source};")
        script.append(f"create table dv.{table} using iceberg tblproperties ('format-version' = '3') as {source};")
    script += [f"delete from dv.{table} where {where};" for table, where in DOOMED.items()]
    (folder / "load.sql").write_text("\n".join(script))
    run([TARN, "--warehouse", folder / "warehouse", "sql", "-f", folder / "load.sql"])
    marker.touch()


TOKEN = re.compile(r"'[^']*'|\w+|\s+|.")
CLAUSES = {"select", "from", "where", "group", "order", "having", "on", "limit"}


def rename(sql, source_of):
    """The tables in FROM clauses replaced; those without an alias keep their name as one."""
    out, clause, tokens = [], "", TOKEN.findall(sql)
    for i, token in enumerate(tokens):
        before = next((t for t in reversed(tokens[:i]) if t.strip()), "").lower()
        behind = next((t for t in tokens[i + 1 :] if t.strip()), "").lower()
        clause = token.lower() if token.lower() in CLAUSES else clause
        if token in TABLES and (before in ("from", "join") or (before == "," and clause == "from")):
            bare = not re.fullmatch(r"as|[a-z]\w*", behind) or behind in CLAUSES | {"left", "join", "inner"}
            token = source_of(token) + (f" {token}" if bare else "")
        out.append(token)
    return "".join(out)


def over_tables(sql, namespace):
    return rename(sql, lambda table: f"{namespace}.{table}")


def over_files(sql, files):
    return rename(sql, lambda table: f"read_parquet([{', '.join(repr(f) for f in files[table])}])")


def data_files(folder, namespace):
    found = {}
    for table in TABLES:
        told = run([TARN, "--warehouse", folder / "warehouse", "table", "files", f"{namespace}.{table}", "--json"]).out
        rows = json.loads(told)
        paths = [f.get("path") or f.get("file_path") for f in rows.get("files") or rows["rows"]]
        found[table] = [p.removeprefix("file://") for p in paths if p.endswith(".parquet") and "-deletes" not in p]
    return found


def tarn(folder, sql):
    return run([TARN, "--warehouse", folder / "warehouse", "sql", "--format", "csv", sql])


def geometric(values):
    return math.exp(statistics.mean(math.log(v) for v in values))


def in_turns(folder, sides, times):
    """Medians, turn by turn, so that what else the machine does meets all sides."""
    found = [[tarn(folder, sql) for sql in sides] for _ in range(times + 1)][1:]
    return [statistics.median(turn[i].seconds for turn in found) for i in range(len(sides))], [r.out for r in found[0]]


SPARK = """
import json, os, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import spark_side
session = spark_side.start()
spark_side.attach(session, sys.argv[2], "iceberg")
session.sql("use iceberg.plain")
out = []
for sql in json.load(open(sys.argv[3])):
    for _ in range(2):
        started = time.perf_counter()
        rows = session.sql(sql.rstrip().rstrip(";")).collect()
        seconds = time.perf_counter() - started
    out.append([seconds, len(rows)])
print("TARN " + json.dumps(out))
"""


def spark(folder, queries):
    (folder / "spark.json").write_text(json.dumps(queries))
    # shellcheck-like quoting is not needed: the paths are ours
    told = run(["bash", "-c", f". {CACHE}/spark.env; exec {CACHE}/venv-spark/bin/python -c \"$0\" {ROOT}/tests/compat {folder}/warehouse {folder}/spark.json", SPARK])
    return json.loads(told.out.split("TARN ")[-1])


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--scale", default="1")
    options.add_argument("--times", type=int, default=5)
    options.add_argument("--sides", default="tarn,spark")
    args = options.parse_args()
    folder = Path(os.environ.get("TARN_BENCH_DIR", "/tmp/tarn-bench")) / f"tpch-{args.scale}"
    prepare(folder, args.scale)
    queries = json.loads((folder / "parquet/queries.json").read_text())
    files = {ns: data_files(folder, ns) for ns in ("plain", "dv")}
    peers = spark(folder, queries) if "spark" in args.sides else [None] * len(queries)
    print(f"TPC-H, scale {args.scale}, median of {args.times}; {machine()}")
    print("  query     table    direct              with deletion vectors" + ("       PySpark" if peers[0] else ""))
    ratios = {"plain": [], "dv": [], "spark": []}
    for n, sql in enumerate(queries, 1):
        sides = [over_tables(sql, "plain"), over_files(sql, files["plain"]), over_tables(sql, "dv"), over_files(sql, files["dv"])]
        (plain, direct, dv, dv_direct), told = in_turns(folder, sides, args.times)
        if sorted(told[0].splitlines()) != sorted(told[1].splitlines()):
            raise SystemExit(f"query {n}: the table and its files give other rows")
        ratios["plain"].append(plain / direct)
        ratios["dv"].append(dv / dv_direct)
        line = f"  {n:5}{plain * 1000:8.0f} ms{direct * 1000:7.0f} ms  {plain / direct:.2f}x {dv * 1000:14.0f} ms  {dv / dv_direct:.2f}x"
        if peers[n - 1]:
            seconds, rows = peers[n - 1]
            if rows != len(told[0].splitlines()) - 1:
                raise SystemExit(f"query {n}: PySpark gives {rows} rows, tarn {len(told[0].splitlines()) - 1}")
            ratios["spark"].append(seconds / plain)
            line += f"{seconds * 1000:12.0f} ms  {seconds / plain:.1f}x"
        print(line, flush=True)
    print(f"  geometric mean: {geometric(ratios['plain']):.3f}x of the files directly, {geometric(ratios['dv']):.3f}x with deletion vectors", end="")
    print(f", PySpark takes {geometric(ratios['spark']):.1f} times as long" if ratios["spark"] else "")


if __name__ == "__main__":
    main()
