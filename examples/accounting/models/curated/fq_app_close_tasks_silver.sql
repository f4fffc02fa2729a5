/* tarn
description: Tasks of the month-end close, the latest state of each.
kind: merge
key: [task_id]
tags: [silver]
audit: [ingest_ts]
checks:
  - not_null: [task_id]
  - accepted_values: {column: status, values: [Not Started, In Progress, Blocked, Complete]}
*/
select
    _id,
    coalesce(task_id, _id) as task_id, -- a task without an id of its own goes by its document's
    name,
    assigned_to,
    status,
    cast(due_date as date) as due_date,
    ingest_ts
from raw.fq_app_close_tasks
qualify row_number() over (
    partition by coalesce(task_id, _id)
    order by ingest_ts desc, _source_file desc, _source_offset desc
) = 1
