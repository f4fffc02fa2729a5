"""Several `tarn sql` at once over one warehouse: what they leave is what some order of them would have left, or they say CONFLICT.

Every process either succeeds, and then its change is in the table, or leaves with 4 and changed nothing.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import Lake

PROCESSES = 6
PATIENCE_S = 600  # of a machine that is busy with other things; nothing here waits for a time to pass


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake("sql", "create namespace raw; create table raw.t (id int, n int); insert into raw.t select i, 0 from range(60) r(i)")
    return lake


def together(lake, statements):
    """Starts all, then waits for all; results in the statements' order."""
    running = [lake.start("sql", "-e", statement) for statement in statements]

    def wait(process):
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, err

    with ThreadPoolExecutor(len(running)) as pool:
        return list(pool.map(wait, running))


def check_losers(results):
    for code, out, err in results:
        assert code in (0, 4), (code, out, err)
        if code == 4:  # T0303: the catalog's file was held for longer than its patience
            assert err.startswith(("error[T0300]: ", "error[T0303]: ")), err
            assert "T0303" in err or "hint: nothing was committed; run again" in err, err


def snapshots(lake, table="raw.t"):
    return int(lake.one(f"select count(*) from {table}.snapshots"))


def test_appends_all_go_through(lake):
    results = together(lake, [f"insert into raw.t select {100 + k}, i from range(10) r(i); insert into raw.t values ({200 + k}, 0)" for k in range(PROCESSES)])
    assert [code for code, _, _ in results] == [0] * PROCESSES, results
    rows = lake.rows("select id, count(*), sum(n) from raw.t where id >= 100 group by id order by id")
    assert rows == [(str(100 + k), "10", "45") for k in range(PROCESSES)] + [(str(200 + k), "1", "0") for k in range(PROCESSES)]
    assert snapshots(lake) == 1 + 2 * PROCESSES


def test_deletes_of_different_rows_of_one_file(lake):
    """They mark rows of the same file: whoever is late plans anew or says so; nobody's rows come back."""
    results = together(lake, [f"delete from raw.t where id % {PROCESSES} = {k}" for k in range(PROCESSES)])
    check_losers(results)
    winners = [k for k, (code, _, _) in enumerate(results) if code == 0]
    assert winners
    left = lake.rows("select distinct id % 6 from raw.t order by 1")
    assert left == [(str(k),) for k in range(PROCESSES) if k not in winners]
    assert snapshots(lake) == 1 + len(winners)


def test_counting_up_one_row(lake):
    """n is the number of processes that said it worked: no update is lost."""
    results = together(lake, ["update raw.t set n = n + 1 where id = 7"] * PROCESSES)
    check_losers(results)
    winners = sum(code == 0 for code, _, _ in results)
    assert winners >= 1
    assert lake.rows("select n, count(*) from raw.t where id = 7 group by n") == [(str(winners), "1")]
    assert lake.one("select count(*) from raw.t") == "60"


def test_merges_of_the_same_new_key(lake):
    """Serialisable: a key is inserted once and then updated, or the second says CONFLICT."""
    merge = (
        "merge into raw.t using (select 99 as id) s on t.id = s.id when matched then update set n = t.n + 1 when not matched then insert (id, n) values (s.id, 1)"
    )
    results = together(lake, [merge] * PROCESSES)
    check_losers(results)
    winners = sum(code == 0 for code, _, _ in results)
    assert lake.rows("select id, n from raw.t where id = 99") == [("99", str(winners))]


def test_one_makes_the_table(lake):
    results = together(lake, [f"create table raw.one as select {k} as k" for k in range(PROCESSES)])
    winners = [k for k, (code, _, _) in enumerate(results) if code == 0]
    assert len(winners) == 1, results
    for code, _, err in results:
        assert code == 0 or (code == 1 and 'table "raw.one" is there already' in err and "statement:1:14" in err), err
    assert lake.rows("select k from raw.one") == [(str(winners[0]),)]
    files = [p for p in (lake.warehouse / "raw" / "one").rglob("*") if p.is_file()]
    assert sorted(p.suffix for p in files) == [".avro", ".avro", ".json", ".parquet"], files


# ---- statements that define something: whoever is late answers by what is there now


def all_content(lake, statement):
    results = together(lake, [statement] * PROCESSES)
    assert [code for code, _, _ in results] == [0] * PROCESSES, results
    return results


def one_wins(lake, statement, told):
    """The others are told as if they had come later: with the place in the statement."""
    results = together(lake, [statement] * PROCESSES)
    assert sorted(c for c, _, _ in results) == [0] + [1] * (PROCESSES - 1), results
    for code, _, err in results:
        assert code == 0 or (told in err and "--> statement:1:" in err), err


IF_EXISTS = [  # before, the statement, a query and what it gives then
    ("", "create table if not exists raw.x (k int)", "select count(*) from raw.x", "0"),
    ("", "create table if not exists raw.x as select 1 as k", "select count(*) from raw.x", "1"),
    ("", "create view if not exists raw.v as select 1 as k", "select k from raw.v", "1"),
    ("", "create namespace if not exists more", "select 1", "1"),
    ("create table raw.x (k int)", "drop table if exists raw.x", "select 1", "1"),
    ("create table raw.x as select 1 as k", "drop table if exists raw.x purge", "select 1", "1"),
    ("create view raw.v as select 1 as k", "drop view if exists raw.v", "select 1", "1"),
    ("create namespace more", "drop namespace if exists more", "select 1", "1"),
    ("create namespace more; create table more.t (a int)", "drop namespace if exists more cascade", "select 1", "1"),
    ("", "alter table raw.t create branch if not exists b", "select count(*) from raw.t.branch_b", "60"),
    ("", "alter table raw.t create tag if not exists b", "select count(*) from raw.t.tag_b", "60"),
    ("alter table raw.t create branch b", "alter table raw.t drop branch if exists b", "select count(*) from raw.t.refs", "1"),
    ("alter table raw.t create tag b", "alter table raw.t drop tag if exists b", "select count(*) from raw.t.refs", "1"),
    ("", "alter table raw.t add column if not exists c int", "select count(c) from raw.t", "0"),
    ("alter table raw.t add column c int", "alter table raw.t drop column if exists c", "select count(*) from raw.t", "60"),
]


