"""Spark with Iceberg's runtime and tarn on the same tables, both ways, over one catalog file."""

import pytest
from harness import Lake, copy_example, small_project
from spark_side import attach, ours, theirs


@pytest.fixture
def over(spark):
    """Spark over a warehouse, as the catalog `iceberg`: JdbcCatalog finds tables under the name that Spark gives it."""

    def open(warehouse):
        manager = spark._jsparkSession.sessionState().catalogManager()
        manager.reset()
        attach(spark, warehouse, "iceberg")
        return spark

    yield open
    spark._jsparkSession.sessionState().catalogManager().reset()


def call(spark, procedure, table, **options):
    named = "".join(f", {k} => {v}" for k, v in options.items())
    return spark.sql(f"call iceberg.system.{procedure}(table => '{table}'{named})").collect()


@pytest.mark.parametrize("name", ["accounting", "sales-analysis"])
def test_spark_reads_every_table(over, tmp_path, name):
    project = copy_example(name, tmp_path)
    project("run")
    if name == "accounting":
        project.arrive()
        project("run")
    spark = over(project.warehouse)
    tables = project.tables()
    assert len(tables) > 8
    for table in tables:
        assert ours(project, table) == theirs(spark, f"iceberg.{table}"), table


def test_spark_counts_agree_with_filters(over, closed):
    spark = over(closed.warehouse)
    for where in ("entry_date >= date'2025-06-02'", "account_id = '1000'", "debit > 299.50", "account_name is null"):
        sql = "select count(*) from {}curated.fq_app_journal_entries_silver where " + where
        assert str(spark.sql(sql.format("iceberg.")).collect()[0][0]) == closed.one(sql.format(""))


def raw_rows(project, table="raw.items"):
    return project.rows(f"select id, amount from {table} order by all")


@pytest.fixture
def ran(tmp_path):
    """Two runs, so that there is something to compact."""
    project = small_project(tmp_path / "p")
    project("run")
    project.write("data/items-2.json", '{"id": 3, "amount": 9}\n{"id": 1, "amount": 6}\n')
    project("run")
    return project


def next_run(project, before):
    """The next run, with a new file, neither doubles nor loses."""
    project.write("data/items-3.json", '{"id": 4, "amount": 40}\n')
    project("run")
    assert raw_rows(project) == sorted(before + [("4", "40")], key=lambda r: (int(r[0]), int(r[1])))
    latest = {"1": "6", "2": "7", "3": "9", "4": "40"}
    found = dict(raw_rows(project, "curated.items"))
    assert {k: found[k] for k in latest} == latest
    assert "up to date" in project("run").text


def test_compaction_between_two_runs(over, ran):
    spark, before = over(ran.warehouse), raw_rows(ran)
    (done,) = call(spark, "rewrite_data_files", "raw.items", options="map('rewrite-all', 'true')")
    assert done[0] == 2 and done[1] == 1
    assert raw_rows(ran) == before
    assert "up to date" in ran("run").text, "a rewrite changes no rows: models are not made again"
    next_run(ran, before)


def test_expiry_between_two_runs(over, ran):
    spark, before = over(ran.warehouse), raw_rows(ran)
    for table in ("raw.items", "raw.items__files", "curated.items"):
        call(spark, "expire_snapshots", table, older_than="timestamp'2999-01-01 00:00:00'", retain_last="1")
    assert len(ran.metadata("raw.items")["snapshots"]) == 1
    assert raw_rows(ran) == before
    next_run(ran, before)


def test_an_append_between_two_runs(over, ran):
    spark, before = over(ran.warehouse), raw_rows(ran)
    columns = ran.columns("select * from raw.items limit 0")
    values = {"id": "50", "amount": "51", "ingest_ts": "timestamp'2020-01-01 00:00:00'", "_source_file": "'hand'", "_source_offset": "0"}
    spark.sql(f"insert into iceberg.raw.items select {', '.join(values.get(c, 'null') for c in columns)}")
    assert raw_rows(ran) == sorted(before + [("50", "51")], key=lambda r: int(r[0]))
    ran("run")
    assert ("50", "51") in raw_rows(ran, "curated.items")
    next_run(ran, raw_rows(ran))


def test_compact_expire_append_all(over, ran):
    spark = over(ran.warehouse)
    test_an_append_between_two_runs(over, ran)
    before = raw_rows(ran)
    call(spark, "rewrite_data_files", "raw.items", options="map('rewrite-all', 'true')")
    call(spark, "rewrite_manifests", "raw.items")
    call(spark, "expire_snapshots", "raw.items", older_than="timestamp'2999-01-01 00:00:00'", retain_last="1")
    assert raw_rows(ran) == before
    ran.write("data/items-4.json", '{"id": 5, "amount": 55}\n')
    ran("run")
    assert raw_rows(ran) == sorted(before + [("5", "55")], key=lambda r: int(r[0]))


# ---------------------------------------------------------------------------------------------- we read theirs


@pytest.fixture
def lake(tmp_path, over):
    project = Lake(tmp_path)
    spark = over(project.warehouse)
    spark.sql("create namespace iceberg.raw")
    return project, spark


