"""PyIceberg and tarn on the same tables, both ways."""

import datetime as dt
import json
import uuid
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import (
    BucketTransform,
    DayTransform,
    HourTransform,
    IdentityTransform,
    MonthTransform,
    TruncateTransform,
    YearTransform,
)
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    FixedType,
    FloatType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    StructType,
    TimestampType,
    TimestamptzType,
    TimeType,
    UUIDType,
)

from harness import Project, small_project
from pyiceberg_side import bounds, catalog, ours, plain, tables, theirs

UTC = dt.timezone.utc


# ---------------------------------------------------------------------------------------------- they read ours


@pytest.fixture(scope="module", params=["accounting", "sales-analysis"])
def example(request, tmp_path_factory):
    from harness import copy_example

    project = copy_example(request.param, tmp_path_factory.mktemp("e"))
    project("run")
    return project


def test_every_table_reads_the_same(example):
    cat = catalog(example.warehouse)
    names = tables(cat)
    assert names == example.tables() and len(names) > 8
    for name in names:
        table = cat.load_table(name)
        assert ours(example, name, table.schema()) == theirs(table), name


def test_types_and_nulls(closed):
    schema = catalog(closed.warehouse).load_table("raw.fq_app_journal_entries").schema()
    assert schema.find_type("lines.element.debit") == DecimalType(18, 2)
    assert schema.find_type("ingest_ts") == TimestamptzType()
    assert schema.find_type("posted_at") == TimestamptzType()
    assert schema.find_type("date") == StringType()
    assert schema.find_type("_source_offset") == LongType()
    assert not any(field.required for field in schema.fields)
    silver = catalog(closed.warehouse).load_table("curated.fq_app_journal_entries_silver")
    rows = silver.scan(row_filter="account_id = '2999'").to_arrow().to_pylist()
    assert [(r["account_name"], r["account_type"], r["debit"]) for r in rows] == [(None, None, Decimal("320.75"))]


def test_data_files_hold_the_schema_s_field_ids(example):
    cat = catalog(example.warehouse)

    def check(field, arrow_field):
        assert arrow_field.metadata[b"PARQUET:field_id"] == str(field.field_id).encode(), field
        kind, arrow = field.field_type, arrow_field.type
        if isinstance(kind, StructType):
            assert [f.name for f in kind.fields] == [arrow.field(i).name for i in range(arrow.num_fields)]
            for inner in kind.fields:
                check(inner, arrow.field(inner.name))
        elif isinstance(kind, ListType):
            check(kind.element_field, arrow.value_field)

    for name in tables(cat):
        table = cat.load_table(name)
        for task in table.scan().plan_files():
            schema = pq.read_schema(task.file.file_path.removeprefix("file://"))
            for field in table.schema().fields:
                if field.name in schema.names:
                    check(field, schema.field(field.name))


def test_partition_values_are_those_of_the_rows(closed):
    cat = catalog(closed.warehouse)
    for name in ("raw.fq_app_journal_entries", "raw.ecommerce_db_orders", "curated.fq_app_journal_entries_silver", "curated.sales_summary"):
        table = cat.load_table(name)
        (field,) = table.spec().fields
        source = table.schema().find_field(field.source_id)
        transform = field.transform.transform(source.field_type)
        to_internal = {DateType: lambda d: (d - dt.date(1970, 1, 1)).days}.get(
            type(source.field_type), lambda t: plain(source.field_type, t, False)
        )
        files = list(table.scan().plan_files())
        assert files
        for task in files:
            rows = pq.read_table(task.file.file_path.removeprefix("file://"), columns=[source.name])[source.name].to_pylist()
            assert {transform(to_internal(v)) for v in rows} == {to_day(task.file.partition[0])}, name


def to_day(value):
    return (value - dt.date(1970, 1, 1)).days if isinstance(value, dt.date) else value


def test_bounds_and_counts_are_those_of_the_rows(example):
    cat = catalog(example.warehouse)
    seen = 0
    for name in tables(cat):
        table = cat.load_table(name)
        by_path = bounds(table)
        for task in table.scan().plan_files():
            rows = pq.read_table(task.file.file_path.removeprefix("file://"))
            assert task.file.record_count == rows.num_rows
            assert task.file.file_size_in_bytes == Path(task.file.file_path.removeprefix("file://")).stat().st_size
            for field in table.schema().fields:
                if field.field_id in (task.file.null_value_counts or {}):
                    assert task.file.null_value_counts[field.field_id] == rows[field.name].null_count, (name, field.name)
                if field.name in by_path[task.file.file_path]:
                    kind, low, high = by_path[task.file.file_path][field.name]
                    values = [internal(kind, v) for v in rows[field.name].to_pylist() if v is not None]
                    assert values and low <= min(values) and (high >= max(values) or longer(kind, high, max(values))), (name, field.name)
                    seen += 1
    assert seen > 30


