"""examples/accounting from the first document to the gold table, as its README tells it."""

import json
import re

import pytest

GOLD = "curated.fq_app_journal_entries_gold"
SILVER = "curated.fq_app_journal_entries_silver"
TASKS = "curated.fq_app_close_tasks_silver"
RAW = "raw.fq_app_journal_entries"

GOLD_ROWS = [
    ("JE1001", "2025-05-31", "500.00", "500.00"),
    ("JE1002", "2025-06-02", "1250.00", "1250.00"),
    ("JE1003", "2025-06-10", "320.75", "320.75"),
    ("JE1004", "2025-06-30", "299.50", "299.50"),
]
SILVER_COLUMNS = "_id entry_id entry_date description account_id account_name account_type debit credit ingest_ts".split()
POSTINGS = "select entry_id, account_id, account_name, account_type, debit, credit from " + SILVER + " order by all"
SILVER_ROWS = [
    ("JE1001", "1000", "Cash", "Asset", "500.00", "0.00"),
    ("JE1001", "2000", "Accounts Payable", "Liability", "0.00", "500.00"),
    ("JE1002", "1000", "Cash", "Asset", "0.00", "1250.00"),
    ("JE1002", "5000", "Rent", "Expense", "1250.00", "0.00"),
    ("JE1003", "1000", "Cash", "Asset", "0.00", "320.75"),
    ("JE1003", "2999", None, None, "320.75", "0.00"),
    ("JE1004", "2000", "Accounts Payable", "Liability", "0.00", "299.50"),
    ("JE1004", "5200", "Travel", "Expense", "299.50", "0.00"),  # two postings to one account: 200.00 + 99.50
]


def test_the_gold_table(closed):
    assert closed.columns(f"select * from {GOLD}") == ("entry_id", "entry_date", "total_credit", "total_debit")
    assert closed.rows(f"select * from {GOLD} order by entry_id") == GOLD_ROWS
    assert closed.rows(f"select distinct typeof(total_credit), typeof(total_debit), typeof(entry_date) from {GOLD}") == [
        ("DECIMAL(18,2)", "DECIMAL(18,2)", "DATE")
    ]


def test_the_silver_tables(closed):
    assert list(closed.columns(f"select * from {SILVER}")) == SILVER_COLUMNS
    assert closed.rows(POSTINGS) == SILVER_ROWS
    assert closed.rows(f"select distinct entry_id, description, _id from {SILVER} where entry_id = 'JE1001'") == [
        ("JE1001", "Vendor payment", "68ca9aca193e5d257e046f22")
    ]
    tasks = closed.rows(f"select * exclude (ingest_ts) from {TASKS} order by task_id")
    assert tasks == [
        ("68ca9b35193e5d257e046f25", "T1", "Reconcile Cash", "Alice", "Complete", "2025-06-05"),
        ("68ca9b35193e5d257e046f26", "T2", "Review AP", "Bob", "In Progress", "2025-06-06"),
    ]
    assert closed.rows(f"select distinct typeof(due_date) from {TASKS}") == [("DATE",)]


def test_the_raw_tables_keep_the_documents(closed):
    columns = list(closed.columns(f"select * from {RAW}"))
    assert columns[:5] == ["_id", "entry_id", "date", "description", "lines"]
    assert columns[-3:] == ["ingest_ts", "_source_file", "_source_offset"]
    entries = closed.rows(f"select entry_id from {RAW} order by _source_offset")
    assert [e for (e,) in entries] == ["JE1001", "JE1002", "JE1003", "JE1001", "JE1004"]  # the duplicate too
    assert closed.rows(f"select typeof(lines) from {RAW} limit 1") == [
        ("STRUCT(account_id VARCHAR, debit DECIMAL(18,2), credit DECIMAL(18,2))[]",)
    ]
    assert closed.rows(f"select typeof(posted_at), cast(posted_at as varchar) from {RAW} where entry_id = 'JE1003'") == [
        ("TIMESTAMP WITH TIME ZONE", "2025-06-10 17:05:00+00")
    ]
    # the nested document that grew a field: older ones have a null there
    grown = closed.rows(f"select entry_id, approval.by, approval.level, approval.at is null from {RAW} where approval is not null order by 1")
    assert grown == [("JE1002", "Alice", "1", "true"), ("JE1003", "Bob", "2", "false")]
    assert closed.one(f"select count(distinct ingest_ts) from {RAW}") == "1"


def test_the_bad_line_is_set_aside(closed):
    letters = closed.rows(f"select _source_file, line, _source_offset, decode(raw), resolved from {RAW}__dead_letters")
    text = closed.read("data/journal_entries.json")
    cut = text.splitlines()[5]
    assert letters == [("journal_entries.json", "6", str(text.encode().index(cut.encode())), cut, "false")]


