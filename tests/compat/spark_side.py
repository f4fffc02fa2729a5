"""A Spark session over a warehouse's own catalog file, and values in the words of tarn's JSON: helpers of the Spark tests.

Spark opens catalog.db through Iceberg's JdbcCatalog and SQLite's JDBC driver; TARN_SPARK_JARS lists the jars (scripts/setup spark).
"""

import base64
import datetime as dt
import json
import math
import os
import re
import tempfile
from decimal import Context, Decimal
from pathlib import Path

import pytest

JARS = [p for p in re.split("[,:]", os.environ.get("TARN_SPARK_JARS", "")) if p]
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)?")
WIDE = Context(prec=60)  # Python's own would round to 28 digits
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def jars():
    found = JARS + [str(p) for jar in JARS[:1] for p in Path(jar).parent.glob("sqlite-jdbc-*.jar") if str(p) not in JARS]
    if not any("iceberg-spark-runtime" in p for p in found):
        pytest.skip("TARN_SPARK_JARS does not name the Iceberg runtime: scripts/setup spark")
    if not any("sqlite-jdbc" in p for p in found):
        pytest.skip("SQLite's JDBC driver is not among TARN_SPARK_JARS")
    return ",".join(found)


def start():
    from pyspark.sql import SparkSession

    os.environ["TZ"] = "UTC"
    builder = SparkSession.builder.master("local[2]")
    for key, value in {
        "spark.jars": jars(),
        "spark.driver.memory": "1g",
        "spark.ui.enabled": "false",
        "spark.sql.warehouse.dir": tempfile.mkdtemp(prefix="spark-"),
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.session.timeZone": "UTC",
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    }.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    return session


def attach(session, warehouse, alias):
    """The warehouse's catalog as `alias`, which is also the name that its tables go by in the file."""
    base = f"spark.sql.catalog.{alias}"
    for key, value in {
        "": "org.apache.iceberg.spark.SparkCatalog",
        ".catalog-impl": "org.apache.iceberg.jdbc.JdbcCatalog",
        ".uri": f"jdbc:sqlite:{warehouse}/catalog.db",
        ".jdbc.schema-version": "V1",
        ".warehouse": str(warehouse),
        ".cache-enabled": "false",
    }.items():
        session.conf.set(base + key, value)
    return alias


def number(value):
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return WIDE.normalize(Decimal(repr(value)))
    return WIDE.normalize(Decimal(value))


def micros(value):
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone.utc)
    delta = value - EPOCH
    return ("micros", (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds)


def plain(value):
    """A value of either side: numbers as Decimal, moments as microseconds, bytes as base64."""
    from pyspark.sql import Row

    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return number(value)
    if isinstance(value, dt.datetime):
        return micros(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, Row):
        return plain(value.asDict())
    if isinstance(value, dict):
        if set(value) == {"key", "value"}:
            return (plain(value["key"]), plain(value["value"]))
        return sorted((k, plain(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        done = [plain(v) for v in value]
        return sorted(done, key=repr) if done and all(isinstance(v, tuple) and len(v) == 2 for v in done) else done
    if isinstance(value, str) and MOMENT.fullmatch(value):
        return micros(dt.datetime.fromisoformat(value.replace("Z", "+00:00").replace(" ", "T")))
    return value


def ours(project, table, *args):
    found = json.loads(project("sql", "--format", "json", *args, f"select * from {table}").out, parse_float=Decimal)
    names = [c["name"] for c in found["columns"]]
    rows = [row if isinstance(row, list) else [row[n] for n in names] for row in found["rows"]]
    return names, sorted(([plain(v) for v in row] for row in rows), key=repr)


def theirs(session, table):
    frame = session.table(table)
    return frame.columns, sorted(([plain(v) for v in row] for row in frame.collect()), key=repr)
