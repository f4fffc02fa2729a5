"""What Spark and Iceberg's Java library write and tarn reads and changes: defaults, variants, branches and staged snapshots, sort orders, added
files, nested evolution, maintenance between tarn's statements; and types of tarn's that Spark lacks."""

import json

import pytest
from cells import cell
from spark_side import ours, theirs


def same(project, spark, table="raw.t"):
    found = ours(project, table)
    assert found == theirs(spark, f"iceberg.{table}")
    return len(found[1])


def java_table(spark, table="raw.t"):
    return spark._jvm.org.apache.iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, f"iceberg.{table}")


DEFAULTS = {  # Java's name of the type -> its arguments, the default, what tarn shows
    "StringType": ([], "old", "old"),
    "IntegerType": ([], -7, "-7"),
    "LongType": ([], 5000000000, "5000000000"),
    "BooleanType": ([], True, "true"),
    "DoubleType": ([], 0.25, "0.25"),
    "DecimalType": ([9, 2], "-1.25", "-1.25"),
    "DateType": ([], "1969-12-31", "1969-12-31"),
    "TimeType": ([], "12:34:56.789012", "12:34:56.789012"),
    "TimestampType.withoutZone": ([], "1969-12-31T23:59:59.999999", "1969-12-31 23:59:59.999999"),
    "TimestampType.withZone": ([], "2024-02-29T12:34:56.789012+00:00", "2024-02-29 12:34:56.789012+00"),
    "UUIDType": ([], "f79c3e09-677c-4bbd-a479-3f349cb785e7", "f79c3e09-677c-4bbd-a479-3f349cb785e7"),
}


@cell("Spark", "defaults", "reads, writes")
@cell("Spark", "`time`", "refuses the table")
def test_defaults_of_java(lake):
    """Java's library gives columns defaults; Spark has no statement for it."""
    project, spark = lake
    spark.sql("create table iceberg.raw.t (id bigint) using iceberg tblproperties ('format-version' = '3')")
    spark.sql("insert into iceberg.raw.t values (1)")
    iceberg = spark._jvm.org.apache.iceberg
    change = java_table(spark).updateSchema()
    for i, (name, (arguments, value, _)) in enumerate(DEFAULTS.items()):
        kind = iceberg.types.Types
        for part in name.split("."):
            kind = getattr(kind, part)
        made = kind() if "." in name else getattr(kind, "of" if arguments else "get")(*arguments)
        change = change.addColumn(f"c{i}", made, iceberg.expressions.Expressions.lit(value).to(made))
    change.commit()
    shown = tuple(says for _, _, says in DEFAULTS.values())
    assert project.rows("select * from raw.t") == [("1", *shown)]
    assert project.one("select count(*) from raw.t where c0 = 'old' and c6 < date '1970-01-01'") == "1"
    project.sql("insert into raw.t (id) values (2)", "update raw.t set c0 = 'new' where id = 1")
    assert project.rows("select * from raw.t order by id") == [("1", "new", *shown[1:]), ("2", *shown)]
    with pytest.raises(Exception, match="Spark does not support time fields"):
        spark.sql("select id from iceberg.raw.t").collect()
    # Spark cannot read a decimal that has a default either: "Cannot cast default value to int: -1.25", which is what Parquet stores it as
    project.sql("alter table raw.t drop column c5", "alter table raw.t drop column c7")
    assert same(project, spark) == 2


@cell("Spark", "nanoseconds (`timestamp_ns`)", "refuses the table")
@cell("Spark", "`geometry`", "refuses the table")
@cell("Spark", "`unknown`", "reads")
def test_types_that_spark_lacks(lake):
    project, spark = lake
    for name, kind in (("n", "timestamp_ns"), ("g", "geometry"), ("u", "unknown")):
        project.sql(f"create table raw.{name} (id bigint, v {kind}) tblproperties ('format-version' = '3')", f"insert into raw.{name} (id) values (1)")
    for name, kind in (("n", "timestamp_ns"), ("g", "geometry")):
        with pytest.raises(Exception, match=f"Cannot convert unsupported type to Spark: {kind}"):
            spark.sql(f"select id from iceberg.raw.{name}").collect()
    assert same(project, spark, "raw.u") == 1


