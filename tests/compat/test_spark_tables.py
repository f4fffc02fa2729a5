"""Tables that tarn's SQL makes and changes, read and changed on by Spark, and the reverse: format version 3, deletion vectors, row lineage,
defaults, variants, equality deletes, branches and tags, views, metadata tables."""

import json
import os
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from cells import cell
from spark_side import ours, plain, theirs


def same(project, spark, table="raw.t"):
    assert ours(project, table) == theirs(spark, f"iceberg.{table}")


def rows_of(spark, sql):
    return sorted(([plain(v) for v in row] for row in spark.sql(sql).collect()), key=repr)


def our_rows(project, sql):
    found = json.loads(project("sql", "--format", "json", sql).out, parse_float=Decimal)
    names = [c["name"] for c in found["columns"]]
    return sorted(([plain(v) for v in (row if isinstance(row, list) else [row[n] for n in names])] for row in found["rows"]), key=repr)


MODES = ["copy-on-write", "merge-on-read"]


def make(project, version, mode, more=""):
    modes = ", ".join(f"'write.{what}.mode' = '{mode}'" for what in ("delete", "update", "merge"))
    project.sql(
        f"create table raw.t (id bigint, name string, amount decimal(18,2)) using iceberg partitioned by (bucket(2, id)) tblproperties ('format-version' = '{version}', {modes}{more})",
        "insert into raw.t select i, 'n' || (i % 7), i / 4 from range(200) r(i)",
    )


@cell("Spark", "tables of version 2", "reads, writes")
@cell("Spark", "tables of version 3", "reads, writes")
@cell("Spark", "position deletes of Tarn's", "reads, adds its own")
@cell("Spark", "deletion vectors of Tarn's", "reads, replaces")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("version", [2, 3])
def test_rows_that_tarn_changes(lake, version, mode):
    project, spark = lake
    make(project, version, mode)
    same(project, spark)
    for statement in (
        "delete from raw.t where id % 9 = 0",
        "update raw.t set amount = amount + 1, name = 'up' where id between 30 and 50",
        "merge into raw.t using (select i as id, 'm' || i as name, 0.25 as amount from range(190, 215) r(i)) s on t.id = s.id when matched and t.id % 2 = 0 then delete when matched then update set * when not matched then insert *",
        "delete from raw.t where name = 'up'",
    ):
        project.sql(statement)
        same(project, spark)
    spark.sql("delete from iceberg.raw.t where id % 5 = 0")
    spark.sql("update iceberg.raw.t set name = 'spark' where id < 20")
    same(project, spark)
    project.sql("update raw.t set name = 'tarn' where id < 10", "delete from raw.t where id > 200")
    same(project, spark)


@cell("Spark", "row lineage", "agrees, and keeps it")
@pytest.mark.parametrize("mode", MODES)
def test_row_lineage(lake, mode):
    """A row keeps its id through what either side does; its sequence number is that of its last change."""
    project, spark = lake
    make(project, 3, mode)
    lineage = "select id, _row_id, _last_updated_sequence_number from {}raw.t"
    def agree():
        found = our_rows(project, lineage.format(""))
        assert found == rows_of(spark, lineage.format("iceberg."))
        assert all(None not in row for row in found)
        return {row[0]: row[1:] for row in found}
    first = agree()
    assert len({ids[0] for ids in first.values()}) == 200
    project.sql("update raw.t set name = 'x' where id < 5")
    second = agree()
    assert all(first[i][0] == second[i][0] for i in first)
    assert all((first[i][1] != second[i][1]) == (i < 5) for i in first)
    spark.sql("update iceberg.raw.t set name = 'y' where id between 5 and 9")
    third = agree()
    assert all(first[i][0] == third[i][0] for i in first)
    project.sql("merge into raw.t using (select 7 as id) s on t.id = s.id when matched then update set name = 'z'")
    assert {i: ids[0] for i, ids in agree().items()} == {i: ids[0] for i, ids in first.items()}


