"""Tables that tarn's DDL makes and changes, read and changed on by Spark."""

import random

import pytest
from evolution_model import Table
from test_spark_tables import our_rows, rows_of, same


@pytest.mark.parametrize("version", [2, 3])
def test_tables_that_change(lake, version):
    project, spark = lake
    default = " default 7" if version == 3 else ""
    project.sql(
        "create table raw.t (id int not null, name string comment 'who', p struct<a: int>, ts timestamptz, primary key (id)) "
        f"partitioned by (days(ts), bucket(4, id)) write ordered by name desc, id tblproperties ('format-version' = '{version}')",
        "insert into raw.t select i, 'n' || i % 5, {'a': i}, timestamptz '2024-01-01 00:00:00+00' + to_hours(i::int) from range(100) r(i)",
        f"alter table raw.t add column score bigint{default}, rename column p.a to aa, add column p.b string",
        "alter table raw.t alter column id type bigint",
        "alter table raw.t replace partition field days(ts) with hours(ts)",
        "alter table raw.t create branch audit",
        "insert into raw.t.branch_audit (id, ts) values (1000, '2024-03-01 00:00:00+00')",
        "alter table raw.t create tag v1 retain 5 days",
        "insert into raw.t (id, name, ts) values (200, 'late', '2024-02-01 10:00:00+00')",
        "insert overwrite raw.t.branch_audit (id, ts) values (2000, '2024-03-02 00:00:00+00')",
    )
    same(project, spark)
    assert len(rows_of(spark, "select * from iceberg.raw.t version as of 'audit'")) == 1
    assert len(rows_of(spark, "select * from iceberg.raw.t version as of 'v1'")) == 100
    assert rows_of(spark, "select distinct sort_order_id from iceberg.raw.t.files") == [[1]]
    spark.sql("insert into iceberg.raw.t select 300L, 'spark', named_struct('aa', 1, 'b', 'x'), timestamp '2024-02-02 10:00:00', 5L").collect()
    spark.sql("alter table iceberg.raw.t add partition field truncate(2, name)").collect()
    project.sql("insert into raw.t (id, name, ts) values (400, 'tarn', '2024-02-03 10:00:00+00')", "alter table raw.t drop column score")
    same(project, spark)
    assert len(our_rows(project, "select * from raw.t")) == 103


def test_replaced_and_spread(lake):
    project, spark = lake
    project.sql(
        "create table raw.t tblproperties ('write.object-storage.enabled' = 'true', 'write.metadata.metrics.default' = 'counts') as select i as id from range(10) r(i)",
        "create or replace table raw.t partitioned by (id) as select id::int as id, 'x' as name from raw.t where id < 3",
        "insert overwrite raw.t partition (id = 1) values ('new')",
    )
    same(project, spark)
    assert len(rows_of(spark, "select * from iceberg.raw.t.snapshots")) == 3
    spark.sql("insert overwrite iceberg.raw.t partition (id = 2) values ('spark')").collect()
    same(project, spark)


def test_defaults_inside_of_columns(lake):
    """Defaults of fields in structs, lists and maps; columns that rows brought; the promoted key of a map."""
    project, spark = lake
    project.sql(
        "create table raw.t (id int, s struct<a: int>, l array<struct<a: int>>, m map<string, struct<v: int>>, k map<int, int>) using iceberg tblproperties ('format-version' = '3')",
        "insert into raw.t values (1, {'a': 1}, [{'a': 1}, null], map {'x': {'v': 1}, 'n': null}, map {1: 1}), (2, null, null, null, null)",
        "alter table raw.t add column s.x int default 5, add column l.element.x string default 'six', add column m.value.x double default 0.5",
        "alter table raw.t alter column k.key type bigint",
        "insert into raw.t values (3, {'a': 2}, [{'a': 2}], map {'x': {'v': 2}}, map {3000000000: 2})",
    )
    same(project, spark)
    project.sql(
        "insert with schema evolution into raw.t by name select 5000000000 as id, {'a': 4, 'new': date '2024-02-29'} as s, 'x' as extra",
        "merge with schema evolution into raw.t using (select 3 as id, {'more': 1} as s, 9 as score) n on t.id = n.id when matched then update set *",
        "alter table raw.t alter column s.x set default 50",
        "insert into raw.t (id, s) values (6, {'a': 6})",
    )
    same(project, spark)
    assert project.rows("select s.x from raw.t where id in (1, 6) order by id") == [("5",), ("50",)]


def test_nested_columns_of_files_without_ids(lake, tmp_path):
    """Spark's own files, taken as they are: both follow the mapping that Tarn writes."""
    project, spark = lake
    folder = tmp_path / "plain"
    spark.sql(
        "select 1L as id, named_struct('x', 1, 'y', 'a') as p, array(named_struct('x', 2), null) as l, map('k', named_struct('v', 0.5f)) as m "
        "union all select 2L, null, null, null"
    ).coalesce(1).write.parquet(str(folder))
    project.sql(
        f"call system.snapshot('{folder}', 'raw.t')",
        "alter table raw.t rename column p.x to z",
        "alter table raw.t add column p.x string",
        "alter table raw.t rename column l.element.x to xx",
        "alter table raw.t alter column m.value.v type double",
    )
    same(project, spark)
    project.sql("insert into raw.t values (3, {'z': 3, 'y': 'b', 'x': 'new'}, [{'xx': 3}], map {'k': {'v': 1.5}})")
    same(project, spark)
    assert project.rows("select p.z, p.x, l[1].xx from raw.t where id in (1, 3) order by id") == [("1", None, "2"), ("3", "new", "3")]


def holds_nothing(value):
    return all(map(holds_nothing, (v[1] if isinstance(v, tuple) else v for v in value))) if isinstance(value, list) else value is None


def agree(ours, theirs):
    """What files have no field left of is null to Iceberg's Java library, whatever it was."""
    if isinstance(ours, (list, tuple)) and isinstance(theirs, (list, tuple)):
        return len(ours) == len(theirs) and all(map(agree, ours, theirs))
    return ours == theirs or (theirs is None and isinstance(ours, list) and holds_nothing(ours))


@pytest.mark.parametrize("seed", [7, 8])
def test_columns_that_change_at_random(lake, seed):
    project, spark = lake
    table = Table(random.Random(seed), 2)
    statements = [table.create(), table.insert()] + [table.step() for _ in range(60)]
    print(";\n".join(statements))
    project("sql", "-f", "-", input="".join(f"{s};\n" for s in statements))
    columns = ", ".join(["k"] + [f.name for f in table.root.fields if f.name != "k"])
    ours, theirs = our_rows(project, f"select {columns} from raw.t"), rows_of(spark, f"select {columns} from iceberg.raw.t")
    pairs = list(zip(sorted(ours, key=lambda row: row[0]), sorted(theirs, key=lambda row: row[0]), strict=True))
    assert [pair for pair in pairs if not agree(*pair)] == []
