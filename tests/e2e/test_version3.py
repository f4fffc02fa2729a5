"""The examples over tables of format version 3, and over tables that were upgraded in use: what tables hold is what version 2 holds."""

import re

import pytest

from harness import copy_example, small_project
from table_check import check_table

V3 = "properties: {format-version: '3'}"


def upgrade(project):
    """Every table that the project says shall have version 3."""
    text = project.read("tarn.yaml")
    project.write("tarn.yaml", re.sub(r"(?m)^(    to: .*)$", rf"\1\n    {V3}", text))
    for path in project.folder.glob("models/**/*.sql"):
        header = path.read_text()
        if not header.startswith("/* tarn"):
            path.write_text(f"/* tarn\n{V3}\n*/\n{header}")
        elif "kind: view" not in header:
            path.write_text(header.replace("/* tarn\n", f"/* tarn\n{V3}\n", 1))


def alter_all(project):
    for table in project.tables():
        project("sql", f"alter table {table} set tblproperties ('format-version' = '3')")


def change(project):
    """A file that was read gets other lines."""
    for path, old, new in [
        ("data/ecommerce_db/orders.json", "", ""),
        ("data/orders.csv", "", ""),
    ]:
        if (project.folder / path).exists():
            lines = project.read(path).splitlines()
            project.write(path, "\n".join(lines[:-1]) + "\n")


STEPS = {
    "first": lambda p: p("run"),
    "again": lambda p: p("run"),
    "late": lambda p: ((p.folder / "late").exists() and p.arrive(), p("run")),
    "changed": lambda p: (change(p), p("run")),
    "refresh": lambda p: p("run", "--full-refresh"),
    "after": lambda p: p("run"),
}


@pytest.mark.parametrize("name", ["accounting", "sales-analysis"])
@pytest.mark.parametrize("how", ["made", "said later", "altered"])
def test_the_examples(tmp_path, name, how):
    old, new = copy_example(name, tmp_path / "2"), copy_example(name, tmp_path / "3")
    if how == "made":
        upgrade(new)
    for step, run in STEPS.items():
        run(old)
        run(new)
        assert new.contents() == old.contents(), step
        if step == "first" and how == "altered":
            alter_all(new)
        elif step == "first" and how == "said later":
            upgrade(new)
    versions = {t: new.metadata(t)["format-version"] for t in new.tables()}
    if how == "said later":  # what has had nothing to write since
        versions = {t: v for t, v in versions.items() if t.startswith("curated.")}
    assert set(versions.values()) == {3}, versions
    for table in new.tables():
        assert "format-version" not in new.metadata(table)["properties"]
        check_table(new, table)


MERGED = """\
/* tarn
kind: merge
key: [id]
%s
*/
select id, amount, note from raw.items
qualify row_number() over (partition by id order by _source_file desc, _source_offset desc) = 1
"""
GROUPS = """\
/* tarn
kind: merge
key: [id, note]
replace_by: [id]
%s
*/
select distinct id, note from raw.items
"""
LOG = """\
/* tarn
kind: append
%s
*/
select id, cast(amount as double) as amount from raw.items
"""


def pipeline(folder, version):
    project = small_project(folder, None)
    says = f"properties: {{format-version: '{version}'}}"
    project.edit("tarn.yaml", "    to: raw.items\n", f"    to: raw.items\n    {says}\n")
    (project.folder / "models/curated/items.sql").unlink()
    for name, text in (("merged", MERGED), ("groups", GROUPS), ("log", LOG)):
        project.write(f"models/curated/{name}.sql", text % says)
    project.write("data/items-1.json", "".join(f'{{"id": {i}, "amount": {i * 2}, "note": "n{i % 3}"}}\n' for i in range(40)))
    return project


ALTERS = {
    "nothing": [],
    "partitions": ["add partition field bucket(4, id) as b"],
    "order": ["write ordered by id desc"],
    "branch": ["create branch kept", "create tag then"],
}


@pytest.mark.parametrize("alters", ALTERS)
def test_merges_and_appends(tmp_path, alters):
    """Rows of a merge model go by deletion vectors; a column becomes another type in between."""
    both = [pipeline(tmp_path / "2", 2), pipeline(tmp_path / "3", 3)]
    for step in range(5):
        for project in both:
            if step == 1:
                for alter in ALTERS[alters]:
                    for table in ("raw.items", "curated.merged", "curated.groups", "curated.log"):
                        project("sql", f"alter table {table} {alter}")
                project.write("data/items-2.json", '{"id": 1, "amount": 7, "note": "late"}\n{"id": 99, "amount": 1, "note": "new"}\n')
            elif step == 2:
                project.write("data/items-3.json", '{"id": 2, "amount": 0.5, "note": "half"}\n')  # long -> double
            elif step == 3:
                project.write("data/items-2.json", '{"id": 3, "amount": 8, "note": "other"}\n')  # replaced
            elif step == 4:
                project("run", "--full-refresh")
            project("run")
        assert both[1].contents() == both[0].contents(), step
        if step == 1:
            vectors = both[1].rows("select file_format from curated.merged.delete_files")
            assert vectors and set(vectors) == {("PUFFIN",)}
        for table in both[1].tables():
            check_table(both[1], table)
    if alters == "branch":
        for name in ("branch_kept", "tag_then"):
            assert both[1].one(f"select count(*) from curated.merged.{name}") == "40"


def test_rows_of_a_merge_keep_their_ids(tmp_path):
    project = pipeline(tmp_path / "3", 3)
    project("run")
    before = dict(project.rows("select id, _row_id from curated.merged"))
    project.write("data/items-2.json", '{"id": 1, "amount": 7, "note": "late"}\n{"id": 99, "amount": 1, "note": "new"}\n')
    project("run")
    after = dict(project.rows("select id, _row_id from curated.merged"))
    assert {k: v for k, v in after.items() if k != "99"} == before
    changed = project.rows("select id from curated.merged where _last_updated_sequence_number > 1 order by id")
    assert changed == [("1",), ("99",)]


def test_what_is_told_of_them(tmp_path):
    project = pipeline(tmp_path / "3", 3)
    project("run")
    project("sql", "alter table raw.items create branch audit; alter table raw.items create tag then; delete from raw.items where id = 1; create view raw.few as select * from raw.items")
    shown = project("table", "show", "raw.items").out
    assert "Iceberg v3" in shown and "1 data, 1 delete" in shown
    assert re.search(r"branches +audit \(\d+\)", shown) and re.search(r"tags +then \(\d+\)", shown)
    assert "rows          39" in shown
    assert ".puffin" in project("table", "files", "raw.items").out
    listed = {row["table"]: row for row in project("ls", "--json").json()["rows"]}
    assert listed["raw.few"]["rows"] is None and listed["raw.items"]["rows"] == 39
    assert "0 failures" in project("doctor").out