def test_tables_of_spark_in_version_3(lake):
    project, spark = lake
    spark.sql("create table iceberg.raw.t (id bigint, v string) using iceberg tblproperties ('format-version' = '3', 'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read')")
    spark.sql("insert into iceberg.raw.t select id, concat('v', id) from range(1000)")
    spark.sql("delete from iceberg.raw.t where id % 3 = 0")
    spark.sql("delete from iceberg.raw.t where id % 5 = 0")
    spark.sql("update iceberg.raw.t set v = 'u' where id % 7 = 0")
    same(project, spark)
    assert project.one("select count(*) from raw.t.delete_files where file_format = 'PUFFIN'") != "0"
    project.sql("delete from raw.t where id % 11 = 0")
    same(project, spark)


def test_upgrade_in_place(lake):
    project, spark = lake
    make(project, 2, "merge-on-read")
    project.sql("delete from raw.t where id < 10")
    project.sql("alter table raw.t set tblproperties ('format-version' = '3')")
    same(project, spark)
    project.sql("delete from raw.t where id between 5 and 20", "insert into raw.t values (1000, 'new', 1.00)")
    same(project, spark)
    spark.sql("delete from iceberg.raw.t where id between 15 and 30")
    same(project, spark)


def test_defaults(lake):
    project, spark = lake
    make(project, 3, "merge-on-read")
    project.sql("alter table raw.t add column kind string default 'old'", "alter table raw.t add column n int default 7")
    same(project, spark)
    project.sql("insert into raw.t (id, name) values (5000, 'given')")
    same(project, spark)
    assert project.rows("select name, kind, n from raw.t where id = 5000") == [("given", "old", "7")]


def test_variants(lake):
    project, spark = lake
    spark.sql("create table iceberg.raw.t (id bigint, v variant) using iceberg tblproperties ('format-version' = '3')")
    spark.sql("""insert into iceberg.raw.t select id, parse_json(j) from values (1L, '{"a": 1, "b": [true, null]}'), (2L, '"text"'), (3L, null) as s(id, j)""")
    assert project.rows("select id, v.a::int from raw.t order by id") == [("1", "1"), ("2", None), ("3", None)]
    project.sql("create table raw.ours (id bigint, v variant) tblproperties ('format-version' = '3')", """insert into raw.ours select 1, '{"a": 5}'::json::variant""")
    (row,) = spark.sql("select id, to_json(v) from iceberg.raw.ours").collect()
    assert json.loads(row[1]) == {"a": 5}
    project.sql("insert into raw.ours values (2, null)")
    assert [tuple(row) for row in spark.sql("select id, v is null from iceberg.raw.ours order by id").collect()] == [(1, False), (2, True)]
    project.sql("create table raw.shredded (id bigint, v variant not null) tblproperties ('format-version' = '3')", "insert into raw.shredded select i, {'a': i, 'b': 's' || i}::variant from range(100) r(i)")
    assert [tuple(row) for row in spark.sql("select sum(variant_get(v, '$.a', 'int')), max(variant_get(v, '$.b', 'string')) from iceberg.raw.shredded").collect()] == [(4950, "s99")]


def test_variants_inside_of_others(lake):
    project, spark = lake
    columns = "id int, s struct<v: variant, k: int>, l array<variant>, m map<string, variant>"
    project.sql(
        f"create table raw.t ({columns}) tblproperties ('format-version' = '3')",
        """insert into raw.t values (1, {'v': 42::variant, 'k': 1}, ['a'::variant, null, {'q': [1, 2]}::variant], map{'k': 1.5::variant}),
           (2, null, null, null), (3, {'v': null, 'k': 3}, [], map{})""",
    )
    query = "select id, to_json(s.v), s.k, transform(l, x -> to_json(x)), to_json(m['k']) from iceberg.raw.t order by id"
    assert [tuple(row) for row in spark.sql(query).collect()] == [
        (1, "42", 1, ['"a"', None, '{"q":[1,2]}'], "1.5"),
        (2, None, None, None, None),
        (3, None, 3, [], None),
    ]
    spark.sql("insert into iceberg.raw.t select 4, named_struct('v', parse_json('[1]'), 'k', 4), array(parse_json('2'), null), map('k', parse_json('null'))")
    assert project.rows("select id, s.v::json, s.k, l[1]::int, l[2] is null, m['k']::json from raw.t where id = 4") == [
        ("4", "[1]", "4", "2", "true", "null")
    ]


