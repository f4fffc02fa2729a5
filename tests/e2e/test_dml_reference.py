"""Random histories of statements on an Iceberg table and the same on a plain table of DuckDB: equal contents after every statement.

TARN_TEST_SEEDS="17-200" runs other histories than the few of the suite. What stands in `u` is never changed: it tells which row is which,
so row ids of format version 3 can be followed.
"""

import json
import os
import random

import pytest

from harness import Lake, read_csv

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("fastavro")
pytest.importorskip("pyarrow")

COLUMNS = [
    ("u", "bigint"),
    ("id", "int"),
    ("Name", "varchar"),
    ('odd "one', "decimal(10,2)"),
    ("d", "date"),
    ("ts", "timestamp"),
    ("s", "struct(a int, b varchar)"),
    ("f", "double"),
]
TARN_TYPES = {"varchar": "string", "struct(a int, b varchar)": "struct<a: int, b: string>"}
PARTITIONS = [
    None,
    "id",
    "bucket(4, id)",
    '"Name"',
    'truncate(2, "Name")',
    "days(ts)",
    "hours(ts)",
    "months(d)",
    "years(d)",
    'bucket(3, "Name"), days(ts)',
    'truncate(5, id), "Name"',
    'bucket(3, "odd ""one")',
    's.a',
]
EVOLVED = ["bucket(2, u)", "months(ts)", "truncate(10, id)", 'truncate(1, "Name")', "d"]
SAME = "select to_json(t)::varchar from (select u, id, \"Name\" as name, \"odd \"\"one\" as odd, d, ts, s, f, n from {0} order by u) t"
LINEAGE = "select u, _row_id, _last_updated_sequence_number from {0} order by u"


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class History:
    """Statements as pairs: of tarn, of DuckDB. {t} is the target, {o} another table."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.next_u = 0
        self.version = self.random.choice([2, 3])
        self.branch = self.random.random() < 0.2
        self.default = self.version == 3 and self.random.random() < 0.7
        self.modes = [self.random.choice(["copy-on-write", "merge-on-read"]) for _ in range(3)]
        self.partition = self.random.choice(PARTITIONS)
        self.evolved = [e for e in EVOLVED if e != self.partition]
        self.random.shuffle(self.evolved)
        self.by_key = random.Random(f"by key {seed}").random() < 0.3  # equality deletes

    # ---- values

    def chance(self, p):
        return self.random.random() < p

    def value(self, kind):
        r = self.random
        if self.chance(0.15):
            return "NULL"
        if kind == "int":
            return str(r.randint(-3, 12))
        if kind == "varchar":
            return r.choice(["'a'", "'ab'", "'abc'", "'O''Neil'", "''", "'z\"z'", "'äöü'", "'-- x'", "'NULL'"])
        if kind == "decimal(10,2)":
            return r.choice(["0.00", "1.25", "-7.50", "99999999.99", "3.00"])
        if kind == "date":
            return f"DATE '{r.choice([1969, 1970, 2024])}-{r.randint(1, 12):02}-{r.randint(1, 28):02}'"
        if kind == "timestamp":
            return f"TIMESTAMP '{r.choice([1969, 2024])}-0{r.randint(1, 3)}-1{r.randint(0, 2)} {r.randint(0, 2):02}:00:00.00000{r.randint(0, 9)}'"
        if kind == "double":
            return r.choice(["0.5::double", "1.5::double", "-2.25::double", "'nan'::double", "'inf'::double"])
        return f"{{'a': {self.value('int')}, 'b': {self.value('varchar')}}}"

    def row(self):
        self.next_u += 1
        return [str(self.next_u)] + [self.value(kind) for _, kind in COLUMNS[1:]]

    def rows(self, n):
        return ", ".join("(" + ", ".join(self.row() + [self.value("int")]) + ")" for _ in range(n))

    def condition(self, q="", depth=0):
        """`q`: an alias with its dot."""
        r = self.random
        name, odd = q + '"Name"', q + quoted('odd "one')
        choices = [
            lambda: f"{q}id {r.choice(['=', '<', '>', '<>', '>=', '<='])} {self.value('int')}",
            lambda: f"{q}id IS {r.choice(['', 'NOT '])}NULL",
            lambda: f"{q}id IS {r.choice(['', 'NOT '])}DISTINCT FROM {self.value('int')}",
            lambda: f"{q}id IN ({self.value('int')}, {self.value('int')}, {self.value('int')})",
            lambda: f"{q}id NOT IN ({r.randint(0, 9)}, {r.randint(0, 9)})",
            lambda: f"{q}id BETWEEN {r.randint(-3, 5)} AND {r.randint(3, 12)}",
            lambda: f"{name} = {self.value('varchar')}",
            lambda: f"{name} LIKE '{r.choice(['a%', '%b%', 'O_N%'])}'",
            lambda: f"{odd} > {self.value('decimal(10,2)')}",
            lambda: f"{q}ts >= TIMESTAMP '2024-02-11 00:00:00'",
            lambda: f"{q}d < DATE '1970-06-01'",
            lambda: f"year({q}d) = 2024",
            lambda: f"{q}s.a {r.choice(['<', '>='])} {r.randint(0, 9)}",
            lambda: f"{q}s IS NULL",
            lambda: f"{q}f > 0",
            lambda: f"{q}u % {r.randint(2, 7)} = {r.randint(0, 3)}",
            lambda: f"{q}n IS NULL",
        ]
        if depth < 2 and self.chance(0.4):
            return f"({self.condition(q, depth + 1)} {r.choice(['AND', 'OR'])} {r.choice(['', 'NOT '])}({self.condition(q, depth + 1)}))"
        return r.choice(choices)()

    def where(self, q="", outer=True):
        r = self.random
        if outer and self.chance(0.2):
            return r.choice(
                [
                    f"{q}id IN (SELECT k FROM {{o}} WHERE k > {r.randint(-2, 6)})",
                    f"{q}id NOT IN (SELECT k FROM {{o}} WHERE k IS NOT NULL AND k > {r.randint(0, 8)})",
                    f"{q}id NOT IN (SELECT k FROM {{o}})",
                    f"{q}id > (SELECT avg(x.id) FROM {{t}} x)",
                    f"EXISTS (SELECT 1 FROM {{o}} x WHERE x.v = {q}\"Name\")",
                    f"NOT EXISTS (SELECT 1 FROM {{t}} x WHERE x.id = {q}id AND x.u < {q}u)" if q else "u IN (SELECT max(x.u) FROM {t} x GROUP BY x.id)",
                ]
            )
        return self.condition(q)

    # ---- statements

    def sets(self, q="", source=None):
        """(tarn's, DuckDB's) of one to three columns."""
        r = self.random
        name, odd = q + '"Name"', q + quoted('odd "one')
        tarn, duck = [], []
        for column in r.sample(["id", "Name", "odd", "d", "ts", "s", "f", "n", "s.a"], r.randint(1, 3)):
            if column == "s.a" and "s" in [c.split(" ")[0] for c in tarn] or column == "s" and any(c.startswith("s.a") for c in tarn):
                continue
            both = {
                "id": lambda: r.choice([f"{q}id + 1", self.value("int"), f"-{q}id", f"length({name})"]),
                "Name": lambda: r.choice([self.value("varchar"), f"{name} || 'x'", f"upper({name})", f"{q}s.b", f"CAST({q}id AS varchar)"]),
                "odd": lambda: r.choice([self.value("decimal(10,2)"), "CAST(id AS decimal(10,2))".replace("id", f"{q}id"), f"-{odd}"]),
                "d": lambda: r.choice([self.value("date"), f"CAST({q}ts AS date)"]),
                "ts": lambda: r.choice([self.value("timestamp"), f"{q}ts + INTERVAL 1 HOUR", f"CAST({q}d AS timestamp)"]),
                "s": lambda: r.choice([self.value("s"), f"{{'a': {q}id, 'b': {name}}}"]),
                "f": lambda: r.choice([self.value("double"), f"1.0 - {q}f", f"{q}id / 2.0 + 0.25"]),
                "n": lambda: r.choice(["DEFAULT", self.value("int"), f"{q}n + 1"]),
                "s.a": lambda: r.choice([self.value("int"), f"{q}id", f"{q}s.a + 1"]),
            }[column]()
            if source and column in ("id", "n", "s.a") and self.chance(0.5):
                both = f"{source}.k"
            elif source and column == "Name" and self.chance(0.6):
                both = f"{source}.v"
            if column == "s.a":
                tarn.append(f"s.a = {both}")
                duck.append(f"s = {{'a': {both}, 'b': {q}s.b}}")
                continue
            target = {"Name": '"nAme"', "odd": quoted('odd "one')}.get(column, column)
            tarn.append(f"{target} = {both}")
            duck.append(f"{target} = {both}")
        return ", ".join(tarn), ", ".join(duck)

    def source(self):
        """A SELECT of distinct k, and null ones: (SQL, where new rows' u begins)."""
        base = self.next_u + 1
        self.next_u += 40
        low, high = self.random.randint(-3, 4), self.random.randint(4, 14)
        text = f"SELECT k, {base} + 20 + k AS nu, v, w FROM {{o}} WHERE k BETWEEN {low} AND {high}"
        if self.chance(0.4):
            text += f" UNION ALL SELECT NULL, {base}, 'from null', 5"
        if self.chance(0.2):
            text += f" UNION ALL SELECT NULL, {base} + 1, NULL, NULL"
        return text

    def statement(self):
        kind = self.random.choice(["insert", "insert", "select", "delete", "delete", "update", "update", "from", "using", "merge", "merge", "merge"])
        return getattr(self, "make_" + kind)()

    def make_insert(self):
        if self.chance(0.3):
            u, values = self.next_u + 1, f"{self.value('int')}, DEFAULT"
            self.next_u += 1
            return [f"INSERT INTO {{t}} (u, id, n) VALUES ({u}, {values})"] * 2
        return [f"INSERT INTO {{t}} VALUES {self.rows(self.random.randint(1, 12))}"] * 2

    def make_select(self):
        base = self.next_u + 1
        self.next_u += 400
        where = self.condition("x.")
        return [
            f"INSERT INTO {{t}} SELECT {base} + row_number() OVER (ORDER BY x.u), x.id, x.\"Name\", x.\"odd \"\"one\", x.d, x.ts, x.s, x.f, x.n"
            f" FROM {{t}} x WHERE {where} ORDER BY x.u LIMIT 12"
        ] * 2

    def make_delete(self):
        if self.chance(0.5):
            return [f"DELETE FROM {{t}} AS q WHERE {self.where('q.')}"] * 2
        return [f"DELETE FROM {{t}} WHERE {self.where()}"] * 2

    def make_using(self):
        extra = self.condition("q.")
        return [f"DELETE FROM {{t}} AS q USING {{o}} AS o WHERE q.id = o.k AND {extra}"] * 2

    def make_update(self):
        tarn, duck = self.sets("q.")
        where = self.where("q.")
        return [f"UPDATE {{t}} AS q SET {tarn} WHERE {where}", f"UPDATE {{t}} AS q SET {duck} WHERE {where}"]

    def make_from(self):
        tarn, duck = self.sets("q.", "o")
        where = f"q.id = o.k AND {self.condition('q.')}"
        return [f"UPDATE {{t}} AS q SET {sets} FROM {{o}} AS o WHERE {where}" for sets in (tarn, duck)]

    def make_merge(self):
        r = self.random
        on = r.choice(["q.id = o.k", "q.id = o.k", "q.id IS NOT DISTINCT FROM o.k AND o.k IS NOT NULL", f"q.id = o.k AND {self.condition('q.')}", "o.k + 1 = q.id", 'o.v = q."Name" AND o.k = q.id'])
        tarn = duck = f"MERGE INTO {{t}} AS q USING ({self.source()}) AS o ON {on}"
        any_clause = False
        for last in ([False] if self.chance(0.5) else []) + ([True] if self.chance(0.7) else []):
            extra = f" AND {self.condition('q.')}" if self.chance(0.6) else r.choice([" AND o.w > 2", " AND o.v IS NULL"])
            extra = "" if last and self.chance(0.4) else extra
            act = r.choice(["update", "update", "delete", "nothing"])
            a, b = self.sets("q.", "o")
            texts = {"update": (f"UPDATE SET {a}", f"UPDATE SET {b}"), "delete": ("DELETE",) * 2, "nothing": ("DO NOTHING",) * 2}[act]
            tarn += f" WHEN MATCHED{extra} THEN {texts[0]}"
            duck += f" WHEN MATCHED{extra} THEN {texts[1]}"
            any_clause = True
        for last in ([False] if self.chance(0.4) else []) + ([True] if self.chance(0.7) else []):
            extra = "" if last else r.choice([" AND o.w > 3", " AND o.k IS NULL", " AND o.v = 'ab'"])
            text = f" WHEN NOT MATCHED{extra} THEN " + r.choice(
                ["INSERT (u, id, \"Name\") VALUES (o.nu, o.k, o.v)", "INSERT (u, id, n) VALUES (nu, k, DEFAULT)", "DO NOTHING" if not last else "INSERT (u, s) VALUES (o.nu, {'a': o.k, 'b': o.v})"]
            ).replace("{'a'", "{{'a'").replace("o.v}", "o.v}}")
            tarn += text.replace("{{", "{").replace("}}", "}")
            duck += text.replace("{{", "{").replace("}}", "}")
            any_clause = True
        for last in r.choice([[], [], [True], [False, True]]):
            extra = "" if last and self.chance(0.3) else f" AND {self.condition('q.')}"
            a, b = self.sets("q.")
            act = r.choice([("DELETE", "DELETE"), (f"UPDATE SET {a}", f"UPDATE SET {b}")])
            tarn += f" WHEN NOT MATCHED BY SOURCE{extra} THEN {act[0]}"
            duck += f" WHEN NOT MATCHED BY SOURCE{extra} THEN {act[1]}"
            any_clause = True
        return [tarn, duck] if any_clause else self.make_merge()

    # ---- the tables

    def create(self):
        columns = ", ".join(f"{quoted(n)} {TARN_TYPES.get(t, t)}{' NOT NULL' if n == 'u' and self.by_key else ''}" for n, t in COLUMNS)
        by_key = {"tarn.write.delete-files": "equality"} if self.by_key else {}
        properties = {
            "format-version": self.version,
            **{f"write.{k}.mode": m for k, m in zip(["delete", "update", "merge"], self.modes)},
            "write.delete.granularity": self.random.choice(["file", "partition"]),
            "commit.manifest.min-count-to-merge": self.random.choice([2, 100]),
            **by_key,
        }
        n = "n int DEFAULT 7" if self.default else "n int"
        tarn = f"CREATE TABLE r.t ({columns}, {n}{', PRIMARY KEY (u)' if self.by_key else ''})"
        if self.partition:
            tarn += f" PARTITIONED BY ({self.partition})"
        tarn += " TBLPROPERTIES (" + ", ".join(f"'{k}' = '{v}'" for k, v in properties.items()) + ")"
        other = "(k int, v varchar, w int)"
        keys = self.random.sample(range(-3, 15), self.random.randint(3, 14))
        rows = ", ".join(f"({k}, {self.value('varchar')}, {self.value('int')})" for k in keys) + ", (NULL, 'ab', 1)"
        tarn_columns = other.replace("varchar", "string")
        return (
            ["CREATE NAMESPACE r", tarn, f"CREATE TABLE r.o {tarn_columns}", f"INSERT INTO r.o VALUES {rows}"],
            ["CREATE TABLE t (" + ", ".join(f"{quoted(n)} {t}" for n, t in COLUMNS) + f", {n})", f"CREATE TABLE o {other}", f"INSERT INTO o VALUES {rows}"],
        )

    def change_table(self):
        """ALTER of tarn's table that leaves rows as they are."""
        r = self.random
        choices = [
            f"ALTER TABLE r.t WRITE ORDERED BY {r.choice(['id DESC', 'u', 'ts, id'])}",
            f"ALTER TABLE r.t SET TBLPROPERTIES ('write.{r.choice(['delete', 'update', 'merge'])}.mode' = '{r.choice(['copy-on-write', 'merge-on-read'])}')",
        ]
        if self.version == 2 and not self.branch:
            choices.append("ALTER TABLE r.t SET TBLPROPERTIES ('format-version' = '3')")
        if self.evolved and self.chance(0.4):
            return f"ALTER TABLE r.t ADD PARTITION FIELD {self.evolved.pop()} AS p{len(self.evolved)}"
        return r.choice(choices)


def run_history(seed, folder, length=22):
    h = History(seed)
    project = Lake(folder)
    db = duckdb.connect()
    db.execute("SET threads = 1")
    ours, theirs = h.create()
    for statement in theirs:
        db.execute(statement)
    script = list(ours)
    expected = []  # (statement, rows or None)
    target = "r.t.branch_b" if h.branch else "r.t"
    in_transaction = False
    version = h.version
    seed_rows = f"INSERT INTO {{t}} VALUES {h.rows(h.random.randint(0, 40) + 1)}"
    first = [seed_rows, seed_rows]
    main_rows = None

    def look():
        return [r[0] for r in db.execute(SAME.format("t")).fetchall()]

    for i in range(length):
        if h.branch and i == 1:
            script.append("ALTER TABLE r.t CREATE BRANCH b")
            main_rows = look()
        if not in_transaction and i > 2 and h.chance(0.15):
            change = h.change_table()
            if "'format-version' = '3'" in change:
                version = 3
            script.append(change)
        if not in_transaction and i > 0 and h.chance(0.12):
            script.append("BEGIN")
            db.execute("BEGIN")
            in_transaction = True
        tarn, duck = first if i == 0 else h.statement()
        name = "r.t" if i == 0 else target
        try:
            if in_transaction:  # DuckDB gives a transaction up when a statement fails: tried on a copy
                with duckdb.connect() as other:
                    for s in theirs:
                        other.execute(s)
                    other.execute("DELETE FROM t")
                    other.register("now", db.execute("SELECT * FROM t").arrow())
                    other.execute("INSERT INTO t SELECT * FROM now")
                    other.execute(fill(duck, "t", "o"))
            db.execute(fill(duck, "t", "o"))
        except duckdb.Error:
            continue
        statement = fill(tarn, name, "r.o")
        script += [statement, f"SELECT '== {len(expected)}'", SAME.format(name)]
        if version == 3:
            script += [f"SELECT '=# {len(expected)}'", LINEAGE.format(name)]
        expected.append((statement, look(), version == 3, in_transaction))
        if in_transaction and h.chance(0.3):
            end = "ROLLBACK" if h.chance(0.4) else "COMMIT"
            script.append(end)
            db.execute(end)
            in_transaction = False
            script += [f"SELECT '== {len(expected)}'", SAME.format(name)]
            expected.append((end, look(), False, False))
    if in_transaction:
        script.append("COMMIT")
    if main_rows is not None:
        script += [f"SELECT '== {len(expected)}'", SAME.format("r.t")]
        expected.append(("main beside the branch", main_rows, False, False))
    text = ";\n".join(script) + ";\n"
    (folder / "history.sql").write_text(text)
    result = project("sql", "--format", "csv", "-f", str(folder / "history.sql"), code=None)
    compare(seed, h, expected, result, text)
    return project, h, version, look()


def fill(text, t, o):
    return text.replace("{t}", t).replace("{o}", o)


def sections(out):
    found, now = {}, None
    for row in read_csv(out):
        if row and row[0] and (row[0].startswith("== ") or row[0].startswith("=# ")) and len(row) == 1:
            now = found.setdefault(row[0], [])
        elif now is not None:
            now.append(row)
    return found


def compare(seed, h, expected, result, text):
    found = sections(result.out)
    what = f"seed {seed}, version {h.version}, modes {h.modes}, partition {h.partition}, branch {h.branch}, by key {h.by_key}"
    ids = {}
    for i, (statement, rows, lineage, _) in enumerate(expected):
        key = f"== {i}"
        assert key in found, f"{what}: not reached:\n{statement}\n{result.err}"
        got = [r[0] for r in found[key][1:] if r and r[0] and r[0].startswith("{")]
        assert sorted(json.loads(r)["u"] for r in got) == sorted(json.loads(r)["u"] for r in rows), f"{what}: other rows after:\n{statement}"
        assert got == rows, f"{what}: other values after:\n{statement}\n" + "\n".join(f"{a}\n{b}" for a, b in zip(got, rows) if a != b)
        if statement == "ROLLBACK":
            ids = {}  # what was rolled back gave ids that are given again
        if lineage:
            now = {}
            for row in found[f"=# {i}"][1:]:
                if len(row) == 3 and row[0] != "u":
                    now[row[0]] = (row[1], row[2])
            assert len({r for r, _ in now.values() if r}) == len([r for r, _ in now.values() if r]), f"{what}: a row id twice after:\n{statement}"
            for u, (row_id, sequence) in now.items():
                if u in ids and ids[u][0]:
                    assert ids[u][0] == row_id, f"{what}: the row id of {u} was {ids[u]}, is {row_id} after:\n{statement}"
                    if statement.startswith(("INSERT", "DELETE")) and ids[u][1]:
                        assert ids[u][1] == sequence, f"{what}: {u} was not updated by:\n{statement}"
            ids = now
    assert result.code == 0, f"{what}\n{result.err}"


def check_files(project, version, rows, ours_alone):
    from table_check import check_table

    check_table(project, "r.t")
    if version != 2 or ours_alone:
        return
    pyiceberg = pytest.importorskip("pyiceberg.catalog.sql")
    catalog = pyiceberg.SqlCatalog("iceberg", uri=f"sqlite:///{project.warehouse}/catalog.db", warehouse=f"file://{project.warehouse}")
    u = sorted(catalog.load_table("r.t").scan(selected_fields=("u",)).to_arrow().column(0).to_pylist())
    assert u == [json.loads(r)["u"] for r in rows]


def seeds():
    text = os.environ.get("TARN_TEST_SEEDS", "1-16")
    first, last = text.split("-")
    return range(int(first), int(last) + 1)


@pytest.mark.parametrize("seed", seeds())
def test_history(seed, tmp_path):
    project, h, version, rows = run_history(seed, tmp_path)
    check_files(project, version, rows, h.branch or h.by_key)
