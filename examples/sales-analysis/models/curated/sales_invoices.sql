/* tarn
description: Invoices in euro; the net value is rounded half up to a cent, without binary fractions on the way.
kind: table
tags: [silver]
checks:
  - unique: [invoice_id]
  - relationship: {column: order_id, to: curated.sales_orders.order_id, severity: warn}
*/
with latest as (
    select *
    from raw.sales_invoices
    qualify row_number() over (
        partition by id
        order by ingest_ts desc, _source_file desc, _source_offset desc
    ) = 1
),
parsed as (
    select
        id as invoice_id,
        "orderId" as order_id,
        cast("grossValue" as bigint) as gross_cents,
        cast(vat as decimal(9, 4)) as vat,
        1000000 + cast(cast(vat as decimal(9, 4)) * 10000 as bigint) as divisor -- 100 + vat, in ten thousandths
    from latest
)
select
    invoice_id,
    order_id,
    cast(gross_cents as decimal(18, 0)) * 0.01::decimal(3, 2) as gross_value,
    vat,
    cast(
        cast(sign(gross_cents) * ((2 * 1000000::hugeint * abs(gross_cents) + divisor) // (2 * divisor)) as decimal(16, 0))
        * 0.01::decimal(3, 2) as decimal(18, 2)
    ) as net_value
from parsed