def test_fixed(lake):
    project, spark = lake
    project.sql("create table raw.t (id int, f fixed(4), s struct<x: fixed(2)>)", "insert into raw.t values (1, 'abcd'::blob, {'x': 'yz'::blob}), (2, null, null)")
    assert [tuple(row) for row in spark.sql("select id, f, s.x from iceberg.raw.t order by id").collect()] == [(1, b"abcd", b"yz"), (2, None, None)]
    assert spark.sql("select id from iceberg.raw.t where f = x'61626364'").count() == 1
    spark.sql("insert into iceberg.raw.t select 3, x'00010203', named_struct('x', x'ffff')")
    assert project.rows("select id, hex(f), hex(s.x) from raw.t where f < 'a'::blob") == [("3", "00010203", "FFFF")]


def test_bounds_of_variants(lake):
    """Java reads the bounds of a shredded variant's fields as variants, by normalised paths; files are skipped by them."""
    project, spark = lake
    project.sql(
        "create table raw.t (id bigint, v variant not null) tblproperties ('format-version' = '3')",
        *(f"insert into raw.t select i, {{'a': i, 'b': 's' || i, 'n': {{'day': date '2024-01-01' + i::int}}}}::variant from range({k * 100}, {k * 100 + 50}) r(i)" for k in range(14)),
    )
    jvm = spark._jvm
    table = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, "iceberg.raw.t")
    read = getattr(jvm.org.apache.iceberg.variants.Variant, "from")
    found = []
    files = table.newScan().includeColumnStats().planFiles().iterator()
    while files.hasNext():
        file = files.next().file()
        bounds = [read(side.get(2).order(jvm.java.nio.ByteOrder.LITTLE_ENDIAN)).value().asObject() for side in (file.lowerBounds(), file.upperBounds())]
        found.append(tuple(tuple(str(b.get(path).asPrimitive().get()) for b in bounds) for path in ("$['a']", "$['b']", "$['n']['day']")))
    assert sorted(found, key=lambda f: int(f[0][0]))[:2] == [(("0", "49"), ("s0", "s9"), ("19723", "19772")), (("100", "149"), ("s100", "s149"), ("19823", "19872"))]
    (plan,) = [row[0] for row in project.rows("explain select * from raw.t where v.a::bigint = 1320") if "files" in row[0] and "bounds" in row[0]]
    assert "1 of 14 files" in plan and "13 by bounds" in plan
    assert project.rows("select id from raw.t where v.a::bigint = 1320") == [("1320",)]
    assert project.rows("select id from raw.t where v.b::varchar in ('s5', 's777', 's1349') order by id") == [("5",), ("1349",)]


# Spark's environment has no pyarrow; the one of the other tests does.
WRITE_KEYS = """
import json, sys
import pyarrow as pa, pyarrow.parquet as pq
path, columns, rows = json.loads(sys.argv[1])
fields = [pa.field(name, getattr(pa, kind)(), metadata={"PARQUET:field_id": str(field_id)}) for name, field_id, kind in columns]
pq.write_table(pa.table({f.name: [row[i] for row in rows] for i, f in enumerate(fields)}, schema=pa.schema(fields)), path)
"""


