/* tarn
description: "4: what the first three owners of each order earn: 6, 2.5 and 0.95 % of its net value, in euro."
kind: table
tags: [gold]
checks: [{unique: [sales_owner]}, {expression: commission >= 0}]
*/
with ranked as (
    select order_id, unnest(salesowners) as sales_owner, generate_subscripts(salesowners, 1) as rank
    from curated.sales_orders
)
select
    r.sales_owner,
    cast(round(sum(cast(i.net_value * case r.rank
        when 1 then 0.0600::decimal(5, 4)
        when 2 then 0.0250::decimal(5, 4)
        else 0.0095::decimal(5, 4)
    end as decimal(24, 6))), 2) as decimal(18, 2)) as commission
from ranked r
join curated.sales_invoices i on i.order_id = r.order_id
where r.rank <= 3
group by r.sales_owner
order by commission desc, r.sales_owner
