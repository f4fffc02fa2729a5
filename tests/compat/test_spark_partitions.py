"""Partition values of awkward values: Spark puts a copy of every row where Tarn put the row, and each finds both."""

import pytest
from random_sql import PARTITIONS, VALUES

TYPES = {"varchar": "string", "blob": "binary"}
KINDS = [kind for kind in PARTITIONS if kind != "time"]  # which Spark has not


@pytest.mark.parametrize("kind", KINDS)
def test_rows_lie_in_the_same_partitions(lake, kind):
    project, spark = lake
    values = VALUES[kind] + ["NULL"]
    for number, transform in enumerate(PARTITIONS[kind]):
        table = f"raw.p{number}"
        rows = ", ".join(f"({u}, {value})" for u, value in enumerate(values))
        project.sql(
            f"CREATE TABLE {table} (u int, c {TYPES.get(kind, kind)}) PARTITIONED BY ({transform.format('c')})",
            f"INSERT INTO {table} VALUES {rows}",
        )
        spark.sql(f"insert into iceberg.{table} select u + 1000, c from iceberg.{table}")
        spread = {row.u: str(row[1]) for row in spark.sql(f"select u, _partition from iceberg.{table}").collect()}
        assert len(spread) == 2 * len(values)
        wrong = [(values[u], transform, spread[u], spread[u + 1000]) for u in range(len(values)) if spread[u] != spread[u + 1000]]
        assert not wrong, wrong
        for u, value in enumerate(values[:-1]):
            found = project.rows(f"SELECT count(*) FILTER (u < 1000), count(*) FILTER (u >= 1000), count(*) FILTER (u % 1000 = {u}) FROM {table} WHERE c = {value}")
            assert found[0][0] == found[0][1] and found[0][2] == "2", (transform, value, found)
        wanted = {row.u for row in spark.sql(f"select u from iceberg.{table} where c is not null").collect()}
        assert len(wanted) == 2 * len(values) - 2