def add_equality_deletes(spark, project, table, columns, rows):
    """Through Iceberg's own Java library: columns [(name, field id, arrow's name of the type)]; one commit."""
    python = Path(os.environ.get("TARN_CACHE", Path.home() / ".cache/tarn")) / "venv/bin/python"
    path = project.warehouse / f"eq-{len(list(project.warehouse.glob('eq-*.parquet')))}.parquet"
    subprocess.run([python, "-c", WRITE_KEYS, json.dumps([str(path), columns, rows])], check=True)
    jvm = spark._jvm
    loaded = jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, f"iceberg.{table}")
    ids = spark._sc._gateway.new_array(jvm.int, len(columns))
    for i, (_, field_id, _) in enumerate(columns):
        ids[i] = field_id
    builder = jvm.org.apache.iceberg.FileMetadata.deleteFileBuilder(loaded.spec()).ofEqualityDeletes(ids).withPath(str(path))
    file = builder.withFileSizeInBytes(path.stat().st_size).withRecordCount(len(rows)).withFormat("PARQUET").build()
    loaded.newRowDelta().addDeletes(file).commit()


@cell("Spark", "equality deletes", "reads")
@pytest.mark.parametrize("version", [2, 3])
def test_equality_deletes(lake, version):
    project, spark = lake
    project.sql(
        f"create table raw.t (id bigint, name string) tblproperties ('format-version' = '{version}')",
        "insert into raw.t select i, case when i % 10 = 0 then null else 'n' || (i % 5) end from range(100) r(i)",
    )
    add_equality_deletes(spark, project, "raw.t", [("id", 1, "int64")], [(3,), (4,), (1000,)])
    same(project, spark)
    project.sql("insert into raw.t values (3, 'again')")  # newer than the delete: stays
    same(project, spark)
    add_equality_deletes(spark, project, "raw.t", [("name", 2, "string")], [(None,), ("n1",)])
    same(project, spark)
    add_equality_deletes(spark, project, "raw.t", [("id", 1, "int64"), ("name", 2, "string")], [(7, "n2"), (8, "other"), (12, None)])
    same(project, spark)
    project.sql("delete from raw.t where id = 3")
    same(project, spark)
    project.sql("alter table raw.t rename column name to title")
    same(project, spark)


def test_branches_and_tags(lake):
    project, spark = lake
    make(project, 2, "merge-on-read")
    project.sql(
        "alter table raw.t create tag before retain 30 days",
        "alter table raw.t create branch audit",
        "insert into raw.t.branch_audit values (9000, 'audit', 1.00)",
        "delete from raw.t where id < 100",
    )
    for ref in ("before", "audit", "main"):
        assert our_rows(project, f"select * from raw.t version as of '{ref}'") == rows_of(spark, f"select * from iceberg.raw.t version as of '{ref}'"), ref
    assert project.one("select count(*) from raw.t.branch_audit") == "201"
    spark.sql("insert into iceberg.raw.t.branch_audit values (9001, 'spark', 2.00)")
    assert project.one("select count(*) from raw.t.branch_audit") == "202"
    refs = "select name, type, max_reference_age_in_ms from {}raw.t.refs"
    assert our_rows(project, refs.format("")) == rows_of(spark, refs.format("iceberg."))


def test_branch_of_an_empty_table(lake):
    project, spark = lake
    project.sql(
        "create table raw.first (id bigint, k int) partitioned by (k)",
        "alter table raw.first create branch audit",
    )
    assert rows_of(spark, "select * from iceberg.raw.first") == []
    assert rows_of(spark, "select * from iceberg.raw.first.branch_audit") == []
    project.sql("insert into raw.first.branch_audit select n, n % 200 from range(1000) r(n)")
    spark.sql("insert into iceberg.raw.first.branch_audit values (1000, 0)")
    for sql in ("select * from {}raw.first", "select * from {}raw.first.branch_audit"):
        assert our_rows(project, sql.format("")) == rows_of(spark, sql.format("iceberg.")), sql
    project.sql("alter table raw.first fast forward main to audit")
    assert project.one("select count(*) from raw.first") == "1001"
    same(project, spark, "raw.first")


def test_time_travel(lake):
    project, spark = lake
    make(project, 2, "copy-on-write")
    project.sql("delete from raw.t where id < 50", "alter table raw.t add column extra int", "insert into raw.t values (1, 'a', 1.00, 5)")
    for (snapshot,) in project.rows("select snapshot_id from raw.t.snapshots"):
        at = f"select * from {{}}raw.t version as of {snapshot}"
        assert our_rows(project, at.format("")) == rows_of(spark, at.format("iceberg."))


