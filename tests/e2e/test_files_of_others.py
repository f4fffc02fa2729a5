"""Traps of Iceberg with files that others wrote (docs/iceberg-traps.md)."""

import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness import Lake

BEFORE_1970 = datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)
ROWS = [BEFORE_1970, datetime.datetime(2024, 2, 29)]


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake.sql("create namespace raw")
    return lake


def source(lake, name, columns, **options):
    folder = lake.folder / name
    folder.mkdir()
    pq.write_table(pa.table(columns), folder / "1.parquet", **options)
    return f"'parquet.`{folder}`'"


def rows(lake, sql):
    return lake("sql", sql, "--format", "csv").out.splitlines()[1:]


def test_trap_31_int96(lake):
    files = source(lake, "old", {"ts": pa.array(ROWS, pa.timestamp("us"))}, use_deprecated_int96_timestamps=True)
    lake.sql("create table raw.t (ts timestamp_ntz)", f"call system.add_files('raw.t', {files})")
    assert rows(lake, "select * from raw.t order by 1") == ["1969-12-31 23:59:59.999999", "2024-02-29 00:00:00"]
    assert rows(lake, "select count(*) from raw.t where ts < timestamp '1970-01-01'") == ["1"]


def test_trap_31_a_required_column_that_files_lack(lake):
    files = source(lake, "old", {"id": [1, 2]})
    lake.sql("create table raw.t (id bigint, n string not null)")
    assert 'column "n" is required' in lake("sql", f"call system.add_files('raw.t', {files})", code=1).err
    assert rows(lake, "select count(*) from raw.t.files") == ["0"]


@pytest.mark.parametrize(
    ("type", "zone", "message"),
    [("timestamp_ntz", "UTC", "is timestamptz in the files"), ("timestamptz", None, "is timestamp in the files")],
)
def test_trap_33_a_zone_is_no_detail(lake, type, zone, message):
    files = source(lake, "old", {"ts": pa.array(ROWS, pa.timestamp("us", tz=zone))})
    lake.sql(f"create table raw.t (ts {type})")
    assert message in lake("sql", f"call system.add_files('raw.t', {files})", code=1).err


def test_trap_33_unsigned_numbers(lake):
    files = source(lake, "old", {"n": pa.array([1, 2**32 - 1], pa.uint32())})
    lake.sql("create table raw.t (n int)", "create table raw.wide (n bigint)")
    assert "is long in the files" in lake("sql", f"call system.add_files('raw.t', {files})", code=1).err
    lake.sql(f"call system.add_files('raw.wide', {files})")
    assert rows(lake, "select n from raw.wide where n > 2147483647") == [str(2**32 - 1)]


def test_trap_13_files_without_ids(lake):
    """The mapping that add_files writes is followed by name, not by position, and outlives a rename."""
    first = source(lake, "first", {"b": ["x"], "a": [1]})
    second = source(lake, "second", {"a": [2]})
    lake.sql(
        "create table raw.t (a bigint, b string)",
        f"call system.add_files('raw.t', {first})",
        f"call system.add_files('raw.t', {second})",
        "alter table raw.t rename column a to k",
        "alter table raw.t add column a string",
        "insert into raw.t (k, b, a) values (3, 'z', 'new')",
    )
    assert rows(lake, "select k, b, a from raw.t order by k") == ["1,x,", "2,,", "3,z,new"]
    assert rows(lake, "select k from raw.t where k < 3 and b is null") == ["2"]


def test_trap_25_partition_folders(lake):
    """Values in folder names are percent-encoded; the null has a name of its own."""
    folder = lake.folder / "hive"
    for i, name in enumerate(["p=a%2Fb%3D%25", "p=__HIVE_DEFAULT_PARTITION__", "p=null"]):
        (folder / name).mkdir(parents=True)
        pq.write_table(pa.table({"id": pa.array([i], pa.int64())}), folder / name / "1.parquet")
    lake.sql(
        "create table raw.t (id bigint, p string) partitioned by (p)",
        f"call system.add_files('raw.t', 'parquet.`{folder}`')",
    )
    assert rows(lake, "select id, p from raw.t order by id") == ["0,a/b=%", "1,", "2,null"]
    assert rows(lake, "select id from raw.t where p = 'a/b=%'") == ["0"]
    assert rows(lake, "select id from raw.t where p is null") == ["1"]


def test_trap_2_purge_takes_only_what_it_reached(lake):
    """Files of others in the table's folders, and those that the table has from elsewhere, stay."""
    files = source(lake, "elsewhere", {"id": pa.array([1], pa.int64())})
    lake.sql(
        "create table raw.t (id bigint)",
        "insert into raw.t values (2)",
        f"call system.add_files('raw.t', {files})",
    )
    data = lake.warehouse / "raw/t/data"
    (data / "of-others.parquet").write_bytes(b"PAR1")
    lake.sql("drop table raw.t purge")
    assert [p.name for p in data.iterdir()] == ["of-others.parquet"]
    assert (lake.folder / "elsewhere/1.parquet").exists()
