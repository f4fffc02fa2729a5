/* tarn
description: Orders a day and product category; cancelled orders do not count.
kind: table
app: ecommerce_db
partition_by: [order_date]
tags: [gold]
checks:
  - not_null: [order_date, category]
  - unique: [order_date, category]
*/
with orders as (
    select *
    from raw.ecommerce_db_orders
    qualify row_number() over (
        partition by order_id
        order by ingest_ts desc, _source_file desc, _source_offset desc
    ) = 1
),
products as (
    select product_id, category
    from raw.ecommerce_db_products
    qualify row_number() over (
        partition by product_id
        order by ingest_ts desc, _source_file desc, _source_offset desc
    ) = 1
)
select
    o.order_date,
    coalesce(p.category, 'Unknown') as category,
    count(*) as orders,
    count(distinct o.customer_id) as customers,
    cast(sum(o.quantity) as bigint) as quantity,
    cast(sum(o.amount) as decimal(18, 2)) as revenue
from orders o
left join products p on p.product_id = o.product_id
where o.status <> 'cancelled'
group by o.order_date, coalesce(p.category, 'Unknown')
