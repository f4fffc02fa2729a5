"""Random values of every type and random conditions over columns, for tests that compare statements with another engine's."""

VALUES = {
    "int": ["-2147483640", "2147483647", "-10", "-3", "-1", "0", "1", "2", "3", "5", "7", "10", "11", "12"],
    "bigint": ["-9223372036854775000", "9223372036854775807", "-1001", "-1000", "-1", "0", "1", "999", "1000", "2147483648", "9007199254740993"],
    "varchar": ["''", "'a'", "'ab'", "'abc'", "'Abc'", "'a%'", "'a_'", "'b'", "'ä'", "'äö'", "'z'", "'\uffff'", "'\ud7ff'", "'\ue000'", "'\U0001f600'", "'\U0010ffff'", "'a\U0010ffff'",
                "'O''Neil'", "'aaaaaaaaaaaaaaaaaaaab'", "'aaaaaaaaaaaaaaaa'", "'aaaaaaaaaaaaaaa\U0010ffff\U0010ffff'", "'\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff\U0010ffff'",
                "'aaaaaaaaaaaaaaa\ud7ffx'", "'NULL'", "' a'", "'a '", "'1'", "'10'"],
    "decimal(9,2)": ["0.00", "-0.01", "0.01", "499.99", "500.00", "-500.00", "-9999999.50", "9999999.99", "1.10", "-1.10", "49.99", "50.00"],
    "decimal(38,10)": ["0.0000000000", "-9999999999999999999999999999.9999990000", "9999999999999999999999999999.9999999999", "0.0000000001", "-0.0000000001", "18446744073709551616.0000000000", "-1.5000000000", "1844674407.3709551616"],
    "float": ["'nan'::float", "'inf'::float", "'-inf'::float", "'-0.0'::float", "0.0::float", "0.1::float", "-0.1::float", "1.5::float", "16777216::float", "3.4028235e38::float", "1e-45::float"],
    "double": ["'nan'::double", "'inf'::double", "'-inf'::double", "'-0.0'::double", "0.0::double", "0.1::double", "-0.1::double", "1.5::double", "9007199254740992::double", "1.7976931348623157e308::double", "5e-324::double"],
    "date": ["DATE '1969-12-31'", "DATE '1970-01-01'", "DATE '1970-01-02'", "DATE '1969-01-01'", "DATE '1968-02-29'", "DATE '2024-02-29'", "DATE '2024-03-01'", "DATE '0001-01-01'", "DATE '9999-12-31'", "DATE '2023-12-31'"],
    "timestamp": ["TIMESTAMP '1969-12-31 23:59:59.999999'", "TIMESTAMP '1970-01-01 00:00:00'", "TIMESTAMP '1969-12-31 23:00:00'", "TIMESTAMP '1969-12-31 22:59:59.999999'", "TIMESTAMP '1968-02-29 12:00:00'",
                  "TIMESTAMP '2024-02-29 23:30:00.000001'", "TIMESTAMP '2024-03-01 00:00:00'", "TIMESTAMP '2024-03-01 01:59:59.999999'", "TIMESTAMP '0001-01-01 00:00:00'", "TIMESTAMP '9999-12-31 23:59:59.999999'"],
    "timestamptz": ["TIMESTAMPTZ '1969-12-31 23:59:59.999999+00'", "TIMESTAMPTZ '1970-01-01 00:00:00+00'", "TIMESTAMPTZ '1969-12-31 20:30:00-05'", "TIMESTAMPTZ '2024-03-01 00:30:00+02'", "TIMESTAMPTZ '2024-03-01 00:00:00+00'",
                    "TIMESTAMPTZ '2024-02-29 23:59:59.999999+00'", "TIMESTAMPTZ '1968-01-01 00:00:00+00'", "TIMESTAMPTZ '9999-12-31 23:59:59+00'"],
    "time": ["TIME '00:00:00'", "TIME '23:59:59.999999'", "TIME '12:00:00'", "TIME '12:00:00.000001'"],
    "uuid": ["UUID '00000000-0000-0000-0000-000000000000'", "UUID 'ffffffff-ffff-ffff-ffff-ffffffffffff'", "UUID '7fffffff-ffff-ffff-ffff-ffffffffffff'", "UUID '80000000-0000-0000-0000-000000000000'", "UUID 'f79c3e09-677c-4bbd-a479-3f349cb785e7'"],
    "blob": ["''::blob", "'\\x00'::blob", "'\\xff'::blob", "'\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff'::blob", "'a'::blob", "'a\\x00'::blob", "'\\x7f'::blob", "'\\x80'::blob", "'aaaaaaaaaaaaaaaaaa'::blob"],
    "boolean": ["true", "false"],
}
COMPARE = ["=", "<>", "<", "<=", ">", ">="]
PARTITIONS = {
    "int": ["{}", "bucket(5, {})", "truncate(3, {})"],
    "bigint": ["{}", "bucket(3, {})", "truncate(1000, {})"],
    "varchar": ["{}", "bucket(4, {})", "truncate(1, {})", "truncate(2, {})"],
    "decimal(9,2)": ["{}", "bucket(3, {})", "truncate(50, {})"],
    "decimal(38,10)": ["bucket(3, {})", "truncate(7, {})"],
    "float": ["{}"],
    "double": ["{}"],
    "date": ["{}", "days({})", "months({})", "years({})", "bucket(4, {})"],
    "timestamp": ["hours({})", "days({})", "months({})", "years({})", "bucket(4, {})", "{}"],
    "timestamptz": ["hours({})", "days({})", "months({})", "years({})", "bucket(3, {})"],
    "time": ["bucket(3, {})", "{}"],
    "uuid": ["bucket(3, {})", "{}"],
    "blob": ["bucket(3, {})", "truncate(1, {})", "{}"],
    "boolean": ["{}"],
}
NUMBERS = ["int", "bigint", "decimal(9,2)", "decimal(38,10)", "float", "double"]


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


