/* tarn
description: "Chart: orders for plastic crates of each owner in the last twelve months with orders, fewest first: who to train."
kind: table
tags: [chart]
*/
with bounds as (
    select date_trunc('month', max(order_date)) - interval 11 months as first_day
    from curated.sales_orders
),
owned as (
    select unnest(salesowners) as sales_owner, crate_type, order_date
    from curated.sales_orders
)
select
    sales_owner,
    count(*) filter (where crate_type = 'Plastic' and order_date >= first_day) as plastic_orders
from owned, bounds
group by sales_owner