def test_the_shop(closed):
    assert closed.rows("select * from curated.sales_summary order by order_date, category") == [
        ("2025-06-01", "Stationery", "2", "2", "5", "89.90"),
        ("2025-06-02", "Lighting", "1", "1", "2", "128.00"),
        ("2025-06-03", "Unknown", "1", "1", "1", "7.25"),
    ]
    assert closed.columns("select * from curated.sales_summary") == tuple(
        "order_date category orders customers quantity revenue".split()
    )


def test_partitions_and_places(closed):
    def spec(table):
        data = closed.metadata(table)
        fields = {f["id"]: f["name"] for f in data["schemas"][-1]["fields"]}
        current = next(s for s in data["partition-specs"] if s["spec-id"] == data["default-spec-id"])
        return [(f["transform"], fields[f["source-id"]]) for f in current["fields"]]

    for name in ("accounts", "close_tasks", "journal_entries"):
        assert spec(f"raw.fq_app_{name}") == [("day", "ingest_ts")]
        assert (closed.warehouse / "raw/fq_app" / name / "metadata").is_dir()
    assert spec("raw.ecommerce_db_orders") == [("identity", "order_date")]
    assert spec(SILVER) == [("year", "entry_date")]
    assert (closed.warehouse / "curated/fq_app/journal_entries_gold/metadata").is_dir()
    assert (closed.warehouse / "curated/ecommerce_db/sales_summary/metadata").is_dir()
    assert closed.metadata(GOLD)["format-version"] == 2


def test_a_second_run_writes_nothing(closed):
    tree, pointers = closed.tree(), closed.pointers()
    again = closed("run")
    assert "up to date" in again.text
    assert closed.tree() == tree
    assert closed.pointers() == pointers


def test_the_late_correction(closed):
    before = closed.metadata(GOLD)["current-snapshot-id"]
    closed.arrive()
    closed("run")
    gold = [("JE1002", "2025-06-02", "1275.50", "1275.50") if r[0] == "JE1002" else r for r in GOLD_ROWS]
    assert closed.rows(f"select * from {GOLD} order by entry_id") == gold
    silver = [
        r if r[0] != "JE1002" else r[:4] + ("0.00", "1275.50") for r in SILVER_ROWS if r[:2] != ("JE1002", "5000")
    ] + [("JE1002", "5100", "Office Supplies", "Expense", "1275.50", "0.00")]
    assert closed.rows(POSTINGS) == sorted(silver, key=lambda r: r[:2])  # the line on 5000 is gone
    # both versions stay in the raw table
    assert closed.rows(f"select count(*) from {RAW} where entry_id = 'JE1002'") == [("2",)]
    assert closed.metadata(GOLD)["current-snapshot-id"] != before
    # entries that did not change keep the time of their own ingestion
    times = closed.rows(f"select entry_id = 'JE1002', count(distinct ingest_ts) from {SILVER} group by 1 order by 1")
    assert times == [("false", "1"), ("true", "1")]
    assert closed.one(f"select count(distinct ingest_ts) from {SILVER}") == "2"


def test_the_order_of_arrival_does_not_matter(accounting, closed):
    """The correction in the first run gives the same gold as in the second."""
    closed.arrive()
    closed("run")
    expected = closed.rows(f"select * from {GOLD} order by entry_id"), closed.rows(POSTINGS)
    closed("run", "--full-refresh")
    assert (closed.rows(f"select * from {GOLD} order by entry_id"), closed.rows(POSTINGS)) == expected


def test_select_and_full_refresh(accounting):
    accounting("run", "--select", f"+{GOLD}")
    tables = accounting.tables()
    assert GOLD in tables and SILVER in tables and "raw.fq_app_accounts" in tables
    assert TASKS not in tables and "curated.sales_summary" not in tables and "raw.ecommerce_db_orders" not in tables
    before = accounting.contents()
    pointers = accounting.pointers()
    accounting("run", "--select", f"+{GOLD}", "--full-refresh")
    assert accounting.contents() == before
    assert accounting.pointers()[GOLD] != pointers[GOLD] or accounting.pointers()[SILVER] != pointers[SILVER]
    accounting("run", "--exclude", "curated.sales_summary")
    assert TASKS in accounting.tables() and "curated.sales_summary" not in accounting.tables()
    accounting("run", "--select", "tag:gold")
    assert "curated.sales_summary" in accounting.tables()


@pytest.mark.parametrize("word", ["no_such_model", "tag:none", "path:models/nowhere"])
def test_a_selection_of_nothing(accounting, word):
    result = accounting("run", "--select", word, code=2)
    assert word.split(":")[-1] in result.err
    assert accounting.tables() == []


