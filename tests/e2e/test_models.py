"""Models beyond the examples: types that change, kinds, names."""

from harness import small_project


def test_a_sum_of_whole_numbers_is_merged_as_it_was_made(tmp_path):
    """The engine's sum of a long has 128 bits: decimal(38,0) in the table, also in the second run."""
    project = small_project(tmp_path / "p")
    project.write("models/curated/total.sql", "/* tarn\nkind: merge\nkey: [id]\n*/\nselect id, sum(amount) as total from curated.items group by id\n")
    project("run")
    project.write("data/items-2.json", '{"id": 1, "amount": 9007199254740993}\n')
    project("run")
    assert project.rows("select id, total, typeof(total) from curated.total order by id") == [
        ("1", "9007199254740993", "DECIMAL(38,0)"),
        ("2", "7", "DECIMAL(38,0)"),
    ]


def test_a_model_follows_a_column_that_widens(tmp_path):
    """long -> double in the raw table is no promotion of Iceberg's; the tables made from it follow."""
    project = small_project(tmp_path / "p")
    project.write("models/curated/whole.sql", "select * from raw.items\n")
    project("run")
    project.write("data/items-2.json", '{"id": 1, "amount": 4.5}\n')
    project("run")
    for table in ("curated.items", "curated.whole"):
        assert project.rows(f"select distinct typeof(amount) from {table}") == [("DOUBLE",)]
    assert project.rows("select id, amount from curated.items order by id") == [("1", "4.5"), ("2", "7.0")]
    assert "up to date" in project("run").text


def test_a_view_is_read_in_its_place(tmp_path):
    project = small_project(tmp_path / "p")
    project.write("models/curated/big.sql", "/* tarn\nkind: view\n*/\nselect id from raw.items where amount > 5\n")
    project.write("models/curated/of_view.sql", "select count(*) as n from curated.big\n")
    project("run")
    assert project.one("select n from curated.of_view") == "1"
    assert project.rows("select id from curated.big") == [("2",)]
    assert "curated.big" not in project.tables()


def test_an_append_model_adds(tmp_path):
    project = small_project(tmp_path / "p")
    project.write("models/curated/log.sql", "/* tarn\nkind: append\n*/\nselect count(*) as n, max(ingest_ts) as at from raw.items\n")
    project("run")
    project.write("data/items-2.json", '{"id": 3, "amount": 9}\n')
    project("run")
    assert project.rows("select n from curated.log order by n") == [("2",), ("3",)]
    assert "up to date" in project("run").text


def test_rows_that_vanish_from_a_merge_model(tmp_path):
    """A merge keeps keys that the query no longer makes; with replace_by, what a group no longer has is deleted."""
    project = small_project(tmp_path / "p", '{"id": 1, "part": "a"}\n{"id": 1, "part": "b"}\n{"id": 2, "part": "a"}\n')
    project.write("models/curated/items.sql", "/* tarn\nkind: merge\nkey: [id, part]\n*/\nselect id, part from raw.items\n")
    project.write("models/curated/groups.sql", "/* tarn\nkind: merge\nkey: [id, part]\nreplace_by: [id]\n*/\nselect id, part from raw.items\n")
    project("run")
    project.write("data/items.json", '{"id": 1, "part": "c"}\n')
    project("run")
    assert project.rows("select id, part from raw.items") == [("1", "c")]
    assert project.rows("select id, part from curated.items order by all") == [("1", "a"), ("1", "b"), ("1", "c"), ("2", "a")]
    assert project.rows("select id, part from curated.groups order by all") == [("1", "c"), ("2", "a")]


def test_variables_and_names(tmp_path):
    project = small_project(tmp_path / "p")
    project.edit("tarn.yaml", "project: small\n", "project: small\nvars: {least: 6}\n")
    project.write("models/curated/named.sql", "select id from iceberg.raw.items where amount >= cast(getvariable('least') as bigint)\n")
    project("run")
    assert project.rows("select id from curated.named") == [("2",)]


def test_a_column_contract(tmp_path):
    project = small_project(tmp_path / "p")
    project.write("models/curated/strict.sql", "/* tarn\ncolumns: {id: long, total: \"decimal(18,2)\"}\n*/\nselect id, cast(amount as decimal(18,2)) as total from raw.items\n")
    project("run")
    project.edit("models/curated/strict.sql", "as total from", "as totals from")
    result = project("run", code=None)
    assert result.code in (1, 2) and "total" in result.text
    assert project.rows("select total from curated.strict order by id") == [("5.00",), ("7.00",)]


def test_patterns_in_paths(tmp_path):
    """A folder named like a pattern: the engine must read these files and no others that the pattern fits."""
    import shutil
    import subprocess

    from harness import EXAMPLES, program

    twin, project = tmp_path / "a1", tmp_path / "a[1]"
    for folder in (twin, project):
        shutil.copytree(EXAMPLES / "accounting", folder, ignore=shutil.ignore_patterns("warehouse", ".tarn"))
        subprocess.run([program(), "run", "-q"], cwd=folder, check=True, capture_output=True)
    for late in (project / "late").iterdir():
        shutil.copy(late, project / "data")
    subprocess.run([program(), "run", "-q"], cwd=project, check=True, capture_output=True)
    sql = "select total_debit from curated.fq_app_journal_entries_gold where entry_id = 'JE1002'"
    totals = [
        subprocess.run([program(), "sql", sql, "--format", "csv"], cwd=folder, check=True, capture_output=True, text=True).stdout.split()
        for folder in (twin, project)
    ]
    assert totals == [["total_debit", "1250.00"], ["total_debit", "1275.50"]]
