"""fastavro and PyIceberg read what the manifest writer's unit test wrote into $TARN_TEST_OUT."""

import datetime as dt
import os
import subprocess
import uuid
from decimal import Decimal
from pathlib import Path

import fastavro
import pytest
from harness import ROOT, program
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import DataFileContent, ManifestContent, ManifestFile, read_manifest_list

TUPLE = [
    True,
    -(2**31),
    2**63 - 1,
    1.5,
    -2.25,
    Decimal("-1234567.89"),
    Decimal("-9999999999999999999999999999.9999999999"),
    dt.date(1969, 12, 31),
    dt.time(23, 59, 59, 999999),
    dt.datetime(2017, 11, 16, 22, 31, 8, 123456, dt.timezone.utc),
    dt.datetime(1969, 12, 31, 23, 59, 59, 999999, dt.timezone.utc),
    "grüß, 😎",
    uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7").bytes,
    bytes.fromhex("0001feff80"),
    b"",
    dt.date(2017, 11, 16),
    419806,
    -1,
    -1,
    15,
    "grüß",
    Decimal("-1234568.00"),
    None,
    Decimal("1234567.89"),
]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    test = Path(os.environ.get("TARN_TEST_MANIFEST") or Path(program()).parent / "tests/test_format_manifest")
    if not test.exists():
        pytest.skip(f"{test} is not built")
    folder = tmp_path_factory.mktemp("manifests")
    done = subprocess.run([test], cwd=ROOT, env={**os.environ, "TARN_TEST_OUT": str(folder)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def rows(path):
    with open(path, "rb") as f:
        return list(fastavro.reader(f))


def entries(path, content):
    manifest = ManifestFile.from_args(
        manifest_path=str(path),
        manifest_length=path.stat().st_size,
        partition_spec_id=1,
        content=content,
        sequence_number=10,
        min_sequence_number=10,
        added_snapshot_id=42,
        partitions=[],
        key_metadata=None,
    )
    return manifest.fetch_manifest_entry(PyArrowFileIO(), discard_deleted=False)


def test_fastavro_reads_every_partition_type(written):
    found = rows(written / "partitioned.avro")
    assert len(found) == 4
    assert list(found[0]["data_file"]["partition"].values()) == TUPLE
    assert set(found[1]["data_file"]["partition"].values()) == {None}
    assert found[0]["snapshot_id"] == 7126312345678901234
    assert found[0]["sequence_number"] is None
    assert found[0]["data_file"]["column_sizes"] == [{"key": 1, "value": 100}, {"key": 2, "value": 2**63 - 1}]
    assert found[0]["data_file"]["lower_bounds"] == [{"key": 1, "value": b"\0"}, {"key": 12, "value": b""}]
    assert found[3]["data_file"]["key_metadata"] == b"key"
    assert found[3]["data_file"]["sort_order_id"] is None


def test_pyiceberg_reads_every_partition_type(written):
    found = entries(written / "partitioned.avro", ManifestContent.DATA)
    assert len(found) == 4
    first = found[0].data_file
    assert [first.partition[i] for i in (0, 1, 2, 3, 5, 6, 11)] == [TUPLE[i] for i in (0, 1, 2, 3, 5, 6, 11)]
    assert first.partition[12] == uuid.UUID("f79c3e09-677c-4bbd-a479-3f349cb785e7")
    assert first.partition[15] == (dt.date(2017, 11, 16) - dt.date(1970, 1, 1)).days
    assert first.file_path == "s3://b/first.parquet"
    assert first.value_counts == {1: 10, 2: 10}
    assert first.split_offsets == [4, 4096]
    assert found[0].sequence_number == 10


def test_pyiceberg_reads_deletes(written):
    found = entries(written / "deletes.avro", ManifestContent.DELETES)
    assert [e.data_file.content for e in found] == [DataFileContent.POSITION_DELETES, DataFileContent.EQUALITY_DELETES]
    assert found[1].data_file.equality_ids == [2, 12]


def test_both_read_the_list(written):
    found = rows(written / "list.avro")
    assert [r["manifest_path"] for r in found] == ["s3://b/m1.avro", "s3://b/m2.avro", "s3://b/m3.avro"]
    assert [r["sequence_number"] for r in found] == [3, 3, 10]
    manifests = list(read_manifest_list(PyArrowFileIO().new_input(str(written / "list.avro"))))
    assert [m.content for m in manifests] == [ManifestContent.DATA, ManifestContent.DELETES, ManifestContent.DELETES]
    assert manifests[0].added_rows_count == 2**40
    assert manifests[0].partitions[0].contains_nan and manifests[0].partitions[0].upper_bound == b"zz"
    assert manifests[2].min_sequence_number == 10
