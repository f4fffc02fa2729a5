"""The close on the bare engine: the same steps from the same files to plain Parquet. close_engine.py DATA OUT plain|models [MEMORY_LIMIT]

`plain` writes the steps as one usually would; `models` takes the SQL of the example's models, which tarn runs too.
"""

import sys
from pathlib import Path

import duckdb

MODELS = Path(__file__).resolve().parents[1] / "examples/accounting/models/curated"

data, out, way, limit = sys.argv[1:5]
db = duckdb.connect(config={"memory_limit": limit} if limit else {})
db.execute(f"set temp_directory = '{out}/tmp'; set timezone = 'UTC'; set preserve_insertion_order = false")
MONEY = 'struct("$numberDecimal" varchar)'
db.execute(f"""
    copy (
        select _id."$oid" as _id, account_id, name, type, now() as ingest_ts
        from read_ndjson('{data}/accounts*.json', columns = {{_id: 'struct("$oid" varchar)', account_id: 'varchar', name: 'varchar', type: 'varchar'}})
    ) to '{out}/accounts.parquet' (compression zstd)""")
db.execute(f"""
    copy (
        select
            _id."$oid" as _id, entry_id, date, description,
            list_transform(lines, lambda l: {{
                'account_id': l.account_id,
                'debit': cast(l.debit."$numberDecimal" as decimal(18,2)),
                'credit': cast(l.credit."$numberDecimal" as decimal(18,2))
            }}) as lines,
            now() as ingest_ts
        from read_ndjson('{data}/journal_entries*.json', columns = {{
            _id: 'struct("$oid" varchar)', entry_id: 'varchar', date: 'varchar', description: 'varchar',
            lines: 'struct(account_id varchar, debit {MONEY}, credit {MONEY})[]'
        }})
    ) to '{out}/journal_entries.parquet' (compression zstd)""")


def own_text():
    """The models' own text over the Parquet files; the columns that tarn adds are a constant and the row's number here."""
    db.execute("create schema raw; create schema curated")
    for name in ("accounts", "journal_entries"):
        db.execute(f"""
            create view raw.fq_app_{name} as
            select *, '{name}.json' as _source_file, file_row_number as _source_offset
            from read_parquet('{out}/{name}.parquet', file_row_number = true)""")
    for name in ("fq_app_journal_entries_silver", "fq_app_journal_entries_gold"):
        db.execute(f"copy ({(MODELS / (name + '.sql')).read_text()}) to '{out}/{name}.parquet' (compression zstd)")
        db.execute(f"create view curated.{name} as select * from '{out}/{name}.parquet'")


def plain_text():
    """The steps as they are usually written: a window for the latest version, group by for the postings."""
    db.execute(f"""
        copy (
            with entries as (
                select * from '{out}/journal_entries.parquet'
                qualify row_number() over (partition by entry_id order by ingest_ts desc) = 1
            ),
            accounts as (
                select * from '{out}/accounts.parquet'
                qualify row_number() over (partition by account_id order by ingest_ts desc) = 1
            ),
            lines as (
                select _id, entry_id, cast(date as date) as entry_date, description, ingest_ts, unnest(lines) as line from entries
            ),
            postings as (
                select
                    _id, entry_id, entry_date, description, line.account_id as account_id,
                    cast(sum(line.debit) as decimal(18,2)) as debit, cast(sum(line.credit) as decimal(18,2)) as credit, ingest_ts
                from lines group by all
            )
            select p._id, p.entry_id, p.entry_date, p.description, p.account_id, a.name as account_name, a.type as account_type,
                p.debit, p.credit, p.ingest_ts
            from postings p left join accounts a on a.account_id = p.account_id
        ) to '{out}/fq_app_journal_entries_silver.parquet' (compression zstd)""")
    db.execute(f"""
        copy (
            select entry_id, entry_date, cast(sum(credit) as decimal(18,2)) as total_credit, cast(sum(debit) as decimal(18,2)) as total_debit
            from '{out}/fq_app_journal_entries_silver.parquet' group by entry_id, entry_date
        ) to '{out}/fq_app_journal_entries_gold.parquet' (compression zstd)""")


own_text() if way == "models" else plain_text()
row = db.execute(f"select count(*), sum(total_debit), sum(total_credit) from '{out}/fq_app_journal_entries_gold.parquet'").fetchone()
print(",".join(map(str, row)))