EVERY_TYPE = """
    c_boolean boolean, c_int int, c_long bigint, c_float float, c_double double,
    c_dec9 decimal(9,2), c_dec18 decimal(18,4), c_dec38 decimal(38,10),
    c_date date, c_timestamptz timestamp, c_timestamp timestamp_ntz, c_string string, c_binary binary,
    c_struct struct<a: bigint, b: string>, c_list array<decimal(18,2)>, c_map map<string, bigint>,
    c_deep array<struct<x: array<int>>>
"""
ROWS = [
    """true, 2147483647, 9223372036854775807, float('1.5'), 0.1d, 9999999.99, -0.0001, 1234567890123456789012345678.0123456789,
       date'2024-02-29', timestamp'2024-02-29 12:34:56.789012', timestamp_ntz'2024-02-29 12:34:56.789012', 'naïve 漢字', X'00ff01',
       named_struct('a', 1L, 'b', null), array(1.00, null, -2.50), map('k', 1L, 'n', null), array(named_struct('x', array(1, null)))""",
    """false, -2147483648, -9223372036854775808, float('infinity'), 4.9E-324d, -0.01, 0, -0.0000000001,
       date'0001-01-01', timestamp'1900-01-01 00:00:00.000001', timestamp_ntz'1969-12-31 23:59:59.999999', '', X'',
       named_struct('a', null, 'b', ''), array(), map(), array()""",
    ", ".join(["null"] * 17),
]


@pytest.mark.parametrize("format_version", [1, 2])
def test_every_type(lake, format_version):
    project, spark = lake
    spark.sql(f"create table iceberg.raw.types ({EVERY_TYPE}) using iceberg tblproperties ('format-version' = '{format_version}')")
    for row in ROWS:
        spark.sql(f"insert into iceberg.raw.types select {row}")
    assert ours(project, "raw.types") == theirs(spark, "iceberg.raw.types")


PARTITIONS = ["years(moment)", "months(moment)", "days(moment)", "hours(moment)", "bucket(4, id)", "bucket(4, name)", "truncate(2, name)", "truncate(10, id)", "name", "d"]


@pytest.mark.parametrize("partition", PARTITIONS)
def test_partitioned_tables(lake, partition):
    project, spark = lake
    spark.sql(f"create table iceberg.raw.p (id bigint, name string, moment timestamp, d date) using iceberg partitioned by ({partition})")
    spark.sql("""insert into iceberg.raw.p values
        (1, 'alpha', timestamp'1969-12-31 23:59:59', date'1969-12-31'), (2, null, null, null), (13, '', timestamp'2024-02-29 12:00:00', date'2024-02-29'),
        (-7, 'alphabet', timestamp'2024-12-31 23:59:59.999999', date'2024-12-31'), (25, 'a/b=c', timestamp'1970-01-01 00:00:00', date'1970-01-01')""")
    assert ours(project, "raw.p") == theirs(spark, "iceberg.raw.p")
    for where in ("id = 13", "id < 0", "name = 'alpha'", "name is null", "moment < timestamp'1970-01-01 00:00:00'", "d >= date'2024-01-01'"):
        assert project.one(f"select count(*) from raw.p where {where}") == str(spark.table("iceberg.raw.p").where(where).count()), where


@pytest.mark.parametrize("mode", ["copy-on-write", "merge-on-read"])
def test_rows_that_spark_deletes_and_updates(lake, mode):
    project, spark = lake
    modes = ", ".join(f"'write.{what}.mode' = '{mode}'" for what in ("delete", "update", "merge"))
    spark.sql(f"create table iceberg.raw.m (id bigint, v string) using iceberg partitioned by (bucket(2, id)) tblproperties ('format-version' = '2', {modes})")
    spark.sql("insert into iceberg.raw.m select id, concat('v', id) from range(100)")
    spark.sql("delete from iceberg.raw.m where id % 7 = 0")
    spark.sql("update iceberg.raw.m set v = 'changed' where id between 20 and 25")
    spark.sql("merge into iceberg.raw.m t using (select 3L as id, 'merged' as v union all select 1000L, 'new') s on t.id = s.id when matched then update set * when not matched then insert *")
    assert ours(project, "raw.m") == theirs(spark, "iceberg.raw.m")
    assert project.one("select count(*) from raw.m") == "86"


def test_an_evolved_table(lake):
    project, spark = lake
    spark.sql("create table iceberg.raw.e (id int, name string, s struct<a: int, b: string>) using iceberg")
    spark.sql("insert into iceberg.raw.e values (1, 'one', named_struct('a', 1, 'b', 'x'))")
    for change in (
        "alter column id type bigint", "rename column name to title", "add column s.c date",
        "add column extra decimal(9,2) first", "add partition field truncate(1, title)",
    ):
        spark.sql(f"alter table iceberg.raw.e {change}")
    spark.sql("insert into iceberg.raw.e values (2.50, 5000000000, 'two', named_struct('a', 2, 'b', null, 'c', date'2025-01-01'))")
    assert ours(project, "raw.e") == theirs(spark, "iceberg.raw.e")
    assert project.one("select count(*) from raw.e where title = 'one' and s.a = 1") == "1"


def test_renamed_nested_fields(lake):
    """Old files hold them under their old names."""
    project, spark = lake
    spark.sql("create table iceberg.raw.n (id int, s struct<a: int, b: string>, l array<struct<x: int>>) using iceberg")
    spark.sql("insert into iceberg.raw.n values (1, named_struct('a', 1, 'b', 'x'), array(named_struct('x', 5), null))")
    spark.sql("alter table iceberg.raw.n rename column s.a to aa")
    spark.sql("alter table iceberg.raw.n rename column l.element.x to y")
    spark.sql("alter table iceberg.raw.n add column s.a string")
    spark.sql("insert into iceberg.raw.n values (2, named_struct('aa', 2, 'b', 'y', 'a', 'new'), array()), (3, null, null)")
    assert ours(project, "raw.n") == theirs(spark, "iceberg.raw.n")
