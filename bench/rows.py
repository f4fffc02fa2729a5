#!/usr/bin/env python3
"""Changes of single rows in a table of 10,000,000 rows, and scans over equality deletes: tarn against PySpark and PyIceberg.

    bench/rows.py                         all
    bench/rows.py merge delete equality   some
    bench/rows.py --rows 1000000

Each side works on a copy of its own of the same table (format version 3, merge-on-read). tarn is a whole process a statement; Spark's time is
the statement's in a session that is warm; PyIceberg's is the call's, and is given up after ten minutes. The sides must agree on the rows.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from measure import CACHE, ROOT, TARN, machine, run  # noqa: E402

COLUMNS = "i as id, (i * 7919) % 1000003 as account, cast((i % 100000) / 100.0 as decimal(18,2)) as amount, 'note ' || (i % 5000) as note, date '2024-01-01' + cast(i % 365 as int) as day"
CHECK = "select count(*), sum(id), sum(amount) from bench.{}"
GIVE_UP = 600


def tarn(folder, sql, check=True):
    return run([TARN, "--warehouse", folder, "sql", "--format", "csv", sql], check=check)


def prepare(folder, rows):
    """main: the table; changes: 100,000 rows, half of them of ids that the table has."""
    marker = folder / "complete"
    if marker.exists():
        return
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make = "create table bench.{} using iceberg tblproperties ('format-version' = '{}', 'write.target-file-size-bytes' = '67108864') as select {} from range({}) t(i)"
    tarn(folder, "create namespace bench")
    for name in ("tarn_merge", "spark_merge", "tarn_delete", "spark_delete"):
        tarn(folder, make.format(name, 3, COLUMNS, rows))
    for name in ("pyiceberg_merge", "equality"):
        tarn(folder, make.format(name, 2, COLUMNS, rows))
    step = rows // 50_000
    columns = COLUMNS.replace("i as id", f"case when i < 50000 then i * {step} else {rows} + i end as id").replace("'note '", "'new '")
    tarn(folder, make.format("changes", 2, columns, 100_000))
    tarn(folder, make.format("doomed", 2, f"(i * {rows // 10_000} + 17) as id", 10_000))
    marker.touch()


MERGE = "merge into {0} t using {1} s on t.id = s.id when matched then update set * when not matched then insert *"
DELETE = "delete from {0} where id in (select id from {1})"

SPARK = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import spark_side
session = spark_side.start()
spark_side.attach(session, sys.argv[2], "iceberg")
session.sql("select count(*) from iceberg.bench.changes").collect()
out = []
for sql in json.loads(sys.argv[3]):
    started = time.perf_counter()
    session.sql(sql).collect()
    out.append(time.perf_counter() - started)
print("TARN " + json.dumps(out))
"""


def spark(folder, statements):
    command = f". {CACHE}/spark.env; exec {CACHE}/venv-spark/bin/python -c \"$0\" {ROOT}/tests/compat {folder} \"$1\""
    told = run(["bash", "-c", command, SPARK, json.dumps(statements)])
    return json.loads(told.out.split("TARN ")[-1])


PYICEBERG = """
import sys, time
from pyiceberg.catalog.sql import SqlCatalog
catalog = SqlCatalog("iceberg", uri=f"sqlite:///{sys.argv[1]}/catalog.db", warehouse=f"file://{sys.argv[1]}")
changes = catalog.load_table("bench.changes").scan().to_arrow()
table = catalog.load_table("bench.pyiceberg_merge")
started = time.perf_counter()
table.upsert(changes, join_cols=["id"])
print("TARN", time.perf_counter() - started)
"""


def pyiceberg(folder):
    try:
        told = subprocess.run([CACHE / "venv/bin/python", "-c", PYICEBERG, folder], capture_output=True, text=True, timeout=GIVE_UP)
    except subprocess.TimeoutExpired:
        return None
    if told.returncode:
        raise SystemExit(told.stderr[-3000:])
    return float(told.stdout.split("TARN")[-1])


def agree(folder, *tables):
    found = {tarn(folder, CHECK.format(t)).out.splitlines()[-1] for t in tables}
    if len(found) != 1:
        raise SystemExit(f"{tables} differ: {found}")
    return found.pop()