def variants(spark, where="true"):
    rows = spark.sql(f"select id, to_json(v) from iceberg.raw.t where {where} order by id").collect()
    return {row[0]: row[1] and json.loads(row[1]) for row in rows}


@cell("Spark", "variants", "reads, writes")
@pytest.mark.parametrize("shredded", ["true", "false"])
def test_variants_of_spark(lake, shredded):
    project, spark = lake
    spark.sql(f"create table iceberg.raw.t (id bigint, v variant) using iceberg tblproperties ('format-version' = '3', 'write.parquet.shred-variants' = '{shredded}')")
    spark.sql(
        """insert into iceberg.raw.t select /*+ coalesce(1) */ id, parse_json('{"a": ' || id || ', "b": "t' || id || '", "c": [1, null], "n": ' || id * 1.5 || '}') from range(300)
           union all select 1000L, parse_json('[1, "x", true]') union all select 1001L, parse_json('"text"') union all select 1002L, parse_json('{"a": "other"}')"""
    )
    (path,) = project.rows("select file_path from raw.t.files where record_count > 100")[0]
    metadata = spark._jvm.org.apache.iceberg.shaded.org.apache.parquet.hadoop.ParquetFileReader.open(
        spark._jvm.org.apache.iceberg.shaded.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(
            spark._jvm.org.apache.hadoop.fs.Path(path), spark._jvm.org.apache.hadoop.conf.Configuration()
        )
    )
    assert ("typed_value" in metadata.getFooter().toString()) == (shredded == "true")
    metadata.close()
    sums = project.rows("select sum(v.a::int), min(v.b::varchar), sum(v.n::decimal(9,1)) from raw.t where id < 300")
    assert sums == [(str(sum(range(300))), "t0", f"{sum(range(300)) * 1.5:.1f}")]
    assert project.one("select v[1]::varchar from raw.t where id = 1000") in ("1", "x")
    before = variants(spark)
    project.sql("delete from raw.t where v.a::varchar = '7'", "update raw.t set id = id + 2000 where id between 10 and 12")
    after = variants(spark)
    assert after == {(i + 2000 if 10 <= i <= 12 else i): v for i, v in before.items() if i != 7}
    project.sql("""update raw.t set v = '{"a": -1}'::json::variant where id = 1001""")
    assert variants(spark, "id = 1001") == {1001: {"a": -1}}


@cell("Spark", "branches and tags", "reads, writes")
def test_branches_and_staged_snapshots_of_spark(lake):
    project, spark = lake
    spark.sql("create table iceberg.raw.t (id bigint, n string) using iceberg tblproperties ('write.wap.enabled' = 'true')")
    spark.sql("insert into iceberg.raw.t values (1, 'a')")

    def staged(key, value, statement):
        spark.conf.set(key, value)
        try:
            spark.sql(statement)
        finally:
            spark.conf.unset(key)

    staged("spark.wap.id", "audit-1", "insert into iceberg.raw.t values (2, 'b')")
    assert project.rows("select id from raw.t") == [("1",)]
    assert project.one("select count(*) from raw.t.snapshots where summary['wap.id'] = 'audit-1'") == "1"
    project.sql("call iceberg.system.publish_changes('raw.t', 'audit-1')")
    assert same(project, spark) == 2
    staged("spark.wap.id", "audit-2", "insert into iceberg.raw.t values (3, 'c')")
    project.sql("insert into raw.t values (4, 'tarn')")
    picked = project.one("select snapshot_id from raw.t.snapshots where summary['wap.id'] = 'audit-2'")
    project.sql(f"call iceberg.system.cherrypick_snapshot('raw.t', {picked})")
    assert same(project, spark) == 4
    spark.sql("alter table iceberg.raw.t create branch audit retain 7 days")
    spark.sql("alter table iceberg.raw.t create tag before")
    staged("spark.wap.branch", "audit", "delete from iceberg.raw.t where id = 1")
    project.sql("insert into raw.t.branch_audit values (5, 'tarn')")
    assert project.rows("select id from raw.t.branch_audit order by id") == [("2",), ("3",), ("4",), ("5",)]
    project.sql("call iceberg.system.fast_forward('raw.t', 'main', 'audit')")
    assert same(project, spark) == 4
    assert project.one("select count(*) from raw.t version as of 'before'") == str(spark.sql("select * from iceberg.raw.t version as of 'before'").count()) == "4"


