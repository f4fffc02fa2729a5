"""init makes projects that run as they are; doctor finds what is wrong with one; version."""

import contextlib
import fcntl
import gzip
import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest
from harness import EXAMPLES, Project, program


@pytest.fixture
def bench(tmp_path):
    """An empty folder to call init in."""
    return Project(tmp_path)


def write(folder, **files):
    """Files below a folder: path -> text or bytes."""
    for name, text in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())


def next_command(result):
    lines = [line for line in result.out.splitlines() if line.strip().startswith("next: ")]
    assert len(lines) == 1, result
    return lines[0].split("next: ", 1)[1]


def run_next(bench, result):
    """Runs the printed command in a shell, as a person would."""
    env = {**bench.env, "PATH": f"{Path(program()).resolve().parent}:{bench.env['PATH']}"}
    done = subprocess.run(["sh", "-c", next_command(result)], cwd=bench.folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done
    return done


def streams(bench, *args):
    """stream -> its JSON, of an init that succeeds."""
    return {s["stream"]: s for s in bench("init", *args, "--json").json()["streams"]}


def columns(stream):
    return {c["path"]: c["type"] for c in stream["columns"]}


# ---- init with sample data


def test_sample_project_runs_as_printed(bench):
    result = bench("init", "books")
    run_next(bench, result)
    books = Project(bench.folder / "books", bench.env)
    assert books.rows("select ordered_on, orders, turnover from gold.orders_by_day order by 1") == [
        ("2025-05-01", "2", "25.50"),
        ("2025-05-02", "1", "29.99"),
    ]
    assert books("run").out.count("up to date") > 0
    written = [line.split()[1] for line in result.out.splitlines() if line.strip().startswith("wrote")]
    assert sorted(written) == sorted(
        str(p.relative_to(books.folder))
        for p in books.folder.rglob("*")
        if p.is_file() and not {"warehouse", ".tarn"} & set(p.parts)
    )
    assert len(written) <= 5
    for name in written:
        assert name.endswith(".json") or "#" in books.read(name) or "--" in books.read(name), f"{name} explains nothing"


def test_init_in_the_working_directory(bench):
    (bench.folder / "My Shop!").mkdir()
    shop = Project(bench.folder / "My Shop!", bench.env)
    assert next_command(shop("init")) == "tarn run"
    assert "\nproject: my_shop\n" in shop.read("tarn.yaml")
    shop("run")


@pytest.mark.parametrize("name", ["a b", "it's", "-x", "a/b/c", "ü", "$HOME"])
def test_printed_command_is_quoted(bench, name):
    result = bench("init", *(["--"] if name.startswith("-") else []), name)
    run_next(bench, result)
    assert (bench.folder / name / "warehouse/catalog.db").exists()


def test_nothing_is_written_over(bench):
    write(bench.folder, **{"p/.gitignore": "mine\n", "p/models/gold/orders_by_day.sql": "select 1 as one\n"})
    result = bench("init", "p")
    assert "kept   .gitignore" in result.out and "wrote  tarn.yaml" in result.out
    assert bench.read("p/.gitignore") == "mine\n"
    assert bench.read("p/models/gold/orders_by_day.sql") == "select 1 as one\n"


def test_a_project_is_not_begun_twice(bench):
    bench("init", "p")
    before = bench.read("p/tarn.yaml")
    result = bench("init", "p", code=1)
    assert "is a project already" in result.err
    assert bench.read("p/tarn.yaml") == before
    bench("init", "p", str(EXAMPLES), code=1)
    assert bench.read("p/tarn.yaml") == before


def test_an_empty_tarn_yaml_is_none_yet(bench):
    write(bench.folder, **{"p/tarn.yaml": ""})
    bench("init", "p")
    assert bench.read("p/tarn.yaml").startswith("# p:")


def test_a_link_is_not_followed(bench):
    write(bench.folder, elsewhere="precious", **{"p/x": ""})
    (bench.folder / "p/.gitignore").symlink_to(bench.folder / "elsewhere")
    bench("init", "p")
    assert bench.read("elsewhere") == "precious"


def test_what_was_cut_short_can_be_begun_again(bench):
    write(bench.folder, **{"p/models": "a file where a folder must be"})
    assert "models" in bench("init", "p", code=None).err
    assert not (bench.folder / "p/tarn.yaml").exists()
    (bench.folder / "p/models").unlink()
    run_next(bench, bench("init", "p"))


@pytest.mark.parametrize(
    "args, code, message",
    [
        (["file"], 1, "is no folder"),
        (["p", "missing"], 1, "there is no file or folder"),
        (["p", "empty"], 1, "no files were found"),
        (["p", "--name", "a b"], 2, "no name of a project"),
        (["p", "--name="], 2, "name"),
        ([""], 2, "empty"),
        (["p", "file", "more"], 2, ""),
        (["file/p"], 1, ""),
    ],
)
def test_refusals(bench, args, code, message):
    write(bench.folder, file="")
    (bench.folder / "empty").mkdir()
    result = bench("init", *args, code=code)
    assert message in result.err and result.err.startswith("error[")
    assert not (bench.folder / "p").exists(), "what is refused leaves nothing behind"


def test_a_folder_that_may_not_be_written(bench):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (bench.folder / "locked").mkdir(mode=0o500)
    result = bench("init", "locked/p", code=3)
    assert "locked" in result.err


def test_the_name(bench):
    bench("init", "p", "--name", "Books-2")
    assert "\nproject: Books-2\n" in bench.read("p/tarn.yaml")


# ---- init with files


def test_accounting_example(bench):
    result = bench("init", "acc", str(EXAMPLES / "accounting/data"))
    for text in ["raw.journal_entries", "lines.element.debit", "decimal(38, 2)", "raw.ecommerce_db_orders", "ejson"]:
        assert text in result.out
    run_next(bench, result)
    acc = Project(bench.folder / "acc", bench.env)
    assert acc.rows("select row_count, files from gold.accounts_count") == [("5", "1")]
    assert {"raw.accounts", "raw.ecommerce_db_products", "raw.journal_entries"} <= set(acc.tables())
    assert not (EXAMPLES / "accounting/data/warehouse").exists()


def test_records_inside_a_document(bench):
    result = bench("init", "sales", str(EXAMPLES / "sales-analysis/data"))
    assert "records in data.invoices" in result.out and "semicolon" in result.out
    run_next(bench, result)
    sales = Project(bench.folder / "sales", bench.env)
    assert sales.one("select count(*) from raw.invoices") == "8"


def test_a_list_beside_other_keys_is_left_in_its_document(bench):
    write(bench.folder, **{"in/report.json": '{"made": "today", "rows": [{"a": 1}, {"a": 2}]}'})
    found = streams(bench, "p", "in")
    assert columns(found["report"]) == {"made": "string", "rows": "list<struct>", "rows.element.a": "long"}
    assert "# records: rows" in bench.read("p/tarn.yaml")
    Project(bench.folder / "p", bench.env)("run")


def test_files_of_one_stream_and_what_comes_later(bench):
    write(
        bench.folder,
        **{
            "in/orders-2024-01-31.json": '{"id": 1}\n',
            "in/orders-2024-02-29.json": '{"id": 2}\n',
            "in/orders-archive.json": '{"old": 1}\n',
            "in/lines/2024/01/part-0.csv": "id,n\n1,2\n",
            "in/lines/2024/02/part-1.csv": "id,n\n3,4\n",
            "in/notes.txt": "not data",
            "in/.hidden.json": "{",
            "in/half.json.tmp": "{",
        },
    )
    found = streams(bench, "p", "in")
    assert {name: s["files"] for name, s in found.items()} == {"orders": 2, "orders_archive": 1, "lines": 2}
    project = Project(bench.folder / "p", bench.env)
    project("run")
    assert project.one("select count(*) from raw.orders") == "2"
    assert project.one("select sum(n) from raw.lines") == "6"
    write(bench.folder, **{"in/orders-2024-03-31.json": '{"id": 3}\n', "in/lines/2024/03/part-0.csv": "id,n\n5,6\n"})
    project("run")
    assert project.one("select count(*) from raw.orders") == "3"
    assert project.one("select count(*) from raw.orders_archive") == "1"
    assert project.one("select sum(n) from raw.lines") == "12"


def test_every_file_is_in_one_stream(bench):
    """Names that patterns confuse: each file is ingested exactly once."""
    names = ["a.json", "a-b.json", "a-1.json", "a/x.json", "a/1.json", "1-a.json", "a-b-1.json", "A-2.json", "a[1].json", "a_b/c/d.json",
             "b=1/a.json", "b=2/a.json"]
    write(bench.folder, **{f"in/{name}": json.dumps({"name": name}) for name in names})
    found = streams(bench, "p", "in")
    assert sum(s["files"] for s in found.values()) == len(names)
    project = Project(bench.folder / "p", bench.env)
    project("run")
    union = " union all ".join(f"select name from {s['table']}" for s in found.values())
    assert sorted(name for (name,) in project.rows(union)) == sorted(names)


def test_a_folder_of_names_is_one_stream(bench):
    write(bench.folder, **{f"in/people/{who}.json": json.dumps({"who": who, "n": i}) for i, who in enumerate(["ada", "ben", "cy"])})
    write(bench.folder, **{"in/shop/carts.json": '{"cart": 1}', "in/shop/pots.json": '{"pot": "x", "litres": 2}'})
    found = streams(bench, "p", "in")
    assert set(found) == {"people", "shop_carts", "shop_pots"}
    assert found["people"]["files"] == 3 and "note" in found["people"]
    project = Project(bench.folder / "p", bench.env)
    project("run")
    write(bench.folder, **{"in/people/dot.json": '{"who": "dot", "n": 3}'})
    project("run")
    assert project.one("select count(*) from raw.people") == "4"


def test_many_names_in_one_folder(bench):
    write(bench.folder, **{f"in/{'abcdefghij'[i // 10]}x{'abcdefghij'[i % 10]}.json": json.dumps({"i": i}) for i in range(100)})
    found = streams(bench, "p", "in")
    assert [s["files"] for s in found.values()] == [100]
    project = Project(bench.folder / "p", bench.env)
    project("run")
    assert project.one("select count(distinct i) from raw.\"in\"") == "100"


def test_csv_of_all_kinds(bench):
    write(
        bench.folder,
        **{
            "in/semi.csv": "id;name;price\n1;A;1.50\n2;B;2.25\n",
            "in/tab.tsv": "id\tname\n1\ta,b\n",
            "in/bar.csv": "id|name\n1|x\n2|y\n",
            "in/bare.csv": "1,Ada\n2,Ben\n",
            "in/legacy.csv": "id,name\n1,M\xfcller\n".encode("windows-1252"),
            "in/wide.csv": "id,name\n1,Grüße\n".encode("utf-16"),
            "in/packed.csv.gz": gzip.compress(b"id,n\n1,2\n"),
        },
    )
    found = streams(bench, "p", "in")
    assert {name: (s["delimiter"], s["header"], s["encoding"]) for name, s in found.items()} == {
        "semi": (";", True, "utf-8"),
        "tab": ("\t", True, "utf-8"),
        "bar": ("|", True, "utf-8"),
        "bare": (",", False, "utf-8"),
        "legacy": (",", True, "windows-1252"),
        "wide": (",", True, "utf-16"),
        "packed": (",", True, "utf-8"),
    }
    project = Project(bench.folder / "p", bench.env)
    assert "set aside" not in project("run").out
    assert project.rows("select column0, column1 from raw.bare order by 1") == [("1", "Ada"), ("2", "Ben")]
    assert project.one("select name from raw.legacy") == "Müller"
    assert project.one("select name from raw.wide") == "Grüße"
    assert project.one("select name from raw.tab") == "a,b"
    assert project.one("select sum(price) from raw.semi") == "3.75"
    assert project.one("select n from raw.packed") == "2"


def test_parquet(bench):
    bench("init", "first")
    first = Project(bench.folder / "first", bench.env)
    first("run")
    (bench.folder / "in/parts").mkdir(parents=True)
    for i, path in enumerate(sorted((first.warehouse / "gold").rglob("*.parquet"))):
        shutil.copy(path, bench.folder / f"in/parts/part-{i}.parquet")
    found = streams(bench, "p", "in")
    assert columns(found["parts"]) == {"ordered_on": "date", "orders": "long", "turnover": "decimal(18, 2)"}
    project = Project(bench.folder / "p", bench.env)
    project("run")
    assert project.one("select sum(turnover) from raw.parts") == "55.49"


def test_money_is_suggested_and_the_suggestion_holds(bench):
    write(
        bench.folder,
        **{"in/a.json": '{"id": 1, "amount": 0.1, "lat": 51.50735, "score": 4.5, "rate": 1.25, "lines": [{"unit price": 2.5, "tax": 0.75}]}\n'},
    )
    found = streams(bench, "p", "in")["a"]
    suggested = {c["path"]: c["suggested"] for c in found["columns"] if "suggested" in c}
    assert suggested == {
        "amount": "decimal(18,2)",
        "rate": "decimal(18,2)",
        "lines.element.unit price": "decimal(18,2)",
        "lines.element.tax": "decimal(18,2)",
    }
    text = bench.read("p/tarn.yaml")
    bench.write("p/tarn.yaml", text.replace("    # columns: #", "    columns: #").replace("    #   ", "      "))
    project = Project(bench.folder / "p", bench.env)
    project("run")
    assert project.one("select typeof(amount) || typeof(lines[1].tax) from raw.a") == "DECIMAL(18,2)DECIMAL(18,2)"
    assert project.one("select amount from raw.a") == "0.10"


def test_one_file(bench):
    write(bench.folder, **{"in/orders-1.csv": "id,n\n1,2\n", "in/orders-2.csv": "id,n\n3,4\n", "in/odd.txt": '{"a": 1}\n{"a": 2}\n'})
    found = streams(bench, "p", "in/orders-1.csv")
    assert {name: s["files"] for name, s in found.items()} == {"orders": 1}
    project = Project(bench.folder / "p", bench.env)
    project("run")
    assert project.one("select sum(n) from raw.orders") == "2"
    assert streams(bench, "q", "in/odd.txt")["odd"]["format"] == "json"
    project = Project(bench.folder / "q", bench.env)
    project("run")
    assert project.one("select sum(a) from raw.odd") == "3"


def test_what_cannot_be_read_is_told_and_left_out(bench):
    write(
        bench.folder,
        **{
            "in/good.json": '{"a": 1}',
            "in/cut.json.gz": gzip.compress(b'{"a": 1}' * 100)[:-9],
            "in/twice.csv": "a,a\n1,2\n",
            "in/none.csv": "",
            "in/words.json": "hello, world",
            "in/no.parquet": b"PAR1 and nothing",
        },
    )
    result = bench("init", "p", "in")
    for name in ["cut", "twice", "none", "words", "no"]:
        assert f"left out: {name}, 1 file:" in result.out
        assert f"# left out: {name} (1 file):" in bench.read("p/tarn.yaml")
    run_next(bench, result)
    project = Project(bench.folder / "p", bench.env)
    assert project.one("select count(*) from raw.good") == "1"


def test_nothing_that_can_be_read(bench):
    write(bench.folder, **{"in/twice.csv": "a,a\n1,2\n"})
    result = bench("init", "p", "in", code=1)
    assert "none of the files" in result.err and "stands twice" in result.err
    assert not (bench.folder / "p").exists()


@pytest.mark.parametrize("name", ["select", "order", "table", "2024-01", "ünï", "a b", "x${HOME}y", "null", "files", "Über:Mut #1"])
def test_odd_names(bench, name):
    write(bench.folder, **{f"in/{name}.json": '{"a b": 1, "x.y": 2.55, "select": 3}'})
    run_next(bench, bench("init", "p", "in"))
    project = Project(bench.folder / "p", bench.env)
    gold = [t for t in project.tables() if t.startswith("gold.")]
    assert len(gold) == 1 and gold[0].endswith("_count")


def test_files_in_the_project_itself(bench):
    """`tarn init . .`: the tables that runs write are no input."""
    write(bench.folder, **{"orders.json": '{"a": 1}\n', "warehouse/old.json": '{"b": 1}\n'})
    found = streams(bench, ".", ".")
    assert set(found) == {"orders"}
    assert "path: \".\"" in bench.read("tarn.yaml")
    bench("run")
    bench("run")
    assert bench.one("select count(*) from raw.orders") == "1"


def test_source_below_the_project_is_relative(bench):
    write(bench.folder, **{"p/in/a.json": '{"a": 1}'})
    bench("init", "p", "p/in")
    assert "path: in #" in bench.read("p/tarn.yaml")
    shutil.move(bench.folder / "p", bench.folder / "q")
    Project(bench.folder / "q", bench.env)("run")


def test_formats_of_output(bench):
    write(bench.folder, **{"in/a.json": '{"a": 1, "amount": 2.50}'})
    result = bench("init", "p", "in", "--format", "csv")
    assert result.out == 'table,column,type,remark\nraw.a,a,long,""\nraw.a,amount,double,"money? decimal(18,2)"\n'
    assert "wrote  tarn.yaml" in result.err
    assert bench("init", "q", "in", "-q").out.count("wrote") == 0
    answer = bench("init", "r", "in", "--json").json()
    assert answer["v"] == 1 and answer["project"] == "r" and answer["next"] == "cd r && tarn run"
    assert {"path": "tarn.yaml", "written": True} in answer["files"]


def test_environment_does_not_spoil_init(bench):
    bench("init", "p", env={"TARN_PROFILE": "production", "TARN_WAREHOUSE": "/nowhere"})


# ---- doctor


def findings(project, *args, code=0, env=None):
    answer = project("doctor", "--json", *args, code=code, env=env).json()
    assert answer["v"] == 1
    assert answer["status"] == ("fail" if code else "warn" if any(c["status"] == "warn" for c in answer["checks"]) else "ok")
    return answer["checks"]


def only(checks, status):
    return [(c["check"], c["message"]) for c in checks if c["status"] == status and c["check"] not in ("disk", "memory", "file system")]


@pytest.fixture
def books(bench):
    bench("init", "books")
    project = Project(bench.folder / "books", bench.env)
    project("run")
    return project


def test_a_healthy_project(books):
    before = {p: p.stat().st_mtime_ns for p in books.folder.rglob("*") if p.is_file() and "catalog.db" not in p.name}
    checks = findings(books)
    assert not only(checks, "fail") and not only(checks, "warn")
    assert {"engine", "clock", "project", "stream", "models", "warehouse", "catalog", "tables"} <= {c["check"] for c in checks}
    assert ("tables", "3 tables, 3 files: all there") in only(checks, "ok")
    assert before == {p: p.stat().st_mtime_ns for p in books.folder.rglob("*") if p.is_file() and "catalog.db" not in p.name}
    text = books("doctor").out
    assert "0 failures" in text and "  ok    tables" in text
    assert books("doctor", "--quiet").out.count("  ok ") == 0


def test_before_the_first_run(bench):
    bench("init", "p")
    project = Project(bench.folder / "p", bench.env)
    checks = findings(project)
    assert not only(checks, "fail")
    assert not project.warehouse.exists(), "doctor makes nothing"


def test_without_a_project(bench):
    assert only(findings(bench), "warn") == [("project", "there is no tarn.yaml here or above")]
    failed = only(findings(bench, "-C", str(bench.folder), code=1), "fail")
    assert failed and failed[0][0] == "project"


def test_a_broken_project_is_placed(books):
    books.edit("tarn.yaml", "not_null", "not_nul")
    checks = findings(books, code=1)
    [broken] = [c for c in checks if c["status"] == "fail"]
    assert broken["check"] == "project" and broken["place"].startswith("tarn.yaml:") and "not_null" in str(broken)


def test_a_model_that_does_not_parse(books):
    books.write("models/gold/bad.sql", "select from where\n")
    [bad] = [c for c in findings(books, code=1) if c["status"] == "fail"]
    assert bad["check"] == "models" and "models/gold/bad.sql:1" in bad["place"]


def test_a_variable_that_is_not_set(books):
    books.edit("tarn.yaml", "path: data", 'path: "${BOOKS_DATA}"')
    assert "BOOKS_DATA" in only(findings(books, code=1), "fail")[0][1]
    findings(books, env={"BOOKS_DATA": "data"})


def test_secrets_are_not_shown(books):
    books.edit("tarn.yaml", "path: data", 'path: "${secret:where}"')
    result = books("doctor", code=1, env={"TARN_SECRET_WHERE": "topsecret-folder"})
    assert "no folder" in result.out
    books("doctor", code=1)


def test_sources(books):
    shutil.rmtree(books.folder / "data")
    assert only(findings(books, code=1), "fail")[0][0] == "source"
    (books.folder / "data").mkdir()
    [(check, message)] = only(findings(books), "warn")
    assert check == "stream" and "no file matches" in message


def test_a_moved_warehouse(books, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.move(books.folder, moved)
    project = Project(moved, books.env)
    [fault] = [c for c in findings(project, code=1) if c["status"] == "fail"]
    assert fault["check"] == "moved" and "3 tables" in fault["message"] and str(books.folder / "warehouse") in fault["message"]
    subprocess.run(fault["mend"].split("lead here: ")[1], shell=True, check=True)
    assert not only(findings(project), "fail")
    assert project.one("select count(*) from raw.orders") == "3"


def test_a_copied_warehouse(books, tmp_path):
    shutil.copytree(books.folder, tmp_path / "copy")
    [(check, message)] = only(findings(Project(tmp_path / "copy", books.env), code=1), "fail")
    assert check == "copied" and "3 tables" in message


def test_a_missing_data_file(books):
    [victim] = (books.warehouse / "raw/files/orders/data").rglob("*.parquet")
    victim.unlink()
    [(check, message)] = only(findings(books, code=1), "fail")
    assert check == "table" and message.startswith("raw.orders: ") and victim.name in message


def test_a_cut_data_file(books):
    [victim] = (books.warehouse / "raw/files/orders/data").rglob("*.parquet")
    victim.write_bytes(victim.read_bytes()[:-1])
    [(check, message)] = only(findings(books, code=1), "fail")
    assert check == "table" and "its manifest says" in message


def test_each_broken_table_is_named(books):
    for table in ["raw.orders", "gold.orders_by_day"]:
        Path(books.pointers()[table].removeprefix("file://")).write_text("{")
    failed = only(findings(books, code=1), "fail")
    assert sorted(m.split(":")[0] for _, m in failed) == ["gold.orders_by_day", "raw.orders"]


def test_a_catalog_that_is_none(books):
    for path in books.warehouse.glob("catalog.db*"):
        path.unlink()
    (books.warehouse / "catalog.db").write_bytes(b"not a database, but long enough to be looked at" * 100)
    assert only(findings(books, code=1), "fail")[0][0] == "catalog"


def test_a_warehouse_alone(books, bench):
    checks = findings(bench, "--warehouse", "books/warehouse")
    assert ("tables", "3 tables, 3 files: all there") in only(checks, "ok")
    assert only(findings(bench, "--warehouse", "nowhere", code=1), "fail")[0][0] == "warehouse"


def test_a_warehouse_that_may_not_be_written(books):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    books.warehouse.chmod(0o500)
    try:
        assert only(findings(books, code=1), "fail")[0][0] == "warehouse"
    finally:
        books.warehouse.chmod(0o700)


def test_a_warehouse_that_is_a_file(books):
    shutil.rmtree(books.warehouse)
    books.warehouse.write_text("x")
    assert only(findings(books, code=1), "fail")[0][0] == "warehouse"


def test_leftovers(books):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (books.folder / f".tarn/tmp/{gone.pid}").mkdir(parents=True)
    (books.folder / f".tarn/tmp/{os.getpid()}").mkdir(parents=True)
    [(check, message)] = only(findings(books), "warn")
    assert check == "leftovers" and message.startswith("1 temporary folder of")


def test_the_lock_is_seen_and_not_disturbed(books):
    path = books.folder / ".tarn/run.lock"
    assert not [c for c in findings(books) if c["check"] == "lock"]
    with contextlib.closing(path.open("r+")) as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        [lock] = [c for c in findings(books) if c["check"] == "lock"]
        assert lock["status"] == "ok" and f"process {os.getpid()}" in lock["message"]
        books("run", code=4)


def test_tables_of_the_future(books):
    location = books.pointers()["raw.orders"].removeprefix("file://")
    text = json.loads(Path(location).read_text())
    text["last-updated-ms"] += 10 * 365 * 24 * 3600 * 1000
    Path(location).write_text(json.dumps(text))
    warned = only(findings(books), "warn")
    assert warned and warned[0][0] == "clock" and "raw.orders" in warned[0][1]


def test_limits_of_the_profile(books):
    books.edit("tarn.yaml", "    warehouse: ./warehouse", "    memory_limit: 900TB\n    threads: 1000\n    warehouse: ./warehouse")
    warned = {c["check"] for c in findings(books) if c["status"] == "warn"}
    assert {"memory", "cores"} <= warned


def test_other_formats(books):
    lines = books("doctor", "--format", "csv").out.splitlines()
    assert lines[0] == "status,check,message,place,mend" and lines[1].startswith("ok,engine,")
    assert books("doctor", "--format", "md").out.startswith("| status")


# ---- version


def test_version(bench):
    assert bench("version").out == bench("--version").out
    assert bench("version").out.startswith("tarn 0.1.0 (DuckDB v1.5.")
    answer = bench("version", "--json").json()
    assert answer["v"] == 1 and answer["version"] == "0.1.0" and answer["engine"].startswith("DuckDB v")


def test_catalog_of_the_sample_is_plain_sqlite(books):
    with contextlib.closing(sqlite3.connect(f"file:{books.warehouse}/catalog.db?mode=ro", uri=True)) as db:
        assert db.execute("select count(*) from iceberg_tables").fetchone() == (3,)
