/* tarn
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
with several as ( -- entries that came more than once: the latest version counts, with all its lines
    select entry_id, max((ingest_ts, _source_file, _source_offset)) as latest
    from raw.fq_app_journal_entries
    where entry_id in (select entry_id from raw.fq_app_journal_entries group by entry_id having count(*) > 1)
    group by entry_id
),
accounts as (
    select account_id, arg_max({'name': name, 'type': type}, (ingest_ts, _source_file, _source_offset)) as account
    from raw.fq_app_accounts
    group by account_id
),
postings as ( -- several postings of an entry to one account are one row
    select j.*, unnest(list_distinct([coalesce(l.account_id, '') for l in j.lines])) as posted_to
    from raw.fq_app_journal_entries j
    left join several s on s.entry_id = j.entry_id
    where s.entry_id is null or s.latest = (j.ingest_ts, j._source_file, j._source_offset)
)
select
    p._id,
    p.entry_id,
    cast(p.date as date) as entry_date,
    p.description,
    nullif(p.posted_to, '') as account_id, -- none at all is a key that is null: the run says so
    a.account.name as account_name,
    a.account.type as account_type,
    cast(coalesce(list_sum([l.debit for l in p.lines if coalesce(l.account_id, '') = p.posted_to]), 0) as decimal(18, 2)) as debit,
    cast(coalesce(list_sum([l.credit for l in p.lines if coalesce(l.account_id, '') = p.posted_to]), 0) as decimal(18, 2)) as credit,
    p.ingest_ts
from postings p
left join accounts a on a.account_id = p.posted_to
