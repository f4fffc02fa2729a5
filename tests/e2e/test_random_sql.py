"""Random histories of statements of every kind, on a table whose columns, partitions and order change between them, against tables of
DuckDB that go through the same: contents of the table and of a branch after every statement, every earlier snapshot again at the end, by
the columns it had and by those of now, what the changelog tells between any two of them, and what lies in the table's folder.

TARN_TEST_SQL_SEEDS="17-200" runs other histories than the few of the suite. Rows are told by `u`, which nothing changes.
"""

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from harness import Lake, read_csv
from random_sql import PARTITIONS, Conditions, quoted

duckdb = pytest.importorskip("duckdb")
pytest.importorskip("fastavro")

KINDS = ["int", "bigint", "varchar", "decimal(9,2)", "decimal(38,10)", "float", "double", "date", "timestamp", "timestamptz", "time", "uuid", "blob", "boolean", 'struct(a int, "b c" varchar)', "int[]"]
NAMES = ["i", "select", "Group", 'odd "one', "größe", "a.b", "with space", "ORDER", "x'y", "_file2", "k", "Value", "null"]
TARN = {"varchar": "string", "blob": "binary", 'struct(a int, "b c" varchar)': "struct<a: int, `b c`: string>", "int[]": "array<int>"}
WIDER = {"int": "bigint", "float": "double", "decimal(9,2)": "decimal(18,2)"}
DEFAULTS = {"int": "7", "varchar": "'d''x'", "decimal(9,2)": "1.50", "boolean": "true", "date": "DATE '2024-02-29'"}


def tarn_type(kind):
    return TARN.get(kind, kind)


class Column:
    def __init__(self, name, kind):
        self.name, self.kind = name, kind


