create table if not exists raw."u v" (a int, b varchar(5) not null) using iceberg partitioned by (b) location 'mem://w/x' comment 'c';
alter table raw."u v" rename to raw.w; create namespace x.y with dbproperties ('k' = 'v'); drop table raw.w purge; drop namespace if exists x.y
