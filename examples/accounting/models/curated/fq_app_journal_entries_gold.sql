/* tarn
description: What each journal entry comes to.
kind: merge
key: [entry_id]
tags: [gold]
checks:
  - not_null: [entry_id]
  - unique: [entry_id]
*/
select
    entry_id,
    entry_date,
    cast(sum(credit) as decimal(18, 2)) as total_credit,
    cast(sum(debit) as decimal(18, 2)) as total_debit
from curated.fq_app_journal_entries_silver
group by entry_id, entry_date
