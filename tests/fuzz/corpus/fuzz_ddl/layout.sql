alter table raw.t add partition field truncate(2, n); alter table raw.t replace partition field at_day with hours(at);
alter table raw.t write ordered by n desc nulls first, bucket(4, id); alter table raw.t set tblproperties ('a' = 'b', 'format-version' = '3');
alter table raw.t unset tblproperties ('a'); comment on table raw.t is 'x'