def longer(kind, high, value):
    """Upper bounds of texts are cut to 16 characters and raised in the last one: never below the value."""
    return isinstance(kind, (StringType, BinaryType)) and high[:16] >= value[:16]


def internal(kind, value):
    if isinstance(kind, DateType):
        return (value - dt.date(1970, 1, 1)).days
    if isinstance(kind, (TimestampType, TimestamptzType, TimeType)):
        return plain(kind, value, False)
    return value


def test_scans_with_filters_agree(closed):
    """Pruning by partition and bounds on both sides gives the same rows."""
    table = catalog(closed.warehouse).load_table("curated.fq_app_journal_entries_silver")
    for theirs_text, ours_text in [
        ("entry_date >= '2025-06-02'", "entry_date >= '2025-06-02'"),
        ("entry_date < '2025-01-01'", "entry_date < '2025-01-01'"),
        ("account_id = '1000'", "account_id = '1000'"),
        ("account_name is null", "account_name is null"),
        ("debit > 299.50", "debit > 299.50"),
    ]:
        expected = table.scan(row_filter=theirs_text).to_arrow().num_rows
        assert closed.one(f"select count(*) from {'.'.join(table.name())} where {ours_text}") == str(expected), theirs_text


def test_time_travel_and_summaries(closed):
    closed.arrive()
    closed("run")
    table = catalog(closed.warehouse).load_table("raw.fq_app_journal_entries")
    assert len(table.history()) == 2
    first, last = table.history()[0].snapshot_id, table.current_snapshot()
    assert table.scan(snapshot_id=first).to_arrow().num_rows == 5
    assert table.scan().to_arrow().num_rows == 6
    assert last.summary.operation.value == "append"
    assert last.summary["total-records"] == "6" and last.summary["added-records"] == "1"
    assert last.sequence_number == 2


def test_deleted_rows_are_gone_for_pyiceberg_too(closed):
    closed.arrive()
    closed("run")
    table = catalog(closed.warehouse).load_table("curated.fq_app_journal_entries_silver")
    rows = {(r["entry_id"], r["account_id"]): r["debit"] for r in table.scan().to_arrow().to_pylist()}
    assert ("JE1002", "5000") not in rows and rows["JE1002", "5100"] == Decimal("1275.50") and len(rows) == 8


# ---------------------------------------------------------------------------------------------- we read theirs