class History(Conditions):
    """The state of both sides. Tables of DuckDB: t, b (a branch), o, and s0, s1, ... of every snapshot, all with the columns of now."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.db = duckdb.connect()
        self.db.execute("SET TimeZone = 'UTC'; SET threads = 1; PRAGMA disable_optimizer")
        self.version = self.random.choice([2, 3])
        self.script, self.expected = [], []
        self.next_u = 0
        self.snapshots = []  # (tag, acceptable texts of its rows)
        self.branch = None
        self.spec = []
        self.identity = None  # the only partition field, if it is a column itself and always was
        self.cols = [Column("u", "bigint")]
        for name in self.random.sample(NAMES, self.random.randint(3, 8)):
            self.cols.append(Column(name, self.random.choice(KINDS)))
        if not any(c.kind in ("int", "bigint") for c in self.cols[1:]):
            self.cols.append(Column("n", "int"))
        self.able = lambda c: c.kind in PARTITIONS and "." not in c.name
        self.spare = [n for n in NAMES if n not in [c.name for c in self.cols]]
        self.dropped = []
        self.in_transaction = False
        self.kept = None

    @property
    def columns(self):
        return [(c.name, c.kind) for c in self.cols]

    def tables(self):
        return ["t"] + (["b"] if self.branch else []) + [f"s{i}" for i in range(len(self.snapshots))]

    def names(self, q=""):
        return ", ".join(q + quoted(c.name) for c in self.cols)

    def value(self, kind, nulls=0.12):
        """The engine's files may keep one zero for those of both signs."""
        text = super().value(kind, nulls)
        return text if "-0.0'" not in text else "0.5::double"

    def rows_of(self, table):
        return [r[0] for r in self.db.execute(self.look(table)).fetchall()]

    def look(self, table):
        return f"select to_json(t)::varchar from (select {self.names()} from {table} order by u) t"

    # ---- scripts

    def run(self, statement):
        self.script.append(statement)

    def check(self, of, table, ours):
        self.script += [f"SELECT '== {len(self.expected)}'", self.look(ours)]
        self.expected.append((of, [self.rows_of(table)]))

    def tag(self):
        """The head of main as a tag and a table. A statement that changed nothing made no snapshot: then the columns may be those of before."""
        i = len(self.snapshots)
        rows = self.rows_of("t")
        same = self.snapshots and self.rows_of(f"s{i - 1}") == rows
        self.run(f"ALTER TABLE r.t CREATE TAG s{i}")
        self.db.execute(f"CREATE TABLE s{i} AS SELECT * FROM t")
        self.snapshots.append((f"s{i}", (self.snapshots[-1][1] if same else []) + [rows]))

    # ---- statements on rows

    def new_row(self):
        self.next_u += 1
        return [str(self.next_u)] + [self.value(c.kind) for c in self.cols[1:]]

    def values(self, n):
        return ", ".join("(" + ", ".join(self.new_row()) + ")" for _ in range(n))

    def target(self):
        """(tarn's name, DuckDB's)"""
        return ("r.t.branch_b", "b") if self.branch and self.chance(0.4) else ("r.t", "t")

    def where(self, q=""):
        if self.chance(0.15):
            ints = [c.name for c in self.cols if c.kind in ("int", "bigint")]
            c = q + quoted(self.random.choice(ints))
            return self.random.choice([f"{c} IN (SELECT k FROM {{o}})", f"{c} NOT IN (SELECT k FROM {{o}})", f"{c} NOT IN (SELECT k FROM {{o}} WHERE k IS NOT NULL)", f"EXISTS (SELECT 1 FROM {{o}} z WHERE z.k = {c} AND z.w > 0)",
                                       f"{c} > (SELECT avg(z.k) FROM {{o}} z)", f"{q}u IN (SELECT max(z.u) FROM {{t}} z GROUP BY z.{quoted(self.random.choice(self.cols[1:]).name)})"])
        return self.condition(q, 1, False)

    def sets(self, q=""):
        found = []
        for c in self.random.sample(self.cols[1:], min(len(self.cols) - 1, self.random.randint(1, 2))):
            value = self.value(c.kind)
            other = [x for x in self.cols[1:] if x.kind == c.kind]
            if self.chance(0.3):
                value = q + quoted(self.random.choice(other).name)
            elif c.kind == "varchar" and self.chance(0.3):
                value = f"{q}{quoted(c.name)} || 'x'"
            elif c.kind in ("int", "bigint") and self.chance(0.3):
                value = f"{q}{quoted(c.name)} // 2"
            found.append(f"{quoted(c.name)} = {value}")
        return ", ".join(found)

    def make_insert(self):
        ours, theirs = self.target()
        rows = self.values(self.random.randint(1, 8))
        self.both(f"INSERT INTO {ours} VALUES {rows}", f"INSERT INTO {theirs} ({self.names()}) VALUES {rows}", ours, theirs)

    def make_part(self):
        """Columns that are not named are null: defaults of DuckDB's columns are gone once they have filled old rows."""
        ours, theirs = self.target()
        some = self.random.sample(self.cols[1:], self.random.randint(1, len(self.cols) - 1))
        some = [c for c in some] + [c for c in self.cols[1:] if c not in some and getattr(c, "default", False)]
        self.next_u += 1
        text = f"({', '.join([quoted('u')] + [quoted(c.name) for c in some])}) VALUES ({', '.join([str(self.next_u)] + [self.value(c.kind) for c in some])})"
        self.both(f"INSERT INTO {ours} {text}", f"INSERT INTO {theirs} {text}", ours, theirs)

    def make_delete(self):
        ours, theirs = self.target()
        where = self.where("q.")
        self.both(f"DELETE FROM {ours} AS q WHERE {where}", f"DELETE FROM {theirs} AS q WHERE {where}", ours, theirs)

    def make_plain_delete(self):
        """Conditions that metadata may answer."""
        ours, theirs = self.target()
        pieces = []
        for _ in range(self.random.choice([1, 1, 2])):
            c = self.random.choice(self.cols)
            if c.kind in ("int", "bigint", "date", "timestamp", "varchar", "decimal(9,2)", "timestamptz", "decimal(38,10)"):
                v = lambda: self.value(c.kind, 0)
                pieces.append(self.random.choice([f"{quoted(c.name)} {self.pick('=', '<>', '<', '<=', '>', '>=')} {v()}", f"{quoted(c.name)} BETWEEN {v()} AND {v()}", f"{quoted(c.name)} IN ({v()}, {v()})", f"{quoted(c.name)} IS NULL", f"{quoted(c.name)} IS NOT NULL"]))
            else:
                pieces.append(f"{quoted(c.name)} IS {self.pick('', 'NOT ')}NULL")
        where = " AND ".join(pieces)
        self.both(f"DELETE FROM {ours} WHERE {where}", f"DELETE FROM {theirs} WHERE {where}", ours, theirs)

    def make_update(self):
        ours, theirs = self.target()
        sets, where = self.sets("q."), self.where("q.")
        self.both(f"UPDATE {ours} AS q SET {sets} WHERE {where}", f"UPDATE {theirs} AS q SET {sets} WHERE {where}", ours, theirs)

    def clause(self):
        """A condition of WHEN, which may hold no subquery; ANY is one."""
        return next(x for x in iter(lambda: self.leaf("q."), None) if "ANY(" not in x)

    def make_merge(self):
        ours, theirs = self.target()
        c = self.random.choice([c for c in self.cols[1:] if c.kind in ("int", "bigint")])
        base = self.next_u + 100
        self.next_u += 200
        # of each key one row, so that no row of the target is matched twice
        source = f"SELECT k, {base} + coalesce(k, 60) AS nu, w FROM {{o}} WHERE k IS NULL OR k > -50"
        on = f"q.{quoted(c.name)} {self.pick('=', '=', 'IS NOT DISTINCT FROM')} s.k"
        if self.chance(0.3):
            on += f" AND {self.clause()}"
        text = f"MERGE INTO {{ours}} AS q USING ({source}) AS s ON {on}"
        if self.chance(0.8):
            text += f" WHEN MATCHED AND {self.clause()} THEN {self.pick('DELETE', 'UPDATE SET ' + self.sets('q.'))}"
        if self.chance(0.5):
            text += f" WHEN MATCHED THEN {self.pick('DELETE', 'UPDATE SET ' + self.sets('q.'), f'UPDATE SET {quoted(c.name)} = s.w')}"
        if self.chance(0.7):
            needs = [x for x in self.cols[1:] if x is not c and getattr(x, "default", False)]
            text += f" WHEN NOT MATCHED THEN INSERT ({', '.join(['u', quoted(c.name)] + [quoted(x.name) for x in needs])}) VALUES ({', '.join(['s.nu', 's.k'] + [self.value(x.kind) for x in needs])})"
        if self.chance(0.4) or "WHEN" not in text:
            text += f" WHEN NOT MATCHED BY SOURCE AND {self.clause()} THEN {self.pick('DELETE', 'UPDATE SET ' + self.sets('q.'))}"
        self.both(text.replace("{ours}", ours), text.replace("{ours}", theirs), ours, theirs)

    def make_select(self):
        ours, theirs = self.target()
        base = self.next_u + 1
        self.next_u += 400
        rest = ", ".join("x." + quoted(c.name) for c in self.cols[1:])
        text = f"SELECT {base} + row_number() OVER (ORDER BY x.u) AS u, {rest} FROM {{x}} x WHERE {self.condition('x.', 2, False)} ORDER BY x.u LIMIT 9"
        by_name = self.chance(0.3)
        self.both(f"INSERT INTO {ours} {'BY NAME ' if by_name else ''}" + text.replace("{x}", ours), f"INSERT INTO {theirs} ({self.names()}) " + text.replace("{x}", theirs), ours, theirs)

    def make_overwrite(self):
        ours, theirs = self.target()
        rows = self.values(self.random.randint(1, 5))
        if self.identity and self.chance(0.6):
            c = quoted(self.identity.name)
            text = f"SELECT * FROM (VALUES {rows}) v({self.names()})"
            clear = f"DELETE FROM {theirs} WHERE EXISTS (SELECT 1 FROM ({text}) n WHERE n.{c} IS NOT DISTINCT FROM {theirs}.{c})"
            return self.both([f"ALTER TABLE r.t SET TBLPROPERTIES ('tarn.overwrite-mode' = 'dynamic')", f"INSERT OVERWRITE {ours} VALUES {rows}", "ALTER TABLE r.t UNSET TBLPROPERTIES ('tarn.overwrite-mode')"],
                             [clear, f"INSERT INTO {theirs} ({self.names()}) VALUES {rows}"], ours, theirs)
        return self.both(f"INSERT OVERWRITE {ours} VALUES {rows}", [f"DELETE FROM {theirs}", f"INSERT INTO {theirs} ({self.names()}) VALUES {rows}"], ours, theirs)

    def make_replace(self):
        ours, theirs = self.target()
        base = self.next_u
        rows = self.values(self.random.randint(1, 4))
        where = f"u % {self.random.randint(2, 5)} = 1 OR u > {base}"
        self.both(f"INSERT INTO {ours} REPLACE WHERE {where} VALUES {rows}", [f"DELETE FROM {theirs} WHERE {where}", f"INSERT INTO {theirs} ({self.names()}) VALUES {rows}"], ours, theirs)

    def make_truncate(self):
        if self.chance(0.3) and not self.in_transaction:
            self.both("TRUNCATE TABLE r.t", "DELETE FROM t", "r.t", "t")

    def both(self, ours, theirs, name, table):
        ours, theirs = ([x] if isinstance(x, str) else x for x in (ours, theirs))
        self.db.execute("CREATE OR REPLACE TEMP TABLE before AS SELECT * FROM " + table)
        try:
            for statement in theirs:
                self.db.execute(statement.replace("{o}", "o").replace("{t}", table))
        except duckdb.Error:
            self.db.execute(f"DELETE FROM {table}")
            self.db.execute(f"INSERT INTO {table} SELECT * FROM before")
            return
        for statement in ours:
            self.run(statement.replace("{o}", "r.o").replace("{t}", name))
        self.check(ours[-1], table, name)
        if not self.in_transaction and table == "t":
            self.tag()

    # ---- statements on the table

    def all_alter(self, what):
        for table in self.tables():
            self.db.execute(f"ALTER TABLE {table} {what}")

    def make_add(self):
        if not self.spare:
            return
        name = self.spare.pop(self.random.randrange(len(self.spare)))
        if self.dropped and self.chance(0.6):
            name, self.dropped = self.dropped[0], self.dropped[1:]
        c = Column(name, self.random.choice(KINDS))
        default = ""
        if self.version == 3 and c.kind in DEFAULTS and self.chance(0.6):
            default = f" DEFAULT {DEFAULTS[c.kind]}"
            c.default = True
        at = self.random.choice(["", " FIRST", f" AFTER {quoted(self.random.choice(self.cols).name)}"])
        self.run(f"ALTER TABLE r.t ADD COLUMN {quoted(name)} {tarn_type(c.kind)}{default}{at}")
        self.all_alter(f"ADD COLUMN {quoted(name)} {c.kind}{default}")
        index = len(self.cols) if not at else 0 if at == " FIRST" else [quoted(x.name) for x in self.cols].index(at[len(" AFTER ") :]) + 1
        self.cols.insert(index, c)
        self.cols.sort(key=lambda x: x.name != "u") if index == 0 else None
        if index == 0:
            self.run("ALTER TABLE r.t ALTER COLUMN u FIRST")

    def used(self):
        return " ".join(self.spec)

    def make_drop(self):
        free = [c for c in self.cols[1:] if quoted(c.name) not in self.used() and c.kind not in ("int", "bigint")]
        if len(free) < 3:
            return
        c = self.random.choice(free)
        self.run("ALTER TABLE r.t WRITE UNORDERED")
        self.run(f"ALTER TABLE r.t DROP COLUMN {quoted(c.name)}")
        self.all_alter(f"DROP COLUMN {quoted(c.name)}")
        self.cols.remove(c)
        self.dropped.append(c.name)

    def make_rename(self):
        if not self.spare:
            return
        c, name = self.random.choice(self.cols[1:]), self.spare.pop()
        self.run(f"ALTER TABLE r.t RENAME COLUMN {quoted(c.name)} TO {quoted(name)}")
        self.all_alter(f"RENAME COLUMN {quoted(c.name)} TO {quoted(name)}")
        self.spec = [s.replace(quoted(c.name), quoted(name)) for s in self.spec]
        if self.chance(0.5):
            self.dropped.append(c.name)
        c.name = name

    def make_swap(self):
        """Two columns change their names."""
        if len(self.cols) < 3 or self.spec:
            return
        a, b = self.random.sample(self.cols[1:], 2)
        for old, new in ((a.name, "swap"), (b.name, a.name), ("swap", b.name)):
            self.run(f"ALTER TABLE r.t RENAME COLUMN {quoted(old)} TO {quoted(new)}")
            self.all_alter(f"RENAME COLUMN {quoted(old)} TO {quoted(new)}")
        a.name, b.name = b.name, a.name

    def make_widen(self):
        wide = [c for c in self.cols[1:] if c.kind in WIDER and not getattr(c, "default", False)]
        if not wide:
            return
        c = self.random.choice(wide)
        if any(quoted(c.name) in s and c.kind == "decimal(9,2)" and "truncate" in s for s in self.spec):
            return
        kind = WIDER[c.kind]
        self.run(f"ALTER TABLE r.t ALTER COLUMN {quoted(c.name)} TYPE {kind}")
        self.all_alter(f"ALTER COLUMN {quoted(c.name)} TYPE {kind}")
        c.kind = "decimal(9,2)" if kind == "decimal(18,2)" else kind

    def make_move(self):
        if len(self.cols) < 3:
            return
        c, after = self.random.sample(self.cols[1:], 2)
        self.run(f"ALTER TABLE r.t ALTER COLUMN {quoted(c.name)} AFTER {quoted(after.name)}")
        self.cols.remove(c)
        self.cols.insert(self.cols.index(after) + 1, c)

    def make_spec(self):
        r = self.random
        if self.spec and self.chance(0.4):
            field = self.spec.pop(r.randrange(len(self.spec)))
            self.run(f"ALTER TABLE r.t DROP PARTITION FIELD {field}")
        else:
            able = [c for c in self.cols[1:] if self.able(c) and not any(quoted(c.name) in s for s in self.spec)]
            if not able:
                return
            c = r.choice(able)
            field = r.choice(PARTITIONS[c.kind]).format(quoted(c.name))
            self.spec.append(field)
            self.run(f"ALTER TABLE r.t ADD PARTITION FIELD {field} AS p{len(self.script)}")
        self.identity = None

    def make_order(self):
        c = self.random.choice([c for c in self.cols if "." not in c.name and not c.kind.startswith("struct") and not c.kind.endswith("[]")])
        self.run(f"ALTER TABLE r.t WRITE {self.pick('', 'LOCALLY ')}ORDERED BY {quoted(c.name)} {self.pick('', 'DESC ')}NULLS {self.pick('FIRST', 'LAST')}, u")

    def make_mode(self):
        what = self.pick("delete", "update", "merge")
        self.run(f"ALTER TABLE r.t SET TBLPROPERTIES ('write.{what}.mode' = '{self.pick('copy-on-write', 'merge-on-read')}')")
        if self.version == 2 and self.chance(0.15):
            self.run("ALTER TABLE r.t SET TBLPROPERTIES ('format-version' = '3')")
            self.version = 3

    def make_branch(self):
        if self.in_transaction or not self.snapshots:
            return
        if not self.branch:
            self.run("ALTER TABLE r.t CREATE BRANCH b")
            self.db.execute("CREATE OR REPLACE TABLE b AS SELECT * FROM t")
            self.branch = True
        elif self.chance(0.5):
            self.run("ALTER TABLE r.t CREATE OR REPLACE BRANCH b")
            self.db.execute("CREATE OR REPLACE TABLE b AS SELECT * FROM t")

    def make_back(self):
        if self.in_transaction or len(self.snapshots) < 3:
            return
        i = self.random.randrange(len(self.snapshots))
        self.run(f"CALL system.set_current_snapshot(table => 'r.t', ref => 's{i}')")
        self.db.execute(f"CREATE OR REPLACE TABLE t AS SELECT * FROM s{i}")
        self.check(f"set_current_snapshot s{i}", "t", "r.t")
        self.snapshots.append((f"s{i}", self.snapshots[i][1]))  # the next one to compare with
        self.db.execute(f"CREATE TABLE s{len(self.snapshots) - 1} AS SELECT * FROM t")
        self.run(f"ALTER TABLE r.t CREATE TAG s{len(self.snapshots) - 1}")

    def make_transaction(self):
        if self.in_transaction:
            return self.end()
        self.run("BEGIN")
        self.in_transaction = True
        self.kept = {t: self.db.execute(f"SELECT * FROM {t}").to_arrow_table() for t in ["t"] + (["b"] if self.branch else [])}

    def end(self):
        back = self.chance(0.4)
        self.in_transaction = False
        self.run("ROLLBACK" if back else "COMMIT")
        if back:
            for t, rows in self.kept.items():
                self.db.register("kept", rows)
                self.db.execute(f"CREATE OR REPLACE TABLE {t} AS SELECT * FROM kept")
                self.db.unregister("kept")
        self.check("the end of a transaction", "t", "r.t")
        if self.branch:
            self.check("the end of a transaction", "b", "r.t.branch_b")
        self.tag()

    # ---- all of it

    def create(self):
        r = self.random
        columns = ", ".join(f"{quoted(c.name)} {tarn_type(c.kind)}" for c in self.cols)
        able = [c for c in self.cols[1:] if self.able(c)]
        for c in r.sample(able, min(len(able), r.choice([0, 1, 1, 2]))):
            self.spec.append(r.choice(PARTITIONS[c.kind]).format(quoted(c.name)))
            self.identity = c
        if len(self.spec) != 1 or "(" in self.spec[0] or self.identity.kind in ("float", "double"):
            self.identity = None
        properties = {
            "format-version": self.version,
            "write.delete.mode": self.pick("copy-on-write", "merge-on-read"),
            "write.update.mode": self.pick("copy-on-write", "merge-on-read"),
            "write.merge.mode": self.pick("copy-on-write", "merge-on-read"),
            "write.delete.granularity": self.pick("file", "partition"),
            "commit.manifest.min-count-to-merge": self.pick(2, 100),
            "write.metadata.metrics.default": self.pick("truncate(16)", "full", "counts", "none", "truncate(1)"),
        }
        self.equality = self.chance(0.3)
        if self.equality:
            properties["tarn.write.delete-files"] = "equality"
            columns = columns.replace('"u" bigint', '"u" bigint NOT NULL', 1) + ', PRIMARY KEY ("u")'
        self.run("CREATE NAMESPACE r")
        self.run(f"CREATE TABLE r.t ({columns})" + (f" PARTITIONED BY ({', '.join(self.spec)})" if self.spec else "") + " TBLPROPERTIES (" + ", ".join(f"'{k}' = '{v}'" for k, v in properties.items()) + ")")
        self.db.execute("CREATE TABLE t (" + ", ".join(f"{quoted(c.name)} {c.kind}" for c in self.cols) + ")")
        self.run("CREATE TABLE r.o (k int, w int)")
        self.db.execute("CREATE TABLE o (k int, w int)")
        keys = r.sample([-10, -3, -1, 0, 1, 2, 3, 5, 7, 10, 11, 12], r.randint(3, 9))
        rows = ", ".join(f"({k}, {r.randint(-3, 9)})" for k in keys) + (", (NULL, 1)" if self.chance(0.5) else "")
        self.run(f"INSERT INTO r.o VALUES {rows}")
        self.db.execute(f"INSERT INTO o VALUES {rows}")
        for _ in range(r.choice([0, 0, 14])):  # more files than are read without a look at what they hold
            few = {c.name: [self.value(c.kind) for _ in range(2)] for c in self.cols[1:]}
            self.next_u += 2
            rows = ", ".join("(" + ", ".join([str(self.next_u - k)] + [r.choice(few[c.name]) for c in self.cols[1:]]) + ")" for k in range(2))
            self.run(f"INSERT INTO r.t VALUES {rows}")
            self.db.execute(f"INSERT INTO t VALUES {rows}")
        first = self.values(r.randint(5, 40))
        self.both(f"INSERT INTO r.t VALUES {first}", f"INSERT INTO t VALUES {first}", "r.t", "t")

    def go(self, length):
        self.create()
        rows = [self.make_insert, self.make_insert, self.make_part, self.make_delete, self.make_plain_delete, self.make_plain_delete, self.make_update, self.make_update, self.make_merge, self.make_merge, self.make_select, self.make_overwrite, self.make_replace, self.make_truncate]
        table = [self.make_add, self.make_add, self.make_drop, self.make_rename, self.make_swap, self.make_widen, self.make_move, self.make_spec, self.make_spec, self.make_order, self.make_mode, self.make_branch, self.make_back]
        for _ in range(length):
            if self.in_transaction:
                self.random.choice(rows)()
                if self.chance(0.35):
                    self.end()
            elif self.chance(0.4):
                self.random.choice(table)()
                if self.chance(0.3):
                    self.check("a change of the table", "t", "r.t")
            elif self.chance(0.07):
                self.make_transaction()
            else:
                self.random.choice(rows)()
        if self.in_transaction:
            self.end()
        for i, (name, rows) in enumerate(self.snapshots):
            self.script += [f"SELECT '== {len(self.expected)}'", f"select to_json(t)::varchar from (select * from r.t {'VERSION AS OF ' + repr(f's{i}') if i % 2 else ''} order by u) t".replace("r.t  order", f"r.t.tag_s{i} order")]
            self.expected.append((f"snapshot s{i}, with its columns", rows))