def merge(folder):
    ours = tarn(folder, MERGE.format("bench.tarn_merge", "bench.changes"))
    (theirs,) = spark(folder, [MERGE.format("iceberg.bench.spark_merge", "iceberg.bench.changes")])
    print(f"  merge of 100,000 rows, half updates: tarn {ours}   PySpark {theirs:.2f} s  {theirs / ours.seconds:.1f} times as long", flush=True)
    agree(folder, "tarn_merge", "spark_merge")
    seconds = pyiceberg(folder)
    if seconds is None:
        print(f"    PyIceberg's upsert: more than {GIVE_UP} s, {GIVE_UP / ours.seconds:.0f} times as long at least", flush=True)
    else:
        agree(folder, "tarn_merge", "pyiceberg_merge")
        print(f"    PyIceberg's upsert: {seconds:.1f} s, {seconds / ours.seconds:.0f} times as long", flush=True)


def delete(folder):
    ours = tarn(folder, DELETE.format("bench.tarn_delete", "bench.doomed"))
    (theirs,) = spark(folder, [DELETE.format("iceberg.bench.spark_delete", "iceberg.bench.doomed")])
    agree(folder, "tarn_delete", "spark_delete")
    print(f"  delete of 10,000 scattered rows:     tarn {ours}   PySpark {theirs:.2f} s  {theirs / ours.seconds:.1f} times as long", flush=True)


KEYS = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
schema, rows = pa.schema([pa.field("id", pa.int64(), metadata={"PARQUET:field_id": "1"})]), int(sys.argv[2])
for n in range(100):
    keys = [(k * 1000 + n * 10 + 3) % rows for k in range(10000)]
    pq.write_table(pa.table([pa.array(keys, pa.int64())], schema=schema), f"{sys.argv[1]}/equality-{n}.parquet")
"""
EQUALITY = """
import sys
sys.path.insert(0, sys.argv[1])
import spark_side
session = spark_side.start()
spark_side.attach(session, sys.argv[2], "iceberg")
jvm = session._jvm
table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(session._jsparkSession, "iceberg.bench.equality")
ids = session._sc._gateway.new_array(jvm.int, 1)
ids[0] = 1
for n in range(100):
    path = f"{sys.argv[2]}/equality-{n}.parquet"
    size = jvm.java.io.File(path).length()
    file = (jvm.org.apache.iceberg.FileMetadata.deleteFileBuilder(table.spec()).ofEqualityDeletes(ids).withPath(path)
            .withFileSizeInBytes(size).withRecordCount(10000).withFormat("PARQUET").build())
    table.newRowDelta().addDeletes(file).commit()
"""


def equality(folder, rows):
    """100 delete files of 10,000 keys each, written through Iceberg's Java library, one commit each."""
    query = "select count(*), sum(amount), max(note) from {}bench.equality"
    before = min((tarn(folder, query.format("")) for _ in range(5)), key=lambda m: m.seconds)
    if before.out.splitlines()[-1].startswith(str(rows)):
        command = f". {CACHE}/spark.env; exec {CACHE}/venv-spark/bin/python -c \"$0\" {ROOT}/tests/compat {folder}"
        run([CACHE / "venv/bin/python", "-c", KEYS, folder, rows])
        run(["bash", "-c", command, EQUALITY])
    else:
        before = min((tarn(folder, query.format("").replace("bench.equality", "bench.pyiceberg_merge")) for _ in range(5)), key=lambda m: m.seconds)
    after = min((tarn(folder, query.format("")) for _ in range(5)), key=lambda m: m.seconds)
    theirs = min(spark(folder, [query.format("iceberg.")] * 3))
    print(f"  scan over 100 equality delete files of 10,000 keys: tarn {after}   without deletes {before.seconds:.2f} s: {after.seconds / before.seconds:.2f}x"
          f"   PySpark {theirs:.2f} s  {theirs / after.seconds:.1f} times as long", flush=True)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("what", nargs="*", default=["merge", "delete", "equality"])
    options.add_argument("--rows", type=int, default=10_000_000)
    args = options.parse_args()
    folder = Path(os.environ.get("TARN_BENCH_DIR", "/tmp/tarn-bench")) / f"rows-{args.rows}"
    prepare(folder, args.rows)
    print(f"a table of {args.rows:,} rows; {machine()}")
    if "merge" in args.what:
        merge(folder)
    if "delete" in args.what:
        delete(folder)
    if "equality" in args.what:
        equality(folder, args.rows)


if __name__ == "__main__":
    main()