EVERY_TYPE = Schema(
    NestedField(1, "boolean", BooleanType(), required=False),
    NestedField(2, "int", IntegerType(), required=False),
    NestedField(3, "long", LongType(), required=False),
    NestedField(4, "float", FloatType(), required=False),
    NestedField(5, "double", DoubleType(), required=False),
    NestedField(6, "decimal9", DecimalType(9, 2), required=False),
    NestedField(7, "decimal18", DecimalType(18, 4), required=False),
    NestedField(8, "decimal38", DecimalType(38, 10), required=False),
    NestedField(9, "date", DateType(), required=False),
    NestedField(10, "time", TimeType(), required=False),
    NestedField(11, "timestamp", TimestampType(), required=False),
    NestedField(12, "timestamptz", TimestamptzType(), required=False),
    NestedField(13, "string", StringType(), required=False),
    NestedField(14, "uuid", UUIDType(), required=False),
    NestedField(15, "fixed", FixedType(4), required=False),
    NestedField(16, "binary", BinaryType(), required=False),
    NestedField(
        17,
        "struct",
        StructType(NestedField(18, "a", LongType(), required=False), NestedField(19, "b", StringType(), required=False)),
        required=False,
    ),
    NestedField(20, "list", ListType(21, DecimalType(18, 2), element_required=False), required=False),
    NestedField(22, "map", MapType(23, StringType(), 24, LongType(), value_required=False), required=False),
    NestedField(
        25,
        "deep",
        ListType(26, StructType(NestedField(27, "x", ListType(28, IntegerType(), element_required=False), required=False)), False),
        required=False,
    ),
)
NAMES = [f.name for f in EVERY_TYPE.fields]
ROWS = [
    (
        True, 2**31 - 1, 2**63 - 1, 1.5, 0.1, Decimal("9999999.99"), Decimal("-0.0001"), Decimal("1234567890123456789012345678.0123456789"),
        dt.date(2024, 2, 29), dt.time(23, 59, 59, 999999), dt.datetime(2024, 2, 29, 12, 34, 56, 789012),
        dt.datetime(2024, 2, 29, 12, 34, 56, 789012, UTC), "naïve 漢字 🧾", uuid.UUID(int=2**127 + 5).bytes, b"\x00\xff\x01\x7f", b"",
        {"a": 1, "b": None}, [Decimal("1.00"), None, Decimal("-2.50")], [("k", 1), ("n", None)], [{"x": [1, None]}, {"x": []}],
    ),
    (
        False, -(2**31), -(2**63), float("inf"), -0.0, Decimal("-9999999.99"), Decimal("0"), Decimal("-0.0000000001"),
        dt.date(1, 1, 1), dt.time(0), dt.datetime(1969, 12, 31, 23, 59, 59, 999999), dt.datetime(1900, 1, 1, 0, 0, 0, 1, UTC),
        "", uuid.UUID(int=0).bytes, b"abcd", bytes(range(256)), {"a": None, "b": ""}, [], [], [],
    ),
    (
        None, 0, 2**53 + 1, float("nan"), 5e-324, Decimal("0.01"), None, None, dt.date(9999, 12, 31), None, dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
        dt.datetime(1970, 1, 1, tzinfo=UTC), 'q"uote\nline\ttab', None, None, b"\x00", None, None, None, [None, {"x": None}],
    ),
    (None,) * len(NAMES),
]


def arrow(schema, rows):
    columns = {f.name: [row[i] for row in rows] for i, f in enumerate(schema.fields)}
    return pa.table(columns, schema=schema.as_arrow())  # the table's own schema: PyIceberg numbers nested fields anew


@pytest.fixture
def lake(tmp_path):
    """A warehouse that PyIceberg makes, and tarn outside of any project."""
    folder = tmp_path / "lake"
    folder.mkdir()
    cat = catalog(folder)
    cat.create_namespace("raw")
    return cat, Lake(folder, tmp_path)


class Lake(Project):
    def __init__(self, warehouse, folder):
        super().__init__(folder)
        self.at = warehouse

    def start(self, *args, **options):
        return super().start("--warehouse", str(self.at), *args, **options)

    @property
    def warehouse(self):
        return self.at


def test_every_type(lake):
    cat, tarn = lake
    table = cat.create_table("raw.types", EVERY_TYPE)
    table.append(arrow(table.schema(), ROWS[:2]))
    table.append(arrow(table.schema(), ROWS[2:]))
    found = ours(tarn, "raw.types", table.schema())
    assert len(found) == 4
    assert found == theirs(table)


def test_types_are_named_as_the_spec_names_them(lake):
    cat, tarn = lake
    cat.create_table("raw.types", EVERY_TYPE)
    shown = tarn("table", "schema", "raw.types").out
    for word in ("int", "long", "decimal(38,10)", "timestamptz", "fixed[4]", "uuid", "binary", "time"):
        assert word in shown.replace("decimal(38, 10)", "decimal(38,10)").replace("fixed(4)", "fixed[4]"), word


