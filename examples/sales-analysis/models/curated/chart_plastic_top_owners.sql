/* tarn
description: "Chart: the five owners with most orders for plastic crates, month by month, over that month and the two before."
kind: table
tags: [chart]
checks: [{unique: [month, sales_owner]}]
*/
with months as (
    select cast(unnest(generate_series(
        date_trunc('month', min(order_date)), date_trunc('month', max(order_date)), interval 1 month
    )) as date) as month
    from curated.sales_orders
),
owned as (
    select unnest(salesowners) as sales_owner, order_date
    from curated.sales_orders
    where crate_type = 'Plastic'
)
select
    m.month,
    o.sales_owner,
    count(*) as plastic_orders,
    row_number() over (partition by m.month order by count(*) desc, o.sales_owner) as place
from months m
join owned o on o.order_date >= m.month - interval 2 months and o.order_date < m.month + interval 1 month
group by m.month, o.sales_owner
qualify place <= 5
