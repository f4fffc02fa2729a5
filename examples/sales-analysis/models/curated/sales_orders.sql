/* tarn
description: Orders with real dates, the contact taken apart and the company's one id; the latest row of each order.
kind: table
tags: [silver]
checks:
  - not_null: [order_id, order_date, company_id]
  - unique: [order_id]
*/
with latest as (
    select *
    from raw.sales_orders
    qualify row_number() over (
        partition by order_id
        order by ingest_ts desc, _source_file desc, _source_offset desc
    ) = 1
),
parsed as (
    select
        *,
        try_cast(contact_data as json) as contacts, -- missing or broken: null
        -- one company whatever the case, spaces and punctuation of its name; the smallest id stands for it
        min(company_id) over (
            partition by regexp_replace(lower(company_name), '[^\p{L}\p{N}]', '', 'g')
        ) as company
    from latest
),
contact as (
    select *, case when json_type(contacts) = 'ARRAY' then contacts -> 0 else contacts end as person
    from parsed
)
select
    order_id,
    cast(strptime("date", '%d.%m.%y') as date) as order_date,
    company as company_id,
    crate_type,
    nullif(trim(person ->> 'contact_name'), '') as contact_name,
    nullif(trim(person ->> 'contact_surname'), '') as contact_surname,
    nullif(trim(person ->> 'city'), '') as contact_city,
    nullif(trim(person ->> 'cp'), '') as contact_postal_code,
    list_filter(list_transform(string_split(salesowners, ','), lambda owner: trim(owner)), lambda owner: owner <> '') as salesowners
from contact
