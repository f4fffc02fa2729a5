alter table raw.t add column more array<struct<k: string, v: double>> comment 'c' first;
alter table raw.t rename column s.a to "a b"; alter table raw.t alter column id type bigint;
alter table raw.t drop column m; alter table raw.t alter column id drop not null; alter table raw.t alter column n after at
