/* tarn
description: Journal entries, one row a posting, with the account's name and type.
kind: merge
key: [entry_id, account_id]
replace_by: [entry_id]
partition_by: [year(entry_date)]
tags: [silver]
audit: [ingest_ts]
checks:
  - not_null: [entry_id, entry_date, account_id]
  - relationship: {column: account_id, to: raw.fq_app_accounts.account_id, severity: warn}
*/
with entries as ( -- the latest version of each entry: all its lines count, those of earlier versions do not
    select *
    from raw.fq_app_journal_entries
    qualify row_number() over (
        partition by entry_id
        order by ingest_ts desc, _source_file desc, _source_offset desc
    ) = 1
),
accounts as (
    select account_id, name, type
    from raw.fq_app_accounts
    qualify row_number() over (
        partition by account_id
        order by ingest_ts desc, _source_file desc, _source_offset desc
    ) = 1
),
lines as (
    select _id, entry_id, cast("date" as date) as entry_date, description, ingest_ts, unnest(lines) as line
    from entries
),
postings as ( -- several postings of an entry to one account are one row
    select
        _id,
        entry_id,
        entry_date,
        description,
        line.account_id as account_id,
        cast(coalesce(sum(line.debit), 0) as decimal(18, 2)) as debit,
        cast(coalesce(sum(line.credit), 0) as decimal(18, 2)) as credit,
        ingest_ts
    from lines
    group by all
)
select
    p._id,
    p.entry_id,
    p.entry_date,
    p.description,
    p.account_id,
    a.name as account_name,
    a.type as account_type,
    p.debit,
    p.credit,
    p.ingest_ts
from postings p
left join accounts a on a.account_id = p.account_id