def test_plan_writes_nothing(accounting):
    plan = accounting("plan")
    assert RAW in plan.text and GOLD in plan.text
    assert not accounting.warehouse.exists() or accounting.tables() == []
    accounting("run")
    tree = accounting.tree()
    accounting.arrive()
    plan = accounting("plan")
    assert "journal_entries" in plan.text
    assert accounting.tree() == tree


def test_the_run_prints_a_line_a_step(accounting):
    result = accounting("run")
    for table in accounting.tables():
        if not re.search(r"__(files|dead_letters)$", table):
            assert table in result.text, table
    assert "2999" in result.text  # the warning's row


def test_json_carries_a_version(accounting):
    events = accounting("run", "--json").events()
    assert events and all(event["v"] == 1 for event in events)
    assert json.dumps(events).count(GOLD) > 0
    assert all(event["v"] == 1 for event in accounting("plan", "--json").events())


UNBALANCED = (
    '{"_id": {"$oid": "68ca9aca193e5d257e046fff"}, "entry_id": "JE1009", "date": "2025-07-01", "description": "typo",'
    ' "lines": [{"account_id": "1000", "debit": 10.00, "credit": 0}, {"account_id": "2000", "debit": 0, "credit": 10.01}]}\n'
)


def test_a_failing_check_leaves_main_untouched(closed):
    before = {t: p for t, p in closed.pointers().items() if t.startswith("curated.")}
    closed.write("data/journal_entries_typo.json", UNBALANCED)
    failed = closed("run", code=1)
    assert "JE1009" in failed.text and "journal_entries_balance" in failed.text and "-0.01" in failed.text
    assert {t: p for t, p in closed.pointers().items() if t.startswith("curated.")} == before
    assert closed.rows(f"select * from {GOLD} order by entry_id") == GOLD_ROWS
    assert closed.one(f"select count(*) from {RAW} where entry_id = 'JE1009'") == "1"  # raw data is never held back

    run = run_id(failed)
    staged = closed.rows(f"select total_credit, total_debit from {GOLD} where entry_id = 'JE1009'", "--run", run)
    assert staged == [("10.01", "10.00")]

    assert closed("retry", code=1).code == 1  # nothing mended: the same answer
    closed.write("data/journal_entries_typo.json", UNBALANCED.replace("10.01", "10.00"))
    closed("run")
    assert closed.rows(f"select * from {GOLD} where entry_id = 'JE1009'") == [("JE1009", "2025-07-01", "10.00", "10.00")]


def test_retry_goes_on_from_what_failed(closed):
    closed.write("data/journal_entries_typo.json", UNBALANCED)
    closed("run", code=1)
    closed.edit("checks/journal_entries_balance.sql", "severity: error", "severity: warn")
    closed("retry")
    assert closed.one(f"select total_debit from {GOLD} where entry_id = 'JE1009'") == "10.00"
    assert "up to date" in closed("run").text


def run_id(result):
    found = re.search(r"--run[ =]([A-Za-z0-9_.:-]+)", result.text)
    assert found, f"no `tarn sql --run ID` in\n{result}"
    return found[1]


def test_a_mended_line_resolves_its_letter(closed):
    text = closed.read("data/journal_entries.json")
    cut = text.splitlines()[5]
    mended = (
        '{"_id": {"$oid": "68ca9aca193e5d257e046f28"}, "entry_id": "JE1005", "date": "2025-06-30", "description":'
        ' "Accrued utilities", "lines": [{"account_id": "5000", "debit": 81.20, "credit": 0}, {"account_id": "2000", "debit": 0, "credit": 81.20}]}'
    )
    closed.write("data/journal_entries.json", text.replace(cut, mended))
    closed("run")
    assert closed.rows(f"select * from {GOLD} where entry_id = 'JE1005'") == [("JE1005", "2025-06-30", "81.20", "81.20")]
    assert closed.one(f"select count(*) from {RAW}") == "6"  # the file's rows were replaced, not added
    assert closed.rows(f"select resolved from {RAW}__dead_letters") == [("true",)]


def test_models_follow_what_they_read(closed):
    """A changed check or comment is no reason to write; a changed SELECT is."""
    pointers = closed.pointers()
    closed.edit("models/curated/fq_app_journal_entries_gold.sql", "from curated", "from -- the postings\n    curated")
    closed("run")
    assert closed.rows(f"select * from {GOLD} order by entry_id") == GOLD_ROWS
    closed.edit("models/curated/fq_app_journal_entries_gold.sql", "cast(sum(debit) as decimal(18, 2)) as total_debit",
                "cast(sum(debit) as decimal(18, 2)) as total_debit,\n    count(*) as postings")
    closed("run")
    assert closed.rows(f"select postings from {GOLD} order by entry_id") == [("2",)] * 4
    assert closed.pointers()[SILVER] == pointers[SILVER]
