/* tarn
description: Companies, each once, under the smallest id and the name that goes with it.
kind: table
tags: [silver]
checks:
  - unique: [company_id]
*/
select o.company_id, any_value(r.company_name) as company_name
from curated.sales_orders o
join (
    select company_id, arg_max(company_name, (ingest_ts, _source_file, _source_offset)) as company_name
    from raw.sales_orders
    group by company_id
) r on r.company_id = o.company_id
group by o.company_id