def sections(out):
    found, now = {}, None
    for row in read_csv(out):
        if len(row) == 1 and (row[0] or "").startswith("== "):
            now = found.setdefault(int(row[0][3:]), [])
        elif now is not None:
            now.append(row)
    return found


def run_history(seed, folder, length):
    h = History(seed)
    h.go(length)
    (folder / "history.sql").write_text(";\n".join(h.script) + ";\n")
    project = Lake(folder)
    result = project("sql", "--format", "csv", "-f", str(folder / "history.sql"), code=None, timeout=300)
    found = sections(result.out)
    for i, (of, acceptable) in enumerate(h.expected):
        assert i in found, f"seed {seed}: not reached:\n{of}\n{result.err[-1500:]}"
        got = [r[0] for r in found[i][1:] if r and r[0] and r[0].startswith("{")]
        if got not in acceptable:
            wanted = acceptable[-1]
            lines = [f"- {w}" for w in wanted if w not in got] + [f"+ {g}" for g in got if g not in wanted]
            raise AssertionError(f"seed {seed}: other rows after:\n{of}\n" + "\n".join(lines[:12]))
    assert result.code == 0, f"seed {seed}: {result.err[-1500:]}"
    return project, h


def check_changes(project, h):
    """The changes between two snapshots lead from one's rows to the other's, by the columns of now."""
    m = project.metadata("r.t")
    parents = {s["snapshot-id"]: s.get("parent-snapshot-id") for s in m["snapshots"]}
    heads = {i: m["refs"][f"s{i}"]["snapshot-id"] for i in range(len(h.snapshots))}

    def is_ancestor(a, b):
        while b is not None and b != a:
            b = parents.get(b)
        return b == a

    pairs = [(i, j) for i in heads for j in heads if i < j and heads[i] != heads[j] and is_ancestor(heads[i], heads[j])]
    for i, j in h.random.sample(pairs, min(4, len(pairs))):
        for more in ("", ", net_changes => true", ", compute_updates => true, identifier_columns => array('u')"):
            options = f"options => map('start-snapshot-id', '{heads[i]}', 'end-snapshot-id', '{heads[j]}')"
            text = f"CALL system.create_changelog_view(table => 'r.t', changelog_view => 'c', {options}{more});\nselect to_json(t)::varchar, _change_type from (select {h.names()}, _change_type, _change_ordinal from c) x, lateral (select {h.names('x.')}) t order by _change_ordinal;\n"
            (project.folder / "changes.sql").write_text(text)
            rows = read_csv(project("sql", "--format", "csv", "-f", str(project.folder / "changes.sql")).out)
            now = Counter(h.rows_of(f"s{i}"))
            for row in rows:
                if len(row) == 2 and (row[0] or "").startswith("{"):
                    now[row[0]] += 1 if row[1] in ("INSERT", "UPDATE_AFTER") else -1
            wanted = Counter(h.rows_of(f"s{j}"))
            wrong = [(k, now[k], wanted[k]) for k in now.keys() | wanted.keys() if now[k] != wanted[k]]
            assert not wrong, f"changes from s{i} to s{j}{more}: {wrong[:5]}"


