"""Tables that tarn's DDL makes and changes, read and changed on by Spark."""

import pytest
from test_spark_tables import lake, our_rows, rows_of, same, spark  # noqa: F401 (fixtures)


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
