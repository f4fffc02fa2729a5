select 1; -- c;
insert into raw."a b" values (1, 'it''s; x', E'\n', $tag$;$tag$); /* a /* b */ ; */ update t set a.b = case when 1 then 2 end where x in (1,2); 