class Conditions:
    """`columns`: (name, type of DuckDB) of all there are; `random`: where all chance comes from."""

    columns = []
    random = None

    def chance(self, p):
        return self.random.random() < p

    def pick(self, *of):
        return self.random.choice(of)

    def value(self, kind, nulls=0.12):
        if self.chance(nulls):
            return "NULL"
        if kind.startswith("struct"):
            return "{" + ", ".join(f"'{name}': {self.value(member)}" for name, member in self.members(kind)) + "}"
        if kind.endswith("[]"):
            return "[" + ", ".join(self.value(kind[:-2]) for _ in range(self.random.randint(0, 3))) + f"]::{kind}"
        return self.random.choice(VALUES[kind])

    def members(self, struct):
        """struct(a int, "b c" varchar) -> [("a", "int"), ("b c", "varchar")]"""
        found = []
        for part in struct[len("struct(") : -1].split(", "):
            name, kind = part.rsplit(" ", 1)
            found.append((name.strip('"'), kind))
        return found

    def number(self):
        return self.random.choice([name for name, kind in self.columns if kind in NUMBERS])

    # ---- conditions

    def other_type(self, name, kind, q):
        """A comparison of a column under a cast or a function."""
        r, c = self.random, q + quoted(name)
        any_of = []
        if kind in ("int", "bigint"):
            any_of += [f"{c}::double", f"{c}::decimal(38,0)", f"{c}::hugeint", f"TRY_CAST({c} AS tinyint)", f"TRY_CAST({c} AS int)", f"({c} % 10)", f"-({c} // 2)", f"abs({c} // 3)", f"coalesce({c}, 1)", f"nullif({c}, 1)"]
            return f"{r.choice(any_of)} {r.choice(COMPARE)} {self.value('int')}"
        if kind in ("float", "double"):
            any_of += [f"TRY_CAST({c} AS int)", f"TRY_CAST({c} AS decimal(9,2))", f"{c}::double", f"TRY_CAST({c} AS float)", f"-{c}", f"coalesce({c}, 0)", f"({c} + 1)", f"abs({c})"]
            if self.chance(0.3):
                return r.choice([f"isnan({c})", f"isinf({c})", f"NOT isnan({c})", f"isfinite({c})"])
            return f"{r.choice(any_of)} {r.choice(COMPARE)} {r.choice([self.value('double'), self.value('float'), '0', '1.5', '0.1'])}"
        if kind.startswith("decimal"):
            any_of += [f"{c}::double", f"TRY_CAST({c} AS int)", f"TRY_CAST({c} AS decimal(18,1))", f"round({c}, 0)", f"-{c}", f"coalesce({c}, 0)"]
            return f"{r.choice(any_of)} {r.choice(COMPARE)} {r.choice([self.value('decimal(9,2)'), '500', '499.99', '1.1', '1.105', '-0.001', '500::double'])}"
        if kind == "varchar":
            any_of += [f"lower({c})", f"upper({c})", f"trim({c})", f"coalesce({c}, 'a')", f"({c} || 'a')", f"substr({c}, 1, 1)", f"left({c}, 2)", f"{c} COLLATE NOCASE", f"{c} COLLATE NOACCENT"]
            if self.chance(0.5):
                pattern = r.choice(["a%", "%", "", "a_", "_", "ab%", "%b", "ä%", "a\\%", "A%", "aaaaaaaaaaaaaaaaaaa%", "\U0010ffff%", "_%", "aaaaaaaaaaaaaaa\U0010ffff%"])
                return r.choice([f"{c} LIKE '{pattern}'", f"{c} NOT LIKE '{pattern}'", f"{c} ILIKE '{pattern}'", f"starts_with({c}, '{pattern.rstrip('%')}')", f"NOT starts_with({c}, '{pattern.rstrip('%')}')",
                                 f"{c} LIKE 'a\\%' ESCAPE '\\'", f"prefix({c}, 'a')", f"{c} ^@ 'ab'", f"regexp_matches({c}, '^a')", f"contains({c}, 'a')", f"{c} SIMILAR TO 'a.*'", f"{c} ~ 'ab'", f"{c} GLOB 'a*'"])
            if self.chance(0.3):
                return f"TRY_CAST({c} AS int) {r.choice(COMPARE)} {self.value('int')}"
            if self.chance(0.2):
                return f"length({c}) {r.choice(COMPARE)} {r.randint(0, 3)}"
            return f"{r.choice(any_of)} {r.choice(COMPARE)} {self.value('varchar')}"
        if kind == "date":
            return r.choice([f"year({c}) {r.choice(COMPARE)} {r.choice([1969, 1970, 2024])}", f"month({c}) = {r.choice([1, 2, 12])}", f"date_trunc('month', {c}) {r.choice(COMPARE)} {self.value('date')}",
                             f"{c} {r.choice(COMPARE)} {self.value('timestamp')}", f"{c}::timestamp {r.choice(COMPARE)} {self.value('timestamp')}", f"{c} {r.choice(COMPARE)} {self.value('timestamptz')}", f"{c}::varchar < '1970'", f"extract(dow FROM {c}) = 3",
                             f"date_trunc('year', {c}) = DATE '1969-01-01'", f"last_day({c}) = DATE '2024-02-29'", f"{c} {r.choice(COMPARE)} '1970-01-01'", f"strftime({c}, '%Y') = '1969'"])
        if kind in ("timestamp", "timestamptz"):
            unit = r.choice(["year", "month", "day", "hour", "week", "minute"])
            return r.choice([f"year({c}) {r.choice(COMPARE)} {r.choice([1969, 1970, 2024])}", f"date_trunc('{unit}', {c}) {r.choice(COMPARE)} {self.value(kind)}", f"{c}::date {r.choice(COMPARE)} {self.value('date')}",
                             f"CAST({c} AS date) = {self.value('date')}", f"{c} {r.choice(COMPARE)} {self.value('date')}", f"{c} {r.choice(COMPARE)} {self.value('timestamp')}", f"{c} {r.choice(COMPARE)} {self.value('timestamptz')}",
                             f"hour({c}) {r.choice(COMPARE)} {r.choice([0, 23, 12])}", f"{c}::time {r.choice(COMPARE)} TIME '12:00:00'", f"{c}::varchar LIKE '1969%'", f"{c} {r.choice(COMPARE)} '2024-03-01'", f"epoch({c}) < 0",
                             f"{c}::timestamp_s {r.choice(COMPARE)} TIMESTAMP '1969-12-31 23:59:59'", f"time_bucket(INTERVAL 1 DAY, {c}) = {self.value(kind)}"])
        if kind == "boolean":
            return r.choice([c, f"NOT {c}", f"{c} IS TRUE", f"{c} IS NOT TRUE", f"{c} IS FALSE", f"{c} IS NOT FALSE", f"coalesce({c}, true)", f"{c} = ({q}u % 2 = 0)"])
        return f"{c}::varchar {r.choice(COMPARE)} {self.value('varchar')}"

    def leaf(self, q):
        r = self.random
        name, kind = r.choice(self.columns if self.chance(0.1) else self.columns[1:])
        c = q + quoted(name)
        whole = kind
        if kind.startswith("struct"):
            name, kind = r.choice(self.members(kind))
            if self.chance(0.1):
                return f"{c} IS {r.choice(['', 'NOT '])}NULL"
            if self.chance(0.1):
                return f"{c} {r.choice(['=', '<>', 'IS NOT DISTINCT FROM'])} {self.value(whole)}"
            c += "." + quoted(name)
        elif self.chance(0.35):
            return self.other_type(name, kind, q)
        v = lambda nulls=0.08: self.value(kind, nulls)
        choices = [
            lambda: f"{c} {r.choice(COMPARE)} {v()}",
            lambda: f"{c} {r.choice(COMPARE)} {v()}",
            lambda: f"{v()} {r.choice(COMPARE)} {c}",
            lambda: f"{c} IN ({', '.join(v() for _ in range(r.randint(1, 4)))})",
            lambda: f"{c} NOT IN ({', '.join(v(0.03) for _ in range(r.randint(1, 4)))})",
            lambda: f"{c} BETWEEN {v()} AND {v()}",
            lambda: f"{c} NOT BETWEEN {v()} AND {v()}",
            lambda: f"{c} IS NULL",
            lambda: f"{c} IS NOT NULL",
            lambda: f"{c} IS {r.choice(['', 'NOT '])}DISTINCT FROM {v()}",
            lambda: f"{c} = ANY([{', '.join(v() for _ in range(r.randint(1, 3)))}])",
            lambda: f"coalesce({c}, {v()}) {r.choice(COMPARE)} {v()}",
            lambda: f"CASE WHEN {c} {r.choice(COMPARE)} {v()} THEN {c} ELSE {v()} END {r.choice(COMPARE)} {v()}",
            lambda: f"({c} {r.choice(COMPARE)} {v()}) IS {r.choice(['NULL', 'NOT NULL', 'TRUE', 'NOT TRUE', 'FALSE', 'NOT FALSE'])}",
            lambda: f"{q}{quoted(self.number())} {r.choice(COMPARE)} {q}{quoted(self.number())}",
            lambda: f"greatest({c}, {v()}) {r.choice(COMPARE)} {v()}",
            lambda: f"({c}, {q}u) >= ({v()}, 5)",
        ]
        text = r.choice(choices)()
        if kind.endswith("[]") and "BETWEEN" in text:  # the engine has none of lists over files
            return f"{c} IS NOT NULL"
        return text

    def subquery(self, q):
        return self.leaf(q)

    def condition(self, q="", depth=0, sub=True):
        r = self.random
        if depth < 3 and self.chance(0.45):
            parts = [self.condition(q, depth + 1, sub) for _ in range(r.choice([2, 2, 3]))]
            return "(" + r.choice([" AND ", " OR ", " OR "]).join(r.choice(["", "", "NOT "]) + f"({p})" for p in parts) + ")"
        if sub and self.chance(0.1):
            return self.subquery(q)
        return self.leaf(q)

