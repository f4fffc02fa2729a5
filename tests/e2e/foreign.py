"""Commits as other writers make them that tarn itself never makes: equality deletes, without a library of Iceberg's."""

import contextlib
import json
import sqlite3
import time
import uuid

import fastavro
import pyarrow as pa
import pyarrow.parquet as pq

from table_check import local


def rewrite_avro(source, target, records, **metadata):
    with open(local(source), "rb") as file:
        reader = fastavro.reader(file)
        schema, kept = reader.writer_schema, {k: v for k, v in reader.metadata.items() if not k.startswith(("avro.", "tarn."))}
    with open(target, "wb") as file:
        fastavro.writer(file, fastavro.parse_schema(schema), records, metadata={**kept, **metadata})


def add_equality_deletes(project, table, columns, rows):
    """columns: [(name, field id, arrow type)] of a table without partitions that has rows; one commit onto main."""
    location = project.pointers()[table]
    m = json.loads(local(location).read_text())
    parent = next(s for s in m["snapshots"] if s["snapshot-id"] == m["current-snapshot-id"])
    folder = local(m["location"])
    name = uuid.uuid4().hex
    path = folder / "data" / f"eq-{name}.parquet"
    fields = [pa.field(n, t, metadata={"PARQUET:field_id": str(i)}) for n, i, t in columns]
    pq.write_table(pa.table({f.name: [row[i] for row in rows] for i, f in enumerate(fields)}, schema=pa.schema(fields)), path)

    with open(local(parent["manifest-list"]), "rb") as file:
        manifests = list(fastavro.reader(file))
    data = next(f for f in manifests if f["content"] == 0)
    with open(local(data["manifest_path"]), "rb") as file:
        entry = next(iter(fastavro.reader(file)))
    snapshot_id = uuid.uuid4().int >> 66
    sequence = m["last-sequence-number"] + 1
    deletes = {k: None for k in entry["data_file"]}
    deletes.update(content=2, file_path=str(path), file_format="PARQUET", partition=entry["data_file"]["partition"])
    deletes.update(record_count=len(rows), file_size_in_bytes=path.stat().st_size, equality_ids=[i for _, i, _ in columns])
    manifest = folder / "metadata" / f"{name}-m0.avro"
    added = {**entry, "status": 1, "snapshot_id": snapshot_id, "sequence_number": None, "file_sequence_number": None, "data_file": deletes}
    rewrite_avro(data["manifest_path"], manifest, [added], content="deletes")
    listed = {**data, "manifest_path": str(manifest), "manifest_length": manifest.stat().st_size, "content": 1}
    listed.update(sequence_number=sequence, min_sequence_number=sequence, added_snapshot_id=snapshot_id)
    for what in ("existing", "deleted", "added"):
        listed.update({f"{what}_files_count": int(what == "added"), f"{what}_rows_count": len(rows) * (what == "added")})
    if "first_row_id" in listed:
        listed["first_row_id"] = None
    manifest_list = folder / "metadata" / f"snap-{snapshot_id}-{name}.avro"
    rewrite_avro(parent["manifest-list"], manifest_list, manifests + [listed])

    summary = {k: v for k, v in parent["summary"].items() if k.startswith("total-")} | {"operation": "delete"}
    summary["total-delete-files"] = str(int(summary["total-delete-files"]) + 1)
    summary["total-equality-deletes"] = str(int(summary["total-equality-deletes"]) + len(rows))
    summary["total-files-size"] = str(int(summary["total-files-size"]) + path.stat().st_size)
    now = max(int(time.time() * 1000), m["last-updated-ms"] + 1)
    snapshot = {**parent, "snapshot-id": snapshot_id, "parent-snapshot-id": parent["snapshot-id"], "sequence-number": sequence}
    snapshot.update({"timestamp-ms": now, "manifest-list": str(manifest_list), "summary": summary})
    if "next-row-id" in m:
        snapshot.update({"first-row-id": m["next-row-id"], "added-rows": 0})
    m["snapshots"].append(snapshot)
    m.update({"last-sequence-number": sequence, "last-updated-ms": now, "current-snapshot-id": snapshot_id})
    m.setdefault("refs", {})["main"] = {"snapshot-id": snapshot_id, "type": "branch"}
    m.setdefault("snapshot-log", []).append({"timestamp-ms": now, "snapshot-id": snapshot_id})
    written = folder / "metadata" / f"99999-{name}.metadata.json"
    written.write_text(json.dumps(m))
    namespace, short = table.split(".")
    with contextlib.closing(sqlite3.connect(project.warehouse / "catalog.db")) as db:
        with db:
            db.execute(
                "update iceberg_tables set previous_metadata_location = metadata_location, metadata_location = ? where table_namespace = ? and table_name = ?",
                (str(written), namespace, short),
            )
