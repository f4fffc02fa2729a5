/* tarn
description: "2: the full name of each order's contact, John Doe where there is none."
kind: table
tags: [gold]
checks: [{not_null: [order_id, contact_full_name]}]
*/
select
    order_id,
    coalesce(nullif(concat_ws(' ', contact_name, contact_surname), ''), 'John Doe') as contact_full_name
from curated.sales_orders
