/* tarn
description: "1: orders per company and crate type."
kind: table
tags: [gold]
checks: [{unique: [company_id, crate_type]}]
*/
select c.company_id, c.company_name, o.crate_type, count(*) as orders
from curated.sales_orders o
join curated.sales_companies c on c.company_id = o.company_id
group by all
