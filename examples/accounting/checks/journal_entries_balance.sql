/* tarn
description: Debits equal credits in every entry.
model: curated.fq_app_journal_entries_gold
severity: error
*/
select entry_id, entry_date, total_debit, total_credit, total_debit - total_credit as difference
from curated.fq_app_journal_entries_gold
where total_debit <> total_credit
