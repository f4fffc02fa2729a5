"""What must hold of a table's files and metadata whatever was done to it, read without tarn: metadata JSON, Avro manifests, Parquet."""

import struct
from pathlib import Path

import fastavro
import pyarrow.parquet as pq

DELETED = 2
ROW_ID = b"2147483540"


def local(path):
    return Path(path.removeprefix("file://"))


def read_avro(path):
    with open(local(path), "rb") as file:
        return list(fastavro.reader(file))


def entries_of(manifest):
    """Live entries with what they inherit (spec "Sequence Number Inheritance", "First Row ID Inheritance")."""
    next_row_id = manifest.get("first_row_id")
    found = []
    for entry in read_avro(manifest["manifest_path"]):
        file = entry["data_file"]
        if entry["status"] == DELETED:
            continue
        if entry.get("sequence_number") is None:
            assert entry["status"] == 1, "only added files inherit"
            entry["sequence_number"] = manifest["sequence_number"]
        if manifest["content"] == 0 and file.get("first_row_id") is None and next_row_id is not None:
            file["first_row_id"] = next_row_id
            next_row_id += file["record_count"]
        found.append(entry)
    return found


def check_vector(file):
    with open(local(file["file_path"]), "rb") as f:
        f.seek(file["content_offset"])
        blob = f.read(file["content_size_in_bytes"])
    length, magic = struct.unpack(">I", blob[:4])[0], blob[4:8]
    assert magic == b"\xd1\xd3\x39\x64" and length + 8 == len(blob)


def check_snapshot(m, snapshot):
    version = m["format-version"]
    manifests = read_avro(snapshot["manifest-list"])
    data, deletes = [], []
    for manifest in manifests:
        assert local(manifest["manifest_path"]).is_file(), manifest["manifest_path"]
        assert local(manifest["manifest_path"]).stat().st_size == manifest["manifest_length"]
        assert manifest["sequence_number"] <= snapshot["sequence-number"]
        live = entries_of(manifest)
        counts = {0: [0, 0], 1: [0, 0], 2: [0, 0]}
        for entry in read_avro(manifest["manifest_path"]):
            counts[entry["status"]][0] += 1
            counts[entry["status"]][1] += entry["data_file"]["record_count"]
        for status, name in ((0, "existing"), (1, "added"), (2, "deleted")):
            assert manifest[f"{name}_files_count"] == counts[status][0], manifest
            assert manifest[f"{name}_rows_count"] == counts[status][1], manifest
        if live:
            assert manifest["min_sequence_number"] == min(e["sequence_number"] for e in live), manifest
        (deletes if manifest["content"] else data).extend(live)
    paths = [e["data_file"]["file_path"] for e in data]
    assert len(set(paths)) == len(paths), "a data file is there twice"
    by_path = {e["data_file"]["file_path"]: e for e in data}
    for entry in data + deletes:
        file = entry["data_file"]
        path = local(file["file_path"])
        assert path.is_file(), path
        assert path.stat().st_size == file["file_size_in_bytes"], path
        assert 0 < entry["sequence_number"] <= snapshot["sequence-number"]
    for entry in data:
        assert pq.read_metadata(local(entry["data_file"]["file_path"])).num_rows == entry["data_file"]["record_count"]
    vectors = [e["data_file"] for e in deletes if e["data_file"]["file_format"].upper() == "PUFFIN"]
    meant = [v["referenced_data_file"] for v in vectors]
    assert len(set(meant)) == len(meant), "two deletion vectors for one file"
    for vector in vectors:
        assert version >= 3
        check_vector(vector)
        assert vector["referenced_data_file"] in by_path, "a deletion vector of a file that is gone"
        assert 0 < vector["record_count"] < by_path[vector["referenced_data_file"]]["data_file"]["record_count"]
    for entry in deletes:
        file = entry["data_file"]
        target = file.get("referenced_data_file")
        if file["content"] == 1 and target in by_path:
            assert by_path[target]["sequence_number"] <= entry["sequence_number"]
    check_summary(snapshot, data, deletes)
    if version >= 3:
        check_rows(data, m, unique=not deletes)  # a row that is marked as deleted may live on elsewhere


def check_summary(snapshot, data, deletes):
    counted = {
        "total-records": sum(e["data_file"]["record_count"] for e in data),
        "total-data-files": len(data),
        "total-delete-files": len(deletes),
        "total-position-deletes": sum(e["data_file"]["record_count"] for e in deletes if e["data_file"]["content"] == 1),
        "total-equality-deletes": sum(e["data_file"]["record_count"] for e in deletes if e["data_file"]["content"] == 2),
        "total-files-size": sum(e["data_file"].get("content_size_in_bytes") or e["data_file"]["file_size_in_bytes"] for e in data + deletes),
    }
    said = {key: int(snapshot["summary"][key]) for key in counted if key in snapshot["summary"]}
    assert said == {key: counted[key] for key in said}, snapshot["summary"]


def check_rows(data, m, unique):
    """No row id twice in a snapshot, none at or above next-row-id; ids that files hold and ids that rows inherit."""
    ids = []
    for entry in data:
        file = entry["data_file"]
        parquet = pq.ParquetFile(local(file["file_path"]))
        held = None
        for i, field in enumerate(parquet.schema_arrow):
            if (field.metadata or {}).get(b"PARQUET:field_id") == ROW_ID:
                held = parquet.read(columns=[field.name]).column(0).to_pylist()
        first = file.get("first_row_id")
        if first is None:
            assert held is None or all(i is not None for i in held)
            if held is None:
                continue  # of a time before version 3
            own = held
        else:
            own = [first + i if held is None or held[i] is None else held[i] for i in range(file["record_count"])]
        ids.extend(own)
    assert not ids or max(ids) < m["next-row-id"], (max(ids), m["next-row-id"])
    assert not unique or len(set(ids)) == len(ids), "a row id is there twice"


def check_table(project, table):
    m = project.metadata(table)
    refs = {r["snapshot-id"] for r in m.get("refs", {}).values()}
    sequences = [s["sequence-number"] for s in m["snapshots"]]
    assert len(set(sequences)) == len(sequences)
    assert max(sequences, default=0) <= m["last-sequence-number"]
    for entry in m.get("metadata-log", []):
        assert local(entry["metadata-file"]).is_file()
    ranges = []
    for snapshot in m["snapshots"]:
        if "first-row-id" in snapshot:
            ranges.append((snapshot["first-row-id"], snapshot["first-row-id"] + snapshot["added-rows"]))
        if snapshot["snapshot-id"] in refs or snapshot["snapshot-id"] == m.get("current-snapshot-id"):
            check_snapshot(m, snapshot)
    ranges.sort()
    assert all(a[1] <= b[0] for a, b in zip(ranges, ranges[1:])), "snapshots share row ids"
    assert all(end <= m["next-row-id"] for _, end in ranges)