SOURCES = Schema(
    NestedField(1, "id", LongType(), required=False),
    NestedField(2, "day", DateType(), required=False),
    NestedField(3, "moment", TimestamptzType(), required=False),
    NestedField(4, "text", StringType(), required=False),
    NestedField(5, "amount", DecimalType(9, 2), required=False),
)
MOMENTS = [
    dt.datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC),
    dt.datetime(1970, 1, 1, tzinfo=UTC),
    dt.datetime(2024, 2, 29, 12, 0, 1, tzinfo=UTC),
    dt.datetime(2024, 12, 31, 23, 59, 59, 999999, UTC),
    None,
]
PARTITIONED_ROWS = [
    (n, at.date() if at else None, at, text, Decimal(n) / 4)
    for n, (at, text) in enumerate(zip(MOMENTS * 2, ["alpha", "beta", "", None, "alphabet", "ümlaut", "a/b=c&d", "zz", "漢字漢字", "x"]))
]
TRANSFORMS = {
    "identity-long": (1, IdentityTransform()),
    "identity-date": (2, IdentityTransform()),
    "identity-text": (4, IdentityTransform()),
    "bucket-long": (1, BucketTransform(4)),
    "bucket-text": (4, BucketTransform(3)),
    "bucket-decimal": (5, BucketTransform(3)),
    "truncate-long": (1, TruncateTransform(3)),
    "truncate-text": (4, TruncateTransform(2)),
    "truncate-decimal": (5, TruncateTransform(50)),
    "year": (3, YearTransform()),
    "month": (2, MonthTransform()),
    "day": (3, DayTransform()),
    "hour": (3, HourTransform()),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_partitioned_tables(lake, name):
    cat, tarn = lake
    if name.split("-")[0] != "identity":
        pytest.importorskip("pyiceberg_core")
    source, transform = TRANSFORMS[name]
    spec = PartitionSpec(PartitionField(source, 1000, transform, "part"))
    table = cat.create_table("raw.p", SOURCES, partition_spec=spec)
    table.append(arrow(SOURCES, PARTITIONED_ROWS[:6]))
    table.append(arrow(SOURCES, PARTITIONED_ROWS[6:]))
    assert ours(tarn, "raw.p", table.schema()) == theirs(table)
    for filter in ("id = 3", "id > 5", "day = '2024-02-29'", "moment < '1970-01-01'", "moment is null", "text = 'alphabet'", "text like 'alp%'", "amount >= 1.25", "id in (2, 7)"):
        expected = [row for row in PARTITIONED_ROWS if passes(filter, row)]
        assert tarn.one(f"select count(*) from raw.p where {filter}") == str(len(expected)), filter


def passes(filter, row):
    id, day, at, text, amount = row
    return {
        "id = 3": id == 3,
        "id > 5": id > 5,
        "day = '2024-02-29'": day == dt.date(2024, 2, 29),
        "moment < '1970-01-01'": at is not None and at < MOMENTS[1],
        "moment is null": at is None,
        "text = 'alphabet'": text == "alphabet",
        "text like 'alp%'": text is not None and text.startswith("alp"),
        "amount >= 1.25": amount >= Decimal("1.25"),
        "id in (2, 7)": id in (2, 7),
    }[filter]


def test_an_evolved_table(lake):
    """Renamed, added, dropped and promoted columns; a second partition spec; rows overwritten and deleted."""
    cat, tarn = lake
    table = cat.create_table("raw.e", Schema(NestedField(1, "id", IntegerType()), NestedField(2, "name", StringType()), NestedField(3, "gone", StringType())))
    table.append(pa.table({"id": pa.array([1, 2], pa.int32()), "name": ["a", "b"], "gone": ["x", "y"]}))
    with table.update_schema() as update:
        update.rename_column("name", "title")
        update.delete_column("gone")
    with table.update_schema() as update:
        update.add_column("name", LongType())
        update.update_column("id", LongType())
    with table.update_spec() as update:
        update.add_identity("title")
    table.append(pa.table({"id": [3, 2**40], "title": ["c", None], "name": [30, None]}))
    table.delete("id = 2")
    table.overwrite(pa.table({"id": [3], "title": ["C"], "name": [31]}), overwrite_filter="id = 3")
    found = ours(tarn, "raw.e", table.schema())
    assert found == theirs(table)
    assert sorted(r["id"] for r in found) == [1, 3, 2**40]
    assert [r["title"] for r in found if r["id"] == 1] == ["a"]


def test_a_catalog_of_two_names(tmp_path):
    folder = tmp_path / "lake"
    folder.mkdir()
    for name in ("one", "two"):
        cat = catalog(folder, name)
        cat.create_namespace("raw")
        table = cat.create_table(f"raw.of_{name}", SOURCES)
        table.append(arrow(SOURCES, PARTITIONED_ROWS[: 3 if name == "one" else 4]))
    tarn = Lake(folder, tmp_path)
    refused = tarn("ls", code=2)
    assert "one" in refused.err and "two" in refused.err and "--catalog-name" in refused.err
    assert tarn.one("select count(*) from raw.of_one", "--catalog-name", "one") == "3"
    assert tarn.one("select count(*) from two.raw.of_two", "--catalog-name", "two") == "4"


def test_a_catalog_s_only_name_is_taken(tmp_path):
    folder = tmp_path / "lake"
    folder.mkdir()
    cat = catalog(folder, "their_own")
    cat.create_namespace("raw")
    cat.create_table("raw.t", SOURCES).append(arrow(SOURCES, PARTITIONED_ROWS))
    assert Lake(folder, tmp_path).one("select count(*) from their_own.raw.t") == str(len(PARTITIONED_ROWS))


def test_namespaces_of_several_levels(lake):
    cat, tarn = lake
    cat.create_namespace(("raw", "eu"))
    cat.create_table(("raw", "eu", "t"), SOURCES).append(arrow(SOURCES, PARTITIONED_ROWS[:1]))
    assert "raw.eu.t" in tarn("ls").out
    assert tarn.one('select count(*) from "raw.eu".t') == "1"


# ---------------------------------------------------------------------------------------------- both write


def raw_rows(project):
    return project.rows("select id, amount from raw.items order by all")


def test_an_append_between_two_runs(tmp_path):
    project = small_project(tmp_path / "p")
    project("run")
    table = catalog(project.warehouse).load_table("raw.items")
    extra = table.scan(row_filter="id = 1").to_arrow()
    extra = extra.set_column(extra.schema.get_field_index("id"), extra.schema.field("id"), pa.array([77], pa.int64()))
    table.append(extra)
    project.write("data/items-2.json", '{"id": 3, "amount": 9}\n')
    project("run")
    assert raw_rows(project) == [("1", "5"), ("2", "7"), ("3", "9"), ("77", "5")]
    assert project.rows("select id, amount from curated.items order by id") == raw_rows(project)
    assert "up to date" in project("run").text


def test_an_overwrite_between_two_runs(tmp_path):
    project = small_project(tmp_path / "p")
    project("run")
    table = catalog(project.warehouse).load_table("raw.items")
    rows = table.scan(row_filter="id = 1").to_arrow()
    changed = rows.set_column(rows.schema.get_field_index("amount"), rows.schema.field("amount"), pa.array([50], pa.int64()))
    table.overwrite(changed, overwrite_filter="id = 1")
    project("run")
    assert raw_rows(project) == [("1", "50"), ("2", "7")]  # the file was read once; the change of another stands
    assert project.rows("select id, amount from curated.items order by id") == raw_rows(project)
    project.write("data/items-2.json", '{"id": 3, "amount": 9}\n')
    project("run")
    assert raw_rows(project) == [("1", "50"), ("2", "7"), ("3", "9")]
    assert len(theirs(catalog(project.warehouse).load_table("raw.items"))) == 3


def test_properties_and_schema_of_another_survive_a_run(tmp_path):
    project = small_project(tmp_path / "p")
    project("run")
    table = catalog(project.warehouse).load_table("raw.items")
    with table.transaction() as transaction:
        transaction.set_properties({"owner": "finance"})
    with table.update_schema() as update:
        update.add_column("note", StringType(), doc="by hand")
    project.write("data/items-2.json", '{"id": 3, "amount": 9}\n')
    project("run")
    table = catalog(project.warehouse).load_table("raw.items")
    assert table.properties["owner"] == "finance"
    assert table.schema().find_field("note").doc == "by hand"
    assert table.scan().to_arrow().num_rows == 3


def test_a_rolled_back_table_is_told(tmp_path):
    """Rows that the source's position counts as written are gone: the run says so instead of going on."""
    project = small_project(tmp_path / "p")
    project("run")
    project.write("data/items-2.json", '{"id": 3, "amount": 9}\n')
    project("run")
    table = catalog(project.warehouse).load_table("raw.items")
    first = table.history()[0].snapshot_id
    table.manage_snapshots().set_current_snapshot(first).commit()
    project.write("data/items-3.json", '{"id": 4, "amount": 1}\n')
    result = project("run", code=None)
    assert result.code in (0, 4), str(result)
    if result.code == 4:
        assert "rolled back" in result.text
    else:  # everything that is missing was read again
        assert raw_rows(project) == [("1", "5"), ("2", "7"), ("3", "9"), ("4", "1")]


def test_the_metadata_file_alone_is_a_table(closed):
    from pyiceberg.table import StaticTable

    for name, location in closed.pointers().items():
        table = StaticTable.from_metadata(location)
        assert table.scan().to_arrow().num_rows == int(closed.one(f"select count(*) from {name}"))
        assert json.loads(Path(location.removeprefix("file://")).read_text())["format-version"] == 2
