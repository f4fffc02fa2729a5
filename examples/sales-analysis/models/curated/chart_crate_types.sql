/* tarn
description: "Chart: orders a crate type, and their share in per cent."
kind: table
tags: [chart]
*/
select
    crate_type,
    count(*) as orders,
    cast(round(cast(count(*) as decimal(18, 0)) * 100 / sum(count(*)) over (), 1) as decimal(5, 1)) as share_percent
from curated.sales_orders
group by crate_type
