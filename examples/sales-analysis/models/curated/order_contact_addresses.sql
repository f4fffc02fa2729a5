/* tarn
description: "3: city and postal code of each order's contact, Unknown and UNK00 where they are missing."
kind: table
tags: [gold]
checks: [{not_null: [order_id, contact_address]}]
*/
select
    order_id,
    coalesce(contact_city, 'Unknown') || ', ' || coalesce(contact_postal_code, 'UNK00') as contact_address
from curated.sales_orders
