"""Several `tarn sql` at once over one warehouse: what they leave is what some order of them would have left, or they say CONFLICT.

Every process either succeeds, and then its change is in the table, or leaves with 4 and changed nothing.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import Lake

PROCESSES = 6


@pytest.fixture
def lake(tmp_path):
    lake = Lake(tmp_path)
    lake("sql", "create namespace raw; create table raw.t (id int, n int); insert into raw.t select i, 0 from range(60) r(i)")
    return lake


def together(lake, statements):
    """Starts all, then waits for all; results in the statements' order."""
    running = [lake.start("sql", "-e", statement) for statement in statements]

    def wait(process):
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    with ThreadPoolExecutor(len(running)) as pool:
        return list(pool.map(wait, running))


def check_losers(results):
    for code, out, err in results:
        assert code in (0, 4), (code, out, err)
        if code == 4:
            assert err.startswith("error[T0300]: ") and "hint: nothing was committed; run again" in err, err


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
        assert code == 0 or "is there already" in err or "it was created meanwhile" in err, err
    assert lake.rows("select k from raw.one") == [(str(winners[0]),)]
    files = [p for p in (lake.warehouse / "raw" / "one").rglob("*") if p.is_file()]
    assert sorted(p.suffix for p in files) == [".avro", ".avro", ".json", ".parquet"], files


def test_if_not_exists_is_no_error(lake):
    results = together(lake, ["create table if not exists raw.two (k int)"] * PROCESSES)
    assert [code for code, _, _ in results] == [0] * PROCESSES, results
    assert lake.rows("select * from raw.two") == []


def test_one_renames(lake):
    results = together(lake, [f"alter table raw.t rename to raw.t{k}" for k in range(PROCESSES)])
    winners = [k for k, (code, _, _) in enumerate(results) if code == 0]
    assert len(winners) == 1, results
    for code, _, err in results:
        assert code == 0 or "raw.t" in err, err
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
    columns = set(lake.columns("select * from raw.t"))
    assert columns == {"id", "n"} | {name for name, code in zip("ab", codes) if code == 0}
    expected = 60 + (codes[2] == 0) - (codes[3] == 0) + (codes[4] == 0)
    assert lake.one("select count(*) from raw.t") == str(expected)


def test_transactions_over_two_tables(lake):
    """Both tables move together, whoever wins."""
    lake("sql", "create table raw.u (n int); insert into raw.u values (0)")
    results = together(lake, ["begin; update raw.t set n = n + 1 where id = 0; update raw.u set n = n + 1; commit"] * PROCESSES)
    check_losers(results)
    winners = str(sum(code == 0 for code, _, _ in results))
    assert lake.rows("select t.n, u.n from raw.t, raw.u where t.id = 0") == [(winners, winners)]