def reachable(project, table):
    """Every file that the current metadata file reaches, and those of its log."""
    from table_check import local, read_avro

    m = project.metadata(table)
    found = {local(project.pointers()[table])} | {local(e["metadata-file"]) for e in m.get("metadata-log", [])}
    for s in m["snapshots"]:
        found.add(local(s["manifest-list"]))
        for manifest in read_avro(s["manifest-list"]):
            found.add(local(manifest["manifest_path"]))
            found |= {local(e["data_file"]["file_path"]) for e in read_avro(manifest["manifest_path"])}
    return found


def check_folder(project, h):
    from table_check import check_table

    check_table(project, "r.t")
    root = Path(project.metadata("r.t")["location"].removeprefix("file://"))
    there = {p for p in root.rglob("*") if p.is_file() and p.name != "version-hint.text"}
    orphans = there - reachable(project, "r.t")
    assert not orphans, f"files that nothing reaches: {sorted(map(str, orphans))[:5]}"


def check_pyiceberg(project, h):
    if h.version != 2 or h.equality:  # which it refuses
        return
    sql = pytest.importorskip("pyiceberg.catalog.sql")
    catalog = sql.SqlCatalog("iceberg", uri=f"sqlite:///{project.warehouse}/catalog.db", warehouse=f"file://{project.warehouse}")
    table = catalog.load_table("r.t")
    found = sorted(table.scan(selected_fields=("u",)).to_arrow().column(0).to_pylist())
    assert found == [json.loads(r)["u"] for r in h.rows_of("t")]


def seeds():
    first, last = os.environ.get("TARN_TEST_SQL_SEEDS", "1-5").split("-")
    return range(int(first), int(last) + 1)


@pytest.mark.parametrize("seed", seeds())
def test_history(seed, tmp_path):
    project, h = run_history(seed, tmp_path, int(os.environ.get("TARN_TEST_SQL_LENGTH", "40")))
    check_folder(project, h)
    check_changes(project, h)
    check_pyiceberg(project, h)
