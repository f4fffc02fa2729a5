/* tarn
description: "5: each company with all its sales owners, each once, sorted by first name."
kind: table
tags: [gold]
checks: [{unique: [company_id]}]
*/
with owners as (
    select distinct company_id, unnest(salesowners) as sales_owner
    from curated.sales_orders
)
select
    c.company_id,
    c.company_name,
    string_agg(o.sales_owner, ', ' order by split_part(o.sales_owner, ' ', 1), o.sales_owner) as list_salesowners
from curated.sales_companies c
join owners o on o.company_id = c.company_id
group by c.company_id, c.company_name
