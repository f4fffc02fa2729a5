"""The close in PySpark local[2] with Iceberg: the same steps from the same files to Iceberg tables. close_spark.py DATA OUT"""

import os
import sys

from pyspark.sql import SparkSession

data, out = sys.argv[1:3]
builder = SparkSession.builder.master("local[2]")
for key, value in {
    "spark.jars": os.environ["TARN_SPARK_JARS"],
    "spark.driver.memory": "4g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.warehouse.dir": f"{out}/unused",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    "spark.sql.catalog.iceberg": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.iceberg.type": "hadoop",
    "spark.sql.catalog.iceberg.warehouse": out,
}.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("ERROR")

MONEY = "struct<`$numberDecimal`: string>"
spark.read.schema("_id struct<`$oid`: string>, account_id string, name string, type string").json(f"{data}/accounts*.json").createOrReplaceTempView("accounts")
spark.read.schema(
    f"_id struct<`$oid`: string>, entry_id string, date string, description string, lines array<struct<account_id: string, debit: {MONEY}, credit: {MONEY}>>"
).json(f"{data}/journal_entries*.json").createOrReplaceTempView("entries")

TABLES = {
    "raw.accounts": ("_id string, account_id string, name string, type string, ingest_ts timestamp", "days(ingest_ts)"),
    "raw.journal_entries": (
        "_id string, entry_id string, date string, description string,"
        " lines array<struct<account_id: string, debit: decimal(18,2), credit: decimal(18,2)>>, ingest_ts timestamp",
        "days(ingest_ts)",
    ),
    "curated.silver": (
        "_id string, entry_id string, entry_date date, description string, account_id string, account_name string, account_type string,"
        " debit decimal(18,2), credit decimal(18,2), ingest_ts timestamp",
        "years(entry_date)",
    ),
    "curated.gold": ("entry_id string, entry_date date, total_credit decimal(18,2), total_debit decimal(18,2)", None),
}
for table, (columns, partition) in TABLES.items():
    by = f"partitioned by ({partition})" if partition else ""
    spark.sql(f"create table iceberg.{table} ({columns}) using iceberg {by}")

spark.sql("insert into iceberg.raw.accounts select _id.`$oid`, account_id, name, type, now() from accounts")
spark.sql("""
    insert into iceberg.raw.journal_entries
    select _id.`$oid`, entry_id, date, description,
        transform(lines, l -> named_struct('account_id', l.account_id,
            'debit', cast(l.debit.`$numberDecimal` as decimal(18,2)), 'credit', cast(l.credit.`$numberDecimal` as decimal(18,2)))),
        now()
    from entries""")
spark.sql("""
    create or replace temp view silver as
    with e as (
        select * from (select *, row_number() over (partition by entry_id order by ingest_ts desc) as n from iceberg.raw.journal_entries) where n = 1
    ),
    a as (
        select * from (select *, row_number() over (partition by account_id order by ingest_ts desc) as n from iceberg.raw.accounts) where n = 1
    ),
    l as (
        select _id, entry_id, cast(date as date) as entry_date, description, ingest_ts, explode(lines) as line from e
    ),
    p as (
        select _id, entry_id, entry_date, description, line.account_id as account_id,
            cast(sum(line.debit) as decimal(18,2)) as debit, cast(sum(line.credit) as decimal(18,2)) as credit, ingest_ts
        from l group by _id, entry_id, entry_date, description, line.account_id, ingest_ts
    )
    select p._id, p.entry_id, p.entry_date, p.description, p.account_id, a.name as account_name, a.type as account_type, p.debit, p.credit, p.ingest_ts
    from p left join a on a.account_id = p.account_id""")
spark.sql("""
    merge into iceberg.curated.silver t using silver s on t.entry_id = s.entry_id and t.account_id = s.account_id
    when matched then update set * when not matched then insert *""")
spark.sql("""
    create or replace temp view gold as
    select entry_id, entry_date, cast(sum(credit) as decimal(18,2)) as total_credit, cast(sum(debit) as decimal(18,2)) as total_debit
    from iceberg.curated.silver group by entry_id, entry_date""")
spark.sql("""
    merge into iceberg.curated.gold t using gold s on t.entry_id = s.entry_id
    when matched then update set * when not matched then insert *""")
row = spark.sql("select count(*), sum(total_debit), sum(total_credit) from iceberg.curated.gold").collect()[0]
print(",".join(map(str, row)))
spark.stop()
