alter table raw.t create branch if not exists audit retain 7 days with snapshot retention 2 snapshots; alter table raw.t create or replace tag v1;
alter table raw.t drop branch audit; comment on column raw.t.n is 'it''s'