def test_orders_of_spark(lake):
    """tarn sorts by the order that Spark gave a table, and the reverse."""
    project, spark = lake
    spark.sql("create table iceberg.raw.t (id bigint, n string, d date) using iceberg partitioned by (d)")
    spark.sql("alter table iceberg.raw.t write distributed by partition locally ordered by n desc, id")
    project.sql("insert into raw.t select i, 'n' || (i % 5), date '2024-01-01' + (i % 2)::int from range(50) r(i)")
    assert same(project, spark) == 50
    assert project.rows("select sort_order_id, record_count from raw.t.files") == [("1", "25"), ("1", "25")]
    for day in ("2024-01-01", "2024-01-02"):
        rows = [(n, int(i)) for n, i in project.rows(f"select n, id from raw.t where d = '{day}' order by _pos")]
        assert rows == sorted(sorted(rows, key=lambda r: r[1]), key=lambda r: r[0], reverse=True)
    project.sql("alter table raw.t write ordered by bucket(4, id), n nulls last")
    spark.sql("insert into iceberg.raw.t values (100, 'z', date'2024-05-05')")
    told = spark.sql("show create table iceberg.raw.t").collect()[0][0]
    assert "'sort-order' = 'bucket(4, id) ASC NULLS FIRST, n ASC NULLS LAST'" in told
    assert same(project, spark) == 51


FILES = "select 1L as id, 'a' as n, named_struct('x', 1, 'y', 2) as s, array(named_struct('q', 5)) as l"


@pytest.mark.parametrize("adds", ["spark", "tarn"])
def test_added_files(lake, adds):
    """Files without field ids, added by either side, through renames by either side."""
    project, spark = lake
    folder = project.folder / "plain"
    spark.sql(FILES).write.parquet(str(folder))
    spark.sql("create table iceberg.raw.t (id bigint, n string, s struct<x: int, y: int>, l array<struct<q: int>>) using iceberg")
    call = f"call iceberg.system.add_files(table => 'raw.t', source_table => '`parquet`.`{folder}`')"
    spark.sql(call) if adds == "spark" else project.sql(call)
    assert same(project, spark) == 1
    spark.sql("alter table iceberg.raw.t rename column n to m")
    spark.sql("alter table iceberg.raw.t rename column s.x to xx")
    project.sql("alter table raw.t rename column l.element.q to qq", "alter table raw.t add column n string")
    assert same(project, spark) == 1
    assert project.rows("select m, n, s.xx, l[1].qq from raw.t") == [("a", None, "1", "5")]
    project.sql("insert into raw.t (id, m) values (2, 'tarn')")
    spark.sql("insert into iceberg.raw.t select 3, 'spark', null, null, null")
    assert same(project, spark) == 3
    project.sql("update raw.t set n = 'new' where id = 1")
    assert same(project, spark) == 3


@cell("Spark", "partition and schema evolution", "reads, evolves")
def test_nested_evolution_of_spark(lake):
    project, spark = lake
    spark.sql(
        """create table iceberg.raw.t (id int, s struct<a: int, b: string, t: struct<u: int>>, l array<struct<x: int>>, m map<string, struct<k: int>>)
           using iceberg partitioned by (id)"""
    )
    spark.sql("insert into iceberg.raw.t values (1, named_struct('a', 1, 'b', 'x', 't', named_struct('u', 9)), array(named_struct('x', 5), null), map('k', named_struct('k', 1)))")
    for change in (
        "rename column s.a to aa", "add column s.a bigint", "alter column s.aa type bigint", "drop column s.b", "add column l.element.y string",
        "rename column l.element.x to xx", "add column m.value.z date", "rename column m.value.k to kk", "add column s.t.w int first",
        "alter column s.t first", "alter column id type bigint", "replace partition field id with bucket(2, id)",
    ):  # fmt: skip
        spark.sql(f"alter table iceberg.raw.t {change}")
    assert same(project, spark) == 1
    project.sql("insert into raw.t select 2, {'t': {'w': 1, 'u': 2}, 'aa': 3, 'a': 4}, [{'xx': 1, 'y': 'w'}], map {'q': {'kk': 1, 'z': date '2024-01-01'}}")
    assert same(project, spark) == 2
    project.sql("update raw.t set id = id + 5")
    assert same(project, spark) == 2
    spark.sql("update iceberg.raw.t set id = id + 5")
    spark.sql("alter table iceberg.raw.t add partition field truncate(10, id)")
    project.sql("insert into raw.t (id) values (33)", "delete from raw.t where id = 11")
    assert same(project, spark) == 2
    assert project.one("select count(distinct spec_id) from raw.t.all_data_files") in ("2", "3")