METADATA_TABLES = [
    "snapshots", "history", "refs", "files", "data_files", "delete_files", "manifests", "entries", "partitions", "position_deletes",
    "metadata_log_entries", "all_files", "all_data_files", "all_delete_files", "all_manifests", "all_entries",
]


@pytest.mark.parametrize("version", [2, 3])
def test_metadata_tables(lake, version):
    project, spark = lake
    make(project, version, "merge-on-read")
    project.sql("delete from raw.t where id < 10", "insert into raw.t values (77, null, null)")
    for name in METADATA_TABLES:
        frame = spark.sql(f"select * from iceberg.raw.t.{name}")
        assert list(project.columns(f"select * from raw.t.{name}")) == frame.columns, name
        simple = [f.name for f in frame.schema.fields if f.dataType.simpleString() in ("bigint", "int", "string", "boolean", "timestamp")]
        columns = ", ".join(simple)
        assert our_rows(project, f"select {columns} from raw.t.{name}") == rows_of(spark, f"select {columns} from iceberg.raw.t.{name}"), name


@pytest.mark.parametrize("version", [2, 3])
def test_metadata_tables_column_by_column(lake, version):
    """Whole rows, structs and maps too, of a table of two specs. But for bounds that are not there: Spark shows them as the text null."""
    project, spark = lake
    project.sql(
        f"""create table raw.t (id bigint, name string, amount decimal(18,2), s struct<x: double, l: array<int>>) partitioned by (bucket(2, id))
            tblproperties ('format-version' = '{version}')""",
        "insert into raw.t select i, 'n' || (i % 7), i / 4, {'x': i, 'l': [i]} from range(50) r(i)",
        "delete from raw.t where id < 5",
        "alter table raw.t add partition field truncate(1, name)",
        "insert into raw.t values (77, null, null, null)",
    )
    for name in METADATA_TABLES:
        names = [c for c in spark.table(f"iceberg.raw.t.{name}").columns if c != "partition_summaries"]
        columns = ", ".join(names)
        assert our_rows(project, f"select {columns} from raw.t.{name}") == rows_of(spark, f"select {columns} from iceberg.raw.t.{name}"), name


@cell("Spark", "views", "reads, writes")
def test_views(lake):
    project, spark = lake
    make(project, 2, "merge-on-read")
    project.sql("create view raw.small as select id, name from raw.t where id < 10")
    assert our_rows(project, "select * from raw.small") == rows_of(spark, "select * from iceberg.raw.small")
    spark.sql("create view iceberg.raw.big as select id, name from iceberg.raw.t where id > 190")
    assert our_rows(project, "select * from raw.big") == rows_of(spark, "select * from iceberg.raw.big")


def test_evolution(lake):
    project, spark = lake
    project.sql(
        "create table raw.t (id int, s struct<a: int, b: string>, l array<struct<x: int>>, m map<string, int>) using iceberg",
        "insert into raw.t select 1, {'a': 1, 'b': 'x'}, [{'x': 1}], map {'k': 1}",
        "alter table raw.t alter column id type bigint",
        "alter table raw.t rename column s.a to aa",
        "alter table raw.t add column s.c date",
        "alter table raw.t add column l.element.y string",
        "alter table raw.t rename column l.element.x to xx",
        "alter table raw.t alter column m.value type bigint",
        "alter table raw.t add column first_one decimal(9,2) first",
        "insert into raw.t select 2.50, 5000000000, {'aa': 2, 'b': null, 'c': date '2025-01-01'}, [{'xx': 2, 'y': 'why'}], map {'k': 5000000000}",
        "alter table raw.t add partition field truncate(10, id)",
        "insert into raw.t select 3.50, 33, null, null, null",
        "alter table raw.t write ordered by id desc nulls last",
        "insert into raw.t select 4, i, null, [], map {} from range(20) r(i)",
    )
    same(project, spark)
    assert rows_of(spark, "select partition, record_count from iceberg.raw.t.files") == our_rows(project, "select partition, record_count from raw.t.files")


