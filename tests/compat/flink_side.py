"""Flink over a warehouse's own catalog file: helpers of the Flink tests.

An embedded Flink runs in one Java process, each statement as a job in a cluster of its own, told what to do over Py4J. Its jars are in
TARN_FLINK_JARS (scripts/setup compat); Hadoop's client, the logging and Py4J's gateway are those of PySpark.
"""

import datetime as dt
import glob
import os
import subprocess
import sys
from pathlib import Path

import pytest
from spark_side import jars as spark_jars
from spark_side import plain

OF_PYSPARK = ["hadoop-client-api", "hadoop-client-runtime", "log4j-api", "log4j-core", "log4j-slf4j2-impl", "slf4j-api", "jcl-over-slf4j", "py4j"]
OPENED = ["lang", "lang.reflect", "math", "io", "net", "nio", "text", "time", "util", "util.concurrent", "util.concurrent.atomic", "util.concurrent.locks"]
SETTINGS = {
    "execution.checkpointing.interval": "1s",
    "parallelism.default": "1",
    "rest.bind-address": "127.0.0.1",
    "restart-strategy.type": "none",
    "table.exec.iceberg.infer-source-parallelism": "false",
    "table.local-time-zone": "UTC",
    "taskmanager.memory.managed.size": "64m",
    "taskmanager.memory.network.max": "32m",
    "taskmanager.memory.network.min": "32m",
}


def classpath():
    import pyspark

    folder = os.environ.get("TARN_FLINK_JARS")
    if not folder or not os.path.isdir(folder):
        pytest.skip("TARN_FLINK_JARS names no folder: scripts/setup compat")
    shared = Path(pyspark.__file__).parent / "jars"
    found = [path for name in OF_PYSPARK for path in glob.glob(f"{shared}/{name}-*.jar")]
    sqlite = [path for path in spark_jars().split(",") if "sqlite-jdbc" in path]
    return ":".join(sorted(glob.glob(f"{folder}/*.jar")) + sqlite + found)


class Flink:
    """One Java process; `over` points its catalog `iceberg` at a warehouse."""

    def __init__(self):
        from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

        options = [f"--add-opens=java.base/java.{package}=ALL-UNNAMED" for package in OPENED]
        options += ["--add-opens=java.base/sun.nio.ch=ALL-UNNAMED", "--add-exports=java.base/sun.net.util=ALL-UNNAMED"]
        options += ["-Xmx1g", "-Duser.timezone=UTC", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        home = os.environ.get("JAVA_HOME")
        port, self.process = launch_gateway(
            classpath=classpath(), javaopts=options, die_on_exit=True, java_path=f"{home}/bin/java" if home else "java",
            redirect_stderr=subprocess.DEVNULL, return_proc=True,
        )
        self.gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auto_convert=True))
        api = self.gateway.jvm.org.apache.flink.table.api
        made = api.EnvironmentSettings.newInstance()
        self.streaming = api.TableEnvironment.create(made.inStreamingMode().build())
        self.batch = api.TableEnvironment.create(api.EnvironmentSettings.newInstance().inBatchMode().build())
        for environment in (self.streaming, self.batch):
            for key, value in SETTINGS.items():
                environment.getConfig().set(key, value)

    def over(self, warehouse):
        for environment in (self.streaming, self.batch):
            environment.executeSql("use catalog default_catalog")
            environment.executeSql("drop catalog if exists iceberg")
            environment.executeSql(
                "create catalog iceberg with ('type' = 'iceberg', 'catalog-impl' = 'org.apache.iceberg.jdbc.JdbcCatalog', "
                f"'uri' = 'jdbc:sqlite:{warehouse}/catalog.db', 'jdbc.schema-version' = 'V1', 'warehouse' = '{warehouse}', 'cache-enabled' = 'false')"
            )
            environment.executeSql("use catalog iceberg")
        return self

    def sql(self, *statements, batch=False):
        """Statements that change something; an INSERT ends with its commit."""
        for statement in statements:
            job = (self.batch if batch else self.streaming).executeSql(statement).getJobClient()
            if job.isPresent():
                job.get().getJobExecutionResult().get()

    def rows(self, query, batch=True):
        """(names, rows) of a query, as values that spark_side.plain knows."""
        result = (self.batch if batch else self.streaming).executeSql(query)
        names = list(result.getResolvedSchema().getColumnNames())
        found, rows = result.collect(), []
        while found.hasNext():
            row = found.next()
            rows.append([value_of(row.getField(i)) for i in range(len(names))])
        found.close()
        return names, rows

    def stop(self):
        self.gateway.shutdown()
        self.process.stdin.close()
        self.process.wait(timeout=60)


def value_of(value):
    from py4j.java_collections import JavaArray, JavaMap
    from py4j.java_gateway import JavaObject

    if isinstance(value, JavaArray):
        return [value_of(v) for v in value]
    if isinstance(value, JavaMap):
        return [{"key": value_of(k), "value": value_of(v)} for k, v in value.items()]
    if not isinstance(value, JavaObject):
        return value
    kind = value.getClass().getSimpleName()
    if kind == "Row":
        return {name: value_of(value.getField(name)) for name in value.getFieldNames(True)}
    text = value.toString()
    if kind in ("LocalDateTime", "Instant"):
        text = text.removesuffix("Z")
        return text if len(text) > len("2000-01-01T00:00:00.000000") else dt.datetime.fromisoformat(text).replace(tzinfo=dt.timezone.utc)
    if kind == "LocalTime":
        return dt.time.fromisoformat(text).isoformat()
    return text


def theirs(flink, table, options=""):
    names, rows = flink.rows(f"select * from {quoted(table)} {options}")
    return names, sorted(([plain(v) for v in row] for row in rows), key=repr)


def quoted(table):
    return ".".join(f"`{part}`" for part in table.split("."))