@pytest.mark.parametrize("before, statement, query, answer", IF_EXISTS, ids=[row[1] for row in IF_EXISTS])
def test_if_exists_is_no_error(lake, before, statement, query, answer):
    if before:
        lake("sql", before)
    all_content(lake, statement)
    assert lake.one(query) == answer
    lake("sql", statement)
    if statement.startswith("drop"):
        assert "raw.x" not in lake.tables() and lake.rows("show views") == [] and lake.rows("show namespaces") == [("raw",)]


ONCE = [
    ("", "create table raw.x (k int)", 'table "raw.x" is there already'),
    ("", "create view raw.v as select 1 as k", 'view "raw.v" exists already'),
    ("", "create namespace more", 'namespace "more" is there already'),
    ("create table raw.x (k int)", "drop table raw.x", 'table "raw.x" not found'),
    ("create view raw.v as select 1 as k", "drop view raw.v", 'view "raw.v" not found'),
    ("create namespace more", "drop namespace more", 'namespace "more" not found'),
    ("", "alter table raw.t create branch b", 'branch "b" is there already'),
    ("", "alter table raw.t add column c int", 'column "c" is there already'),
    ("", "alter table raw.t rename column n to m", 'column "n" not found'),
    ("", "alter table raw.t rename to raw.s", 'table "raw.'),
    ("create view raw.v as select 1 as k", "alter view raw.v rename to raw.w", 'view "raw.v" not found'),
]


@pytest.mark.parametrize("before, statement, told", ONCE, ids=[row[1] for row in ONCE])
def test_only_one_does_it(lake, before, statement, told):
    if before:
        lake("sql", before)
    one_wins(lake, statement, told)


def test_the_last_replaces(lake):
    results = together(lake, [f"create or replace view raw.v as select {k} as k" for k in range(PROCESSES)])
    assert [code for code, _, _ in results] == [0] * PROCESSES, results
    assert lake.one("select k between 0 and 5 from raw.v") == "true"
    results = together(lake, [f"create or replace table raw.x (k{k} int)" for k in range(PROCESSES)])
    assert [code for code, _, _ in results] == [0] * PROCESSES, results
    assert len(lake.columns("select * from raw.x")) == 1
    all_content(lake, "alter table raw.t create or replace branch b")
    assert lake.one("select count(*) from raw.t.branch_b") == "60"


def test_definitions_of_all_kinds_at_once(lake):
    """What does not speak of the same thing goes through, in whatever order."""
    results = together(
        lake,
        [f"alter table raw.t add column c{k} int" for k in range(3)]
        + ["alter table raw.t set tblproperties ('comment' = 'x')", "alter table raw.t create tag v", "alter table raw.t add partition field bucket(4, id)"],
    )
    assert [code for code, _, _ in results] == [0] * 6, results
    assert set(lake.columns("select * from raw.t")) == {"id", "n", "c0", "c1", "c2"}
    assert "bucket(4, id)" in lake("sql", "show create table raw.t").out
    assert lake.one("select count(*) from raw.t.refs") == "2"


def test_a_transaction_stays_at_what_it_saw(lake):
    results = together(lake, ["begin; alter table raw.t add column if not exists c int; commit"] * PROCESSES)
    check_losers(results)
    assert 0 in [code for code, _, _ in results]
    assert list(lake.columns("select * from raw.t")) == ["id", "n", "c"]


def test_one_renames(lake):
    results = together(lake, [f"alter table raw.t rename to raw.t{k}" for k in range(PROCESSES)])
    winners = [k for k, (code, _, _) in enumerate(results) if code == 0]
    assert len(winners) == 1, results
    for code, _, err in results:
        assert code == 0 or (code == 1 and 'table "raw.t" not found' in err), err
    assert lake.tables() == [f"raw.t{winners[0]}"]
    assert lake.one(f"select count(*) from raw.t{winners[0]}") == "60"


def test_schema_and_rows_at_once(lake):
    """Columns are added while rows come and go: every row and every column is there."""
    results = together(
        lake,
        ["alter table raw.t add column a int", "alter table raw.t add column b int"]
        + ["insert into raw.t (id, n) values (300, 1)", "delete from raw.t where id = 1", "insert into raw.t (id, n) values (301, 1)"],
    )
    check_losers(results)
    codes = [code for code, _, _ in results]
    assert codes[:2] == [0, 0], results
    assert set(lake.columns("select * from raw.t")) == {"id", "n", "a", "b"}
    expected = 60 + (codes[2] == 0) - (codes[3] == 0) + (codes[4] == 0)
    assert lake.one("select count(*) from raw.t") == str(expected)


def test_transactions_over_two_tables(lake):
    """Both tables move together, whoever wins."""
    lake("sql", "create table raw.u (n int); insert into raw.u values (0)")
    results = together(lake, ["begin; update raw.t set n = n + 1 where id = 0; update raw.u set n = n + 1; commit"] * PROCESSES)
    check_losers(results)
    winners = str(sum(code == 0 for code, _, _ in results))
    assert lake.rows("select t.n, u.n from raw.t, raw.u where t.id = 0") == [(winners, winners)]
