"""Fixtures of the compatibility tests; see ../e2e/harness.py."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness import Lake, accounting, closed, sales, small  # noqa: E402, F401


@pytest.fixture(scope="session")
def spark():
    """Only where pyspark is installed: test_spark*.py and test_flink.py."""
    from spark_side import start

    session = start()
    yield session
    session.stop()


@pytest.fixture
def lake(tmp_path, spark):
    """(a warehouse with the namespace raw, Spark over it as the catalog `iceberg`)"""
    from spark_side import attach

    project = Lake(tmp_path)
    project.sql("create namespace raw")
    manager = spark._jsparkSession.sessionState().catalogManager()
    manager.reset()
    attach(spark, project.warehouse, "iceberg")
    yield project, spark
    manager.reset()
