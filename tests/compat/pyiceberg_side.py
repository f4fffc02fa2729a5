"""What PyIceberg says about a table, in the words of tarn's JSON: helpers of test_pyiceberg.py.

Both sides are turned into plain Python values by the Iceberg type of the column, so that an exact comparison needs no
allowance: decimals are Decimal, times are integers of microseconds, floats are compared by their bits (NaN equals NaN).
"""

import base64
import datetime as dt
import json
import math
import struct
import uuid
from decimal import Decimal

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.conversions import from_bytes
from pyiceberg.types import (
    BinaryType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    ListType,
    MapType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc)


def catalog(warehouse, name="iceberg"):
    return SqlCatalog(name, uri=f"sqlite:///{warehouse}/catalog.db", warehouse=f"file://{warehouse}")


def tables(cat):
    return sorted(".".join(name) for ns in cat.list_namespaces() for name in cat.list_tables(ns))


def micros(value):
    if value.tzinfo is None:
        value = value.replace(tzinfo=dt.timezone.utc)
    delta = value - EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def time_micros(value):
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def bits(value):
    value = float(value)
    return "NaN" if math.isnan(value) else struct.pack(">d", value)


def parse_timestamp(text):
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00").replace(" ", "T"))


def plain(kind, value, ours):
    """A value of Iceberg type `kind`, as tarn's JSON (`ours`) or PyIceberg's Arrow gives it."""
    if value is None:
        return None
    if isinstance(kind, StructType):
        return {f.name: plain(f.field_type, value[f.name], ours) for f in kind.fields}
    if isinstance(kind, ListType):
        return [plain(kind.element_type, v, ours) for v in value]
    if isinstance(kind, MapType):
        if not ours:
            pairs = value.items() if isinstance(value, dict) else value
        elif isinstance(value, dict):
            pairs = value.items()
        else:
            pairs = [(pair["key"], pair["value"]) for pair in value]
        return sorted((plain(kind.key_type, k, ours), plain(kind.value_type, v, ours)) for k, v in pairs)
    if isinstance(kind, (FloatType, DoubleType)):
        return bits(value)
    if isinstance(kind, DecimalType):
        return Decimal(str(value)) if ours else value
    if isinstance(kind, DateType):
        return dt.date.fromisoformat(value) if ours else value
    if isinstance(kind, TimeType):
        return time_micros(dt.time.fromisoformat(value) if ours else value)
    if isinstance(kind, (TimestampType, TimestamptzType)):
        return micros(parse_timestamp(value) if ours else value)
    if isinstance(kind, UUIDType):
        return uuid.UUID(value) if ours else (value if isinstance(value, uuid.UUID) else uuid.UUID(bytes=value))
    if isinstance(kind, (BinaryType, FixedType)):
        return base64.b64decode(value) if ours else bytes(value)
    return value


def ours(project, table, schema, *args):
    """Rows of `tarn sql --format json`."""
    found = json.loads(project("sql", "--format", "json", *args, f"select * from {table}").out, parse_float=Decimal)
    names = [c["name"] for c in found["columns"]]
    assert names == [f.name for f in schema.fields]
    rows = []
    for row in found["rows"]:
        values = row if isinstance(row, list) else [row[n] for n in names]
        rows.append({f.name: plain(f.field_type, v, True) for f, v in zip(schema.fields, values)})
    return sorted(rows, key=repr)


def theirs(table):
    """Rows of PyIceberg's own scan."""
    schema = table.schema()
    return sorted(
        ({f.name: plain(f.field_type, row[f.name], False) for f in schema.fields} for row in table.scan().to_arrow().to_pylist()),
        key=repr,
    )


def bounds(table):
    """path -> {column: (lower, upper)} of the current data files, decoded by PyIceberg."""
    schema = table.schema()
    found = {}
    for task in table.scan().plan_files():
        file, of = task.file, {}
        for field_id in set(file.lower_bounds or {}) & set(file.upper_bounds or {}):
            field = schema.find_field(field_id)
            low, high = (from_bytes(field.field_type, side[field_id]) for side in (file.lower_bounds, file.upper_bounds))
            of[schema.find_column_name(field_id)] = (field.field_type, low, high)
        found[file.file_path] = of
    return found