@pytest.mark.parametrize("version", [2, 3])
def test_maintenance_between_statements(lake, version):
    """Metadata are packed with gzip meanwhile, and Spark reads and writes them so."""
    project, spark = lake
    project.sql(
        f"""create table raw.t (id bigint, n string) partitioned by (bucket(2, id)) tblproperties ('format-version' = '{version}',
            'write.delete.mode' = 'merge-on-read', 'write.update.mode' = 'merge-on-read', 'write.metadata.compression-codec' = 'gzip')""",
        *(f"insert into raw.t select i, 'n' || i from range({i * 20}, {i * 20 + 20}) r(i)" for i in range(3)),
        "delete from raw.t where id % 7 = 0",
        "delete from raw.t where id % 5 = 0",
    )
    rows = same(project, spark)
    for i, call in enumerate((
        "rewrite_position_delete_files(table => 'raw.t', options => map('rewrite-all', 'true'))",
        "rewrite_data_files(table => 'raw.t', options => map('rewrite-all', 'true'))",
        "rewrite_manifests(table => 'raw.t')",
        "expire_snapshots(table => 'raw.t', older_than => timestamp'2999-01-01 00:00:00', retain_last => 1)",
    )):  # fmt: skip
        spark.sql(f"call iceberg.system.{call}")
        assert same(project, spark) == rows, call
        assert all(location.endswith(".gz.metadata.json") for location in project.pointers().values())
        project.sql(f"update raw.t set n = 'u{i}' where id % 3 = 0", f"delete from raw.t where id = {i + 1}")
        rows -= 1
        assert same(project, spark) == rows, call
    assert project.one("select count(*) from raw.t.snapshots") == "3"


@cell("Spark", "several tables changed in one transaction", "sees them change together")
def test_a_transaction_is_one_version_for_them(lake):
    project, spark = lake
    project.sql("create table raw.t (id bigint)", "create table raw.u (id bigint)")
    project.sql("begin; insert into raw.t values (1), (2); delete from raw.t where id = 1; insert into raw.u select id from raw.t; commit")
    assert same(project, spark) == same(project, spark, "raw.u") == 1
    assert project.one("select count(*) from raw.t.snapshots") == str(spark.table("iceberg.raw.t.snapshots").count())


@pytest.mark.parametrize("required", [False, True], ids=["whole", "shredded"])
def test_names_in_variants_of_tarn(lake, required):
    """Readers look names up by halves: a dictionary and objects in the order in which JSON had them would hide fields."""
    project, spark = lake
    wide = ", ".join(f'"k{i:02}": {i}' for i in reversed(range(60)))
    project.sql(
        f"create table raw.t (id bigint, v variant {'not null' if required else ''}) tblproperties ('format-version' = '3')",
        f"""insert into raw.t select 1, '{{"b": 1, "a": {{"z": [{{"y": 2, "b": 3}}], "c": 4}}}}'::json::variant union all select 2, '{{{wide}}}'::json::variant
            union all select 3, {"'[]'::json::variant" if required else "null"}""",
    )
    fields = [f"variant_get(v, '$.{path}', 'int')" for path in ("b", "a.z[0].y", "a.z[0].b", "a.c", "k00", "k31", "k59")]
    rows = spark.sql(f"select {', '.join(fields)}, v is null from iceberg.raw.t order by id").collect()
    nothing = (None,) * 7
    assert [tuple(row) for row in rows] == [(1, 2, 3, 4, None, None, None, False), (*nothing[:4], 0, 31, 59, False), (*nothing, not required)]
    spark.sql("update iceberg.raw.t set id = id + 10")
    assert project.rows("select id, v.a.z[1].b::int, v.k31::int from raw.t order by id") == [("11", "3", None), ("12", None, "31"), ("13", None, None)]