def test_create_or_replace_and_history(lake):
    project, spark = lake
    make(project, 2, "merge-on-read")
    project.sql("create or replace table raw.t using iceberg as select i as id, 'r' as fresh from range(5) r(i)")
    same(project, spark)
    assert rows_of(spark, "select operation from iceberg.raw.t.snapshots") == our_rows(project, "select operation from raw.t.snapshots")


def test_changelog_against_spark(lake):
    """Spark's own changelog knows copy-on-write only; there both must say the same."""
    project, spark = lake
    make(project, 2, "copy-on-write")
    (first,) = project.rows("select snapshot_id from raw.t.snapshots")[0]
    project.sql("delete from raw.t where id < 3", "update raw.t set name = 'u' where id = 150", "insert into raw.t values (7000, 'i', 1.00)")
    call = "call iceberg.system.create_changelog_view(table => 'raw.t', changelog_view => 'seen', options => map('start-snapshot-id', '{}'), identifier_columns => array('id'), net_changes => false)"
    spark.sql(call.format(first))
    found = rows_of(spark, "select id, name, _change_type from seen")
    told = project("sql", "--format", "csv", "-f", "-", input=f"{call.format(first)}; select id, name, _change_type from seen order by all;").out
    lines = told.splitlines()
    mine = [line.split(",") for line in lines[lines.index("id,name,_change_type") + 1 :] if line]
    assert sorted(mine) == sorted([str(int(id)), name, kind] for id, name, kind in found)
    assert len(found) == 6


@cell("Spark", "equality deletes of Tarn's", "reads, compacts")
@pytest.mark.parametrize("layout", ["", "partitioned by (region)", "partitioned by (bucket(4, id), region)"])
@pytest.mark.parametrize("version", [2, 3])
def test_equality_deletes_of_tarn(lake, version, layout):
    """Spark sees the rows that equality deletes of tarn's statements leave, changes them, and compacts them."""
    project, spark = lake
    project.sql(
        f"""create table raw.t (id bigint not null, region string, day date not null, n decimal(9,2), primary key (id, day)) {layout}
            tblproperties ('format-version' = '{version}', 'tarn.write.delete-files' = 'equality')""",
        "insert into raw.t select i, substr('abc', 1 + (i % 3)::int, 1), date '2024-01-01' + (i % 5)::int, i from range(100) r(i)",
    )
    for statement in (
        "delete from raw.t where id % 10 = 3",
        "update raw.t set n = -n, region = 'z' where id between 40 and 50",
        "update raw.t set id = id + 1000 where id in (1, 2)",
        """merge into raw.t using (select i as id, date '2024-01-01' + (i % 5)::int as day from range(90, 110) r(i)) s on t.id = s.id and t.day = s.day
           when matched and t.id % 2 = 0 then delete when matched then update set n = 0 when not matched then insert (id, day, n) values (s.id, s.day, 1)""",
        "insert into raw.t select 3, 'a', date '2024-01-04', 33",
    ):
        project.sql(statement)
        same(project, spark)
    assert {row[0] for row in our_rows(project, "select content from raw.t.delete_files")} == {2}
    if version == 3:
        lineage = "select id, _row_id, _last_updated_sequence_number from {}raw.t"
        assert our_rows(project, lineage.format("")) == rows_of(spark, lineage.format("iceberg."))
    spark.sql("delete from iceberg.raw.t where id % 7 = 0")
    spark.sql("update iceberg.raw.t set n = 7 where id between 20 and 30")
    same(project, spark)
    project.sql("update raw.t set n = 8 where id between 25 and 35", "delete from raw.t where n = 7")
    same(project, spark)
    rows = our_rows(project, "select * from raw.t")
    spark.sql("call iceberg.system.rewrite_data_files(table => 'raw.t', options => map('rewrite-all', 'true'))")
    assert rows_of(spark, "select * from iceberg.raw.t") == our_rows(project, "select * from raw.t") == rows
