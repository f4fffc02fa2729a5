"""A small model of a table whose columns change: what its rows must read as, after any steps.

Rows are kept as they were written: values by field id, at every depth. Reading projects them onto the columns of now: a
field that a row was written with has that value (wider, where its type was promoted), any other its initial default, or
null. Names take no part in it, which is the point.
"""

import datetime
import itertools
from dataclasses import dataclass, field
from decimal import Decimal

PROMOTIONS = {"int": "bigint", "float": "double", "decimal(6, 2)": "decimal(20, 2)", "date": "timestamp_ntz"}
PRIMITIVES = ["int", "bigint", "float", "double", "decimal(6, 2)", "string", "date", "boolean"]
DEPTH = 4


@dataclass
class Field:
    id: int
    name: str
    type: object  # a name of PRIMITIVES, or one of the below
    initial: object = None  # a stored value
    write: object = None


@dataclass
class Struct:
    fields: list


@dataclass
class List:
    element: Field


@dataclass
class Map:
    value: Field


@dataclass
class Snapshot:
    id: int
    rows: list


@dataclass
class Table:
    rng: object
    version: int
    name: str = "raw.t"
    root: Struct = field(default_factory=lambda: Struct([]))
    rows: list = field(default_factory=list)  # stored: {field id: value}
    ids: itertools.count = field(default_factory=lambda: itertools.count(1))
    keys: itertools.count = field(default_factory=lambda: itertools.count(1))

    # ---- types

    def make_type(self, depth):
        kind = self.rng.random()
        if depth >= DEPTH or kind < 0.5:
            return self.rng.choice(PRIMITIVES)
        if kind < 0.75:
            return Struct([self.make_field(f"f{i}", depth + 1) for i in range(self.rng.randint(1, 3))])
        return (List if kind < 0.9 else Map)(self.make_field("element" if kind < 0.9 else "value", depth + 1))

    def make_field(self, name, depth):
        return Field(next(self.ids), name, self.make_type(depth))

    def structs(self, of=None, path=()):
        """(path, struct) of all structs, the root's path being empty."""
        of = of or self.root
        yield path, of
        for f in of.fields:
            yield from self.inside(f, path + (f.name,))

    def inside(self, f, path):
        if isinstance(f.type, Struct):
            yield from self.structs(f.type, path)
        elif isinstance(f.type, List):
            yield from self.inside(f.type.element, path + ("element",))
        elif isinstance(f.type, Map):
            yield from self.inside(f.type.value, path + ("value",))

    def leaves(self):
        """(path, field) of all primitive fields that can be promoted or filtered, elements and values included."""
        for path, struct in self.structs():
            for f in struct.fields:
                at = path + (f.name,)
                while isinstance(f.type, List | Map):
                    at += ("element",) if isinstance(f.type, List) else ("value",)
                    f = f.type.element if isinstance(f.type, List) else f.type.value
                if not isinstance(f.type, Struct):
                    yield at, f

    # ---- values

    def make_value(self, type, depth=0):
        if self.rng.random() < (0.1 if depth else 0.15):
            return None
        if isinstance(type, Struct):
            return {f.id: self.make_value(f.type, depth + 1) for f in type.fields}
        if isinstance(type, List):
            return [self.make_value(type.element.type, depth + 1) for _ in range(self.rng.randint(0, 2))]
        if isinstance(type, Map):
            return [(k, self.make_value(type.value.type, depth + 1)) for k in self.rng.sample("abc", self.rng.randint(0, 2))]
        return self.make_primitive(type)

    def make_primitive(self, type):
        n = self.rng.randint(-40, 40)
        if type == "boolean":
            return n > 0
        if type == "string":
            return f"t{n}"
        if type == "date":
            return datetime.date(1970, 6, 15) + datetime.timedelta(days=n)
        if type == "timestamp_ntz":
            return datetime.datetime(1970, 6, 15) + datetime.timedelta(hours=12 * n)
        if type.startswith("decimal"):
            return Decimal(n) / 4
        if type in ("float", "double"):
            return n / 4
        return n + (2**40 if type == "bigint" and n % 5 == 0 else 0)

    def omit(self, value, type, names):
        """The value as it is written where fields of these ids are not given."""
        if value is None:
            return None
        if isinstance(type, Struct):
            kept = [f for f in type.fields if f.id not in names] or type.fields[:1]
            given = {f.id for f in kept}
            return {f.id: self.omit(value[f.id], f.type, names) if f.id in given else self.effective(f, "write") for f in type.fields}
        if isinstance(type, List):
            return [self.omit(v, type.element.type, names) for v in value]
        if isinstance(type, Map):
            return [(k, self.omit(v, type.value.type, names)) for k, v in value]
        return value

    def literal(self, value, type, names=()):
        if value is None:
            return "null"
        if isinstance(type, Struct):
            kept = [f for f in type.fields if f.id not in names] or type.fields[:1]
            return "{" + ", ".join(f"'{f.name}': {self.literal(value[f.id], f.type, names)}" for f in kept) + "}"
        if isinstance(type, List):
            return "[" + ", ".join(self.literal(v, type.element.type, names) for v in value) + "]"
        if isinstance(type, Map):
            entries = ", ".join(f"'{k}': {self.literal(v, type.value.type, names)}" for k, v in value)
            return "map {" + entries + "}"
        if isinstance(value, datetime.datetime):
            return f"timestamp '{value}'"
        if isinstance(value, datetime.date):
            return f"date '{value}'"
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str):
            return f"'{value}'"
        return f"{value}::{'double' if isinstance(value, float) else type}"

    def type_text(self, type):
        if isinstance(type, Struct):
            return "struct<" + ", ".join(f"{f.name}: {self.type_text(f.type)}" for f in type.fields) + ">"
        if isinstance(type, List):
            return f"array<{self.type_text(type.element.type)}>"
        if isinstance(type, Map):
            return f"map<string, {self.type_text(type.value.type)}>"
        return type

    # ---- reading

    def effective(self, f, which):
        """A default, "initial" or "write"; the fields of a struct take their own."""
        default = getattr(f, which)
        if default is None or not isinstance(f.type, Struct):
            return default
        return {g.id: self.effective(g, which) for g in f.type.fields}

    def project(self, value, type):
        if value is None:
            return None
        if isinstance(type, Struct):
            return {
                f.name: self.project(value[f.id] if f.id in value else self.effective(f, "initial"), f.type) for f in type.fields
            }
        if isinstance(type, List):
            return [self.project(v, type.element.type) for v in value]
        if isinstance(type, Map):
            return {k: self.project(v, type.value.type) for k, v in value}
        if type == "timestamp_ntz" and not isinstance(value, datetime.datetime):
            return datetime.datetime(value.year, value.month, value.day)
        return value

    def read(self):
        return sorted((self.project(row, self.root) for row in self.rows), key=lambda r: r["k"])

    # ---- steps: each changes the model and gives the statement that does the same

    def create(self):
        self.root.fields = [Field(next(self.ids), "k", "int")] + [self.make_field(f"c{i}", 1) for i in range(4)]
        columns = ", ".join(f"{f.name} {self.type_text(f.type)}" for f in self.root.fields)
        mode = self.rng.choice(["copy-on-write", "merge-on-read"])
        return (
            f"create table {self.name} ({columns}) tblproperties ('format-version' = '{self.version}', 'write.update.mode' = '{mode}')"
        )

    def pick(self, paths):
        paths = list(paths)
        return self.rng.choice(paths) if paths else None

    def fresh_name(self, struct):
        taken = {f.name for f in struct.fields}
        return self.rng.choice([n for n in ("f0", "f1", "f2", "f3", "g", "h", "c1", "c2") if n not in taken] or [f"n{len(taken)}"])

    def add(self):
        path, struct = self.pick(self.structs())
        name = self.fresh_name(struct)
        f = self.make_field(name, len(path) + 1)
        default = ""
        if self.version == 3 and self.rng.random() < 0.5:
            default = self.give_default(f)
        place, after = len(struct.fields), ""
        if self.rng.random() < 0.3 and path:
            place, after = 0, " first"
        elif self.rng.random() < 0.3:
            place = self.rng.randrange(len(struct.fields)) + 1
            after = f" after {struct.fields[place - 1].name}"
        struct.fields.insert(place, f)
        return f"alter table {self.name} add column {'.'.join(path + (name,))} {self.type_text(f.type)}{default}{after}"

    def give_default(self, f):
        value = None
        if isinstance(f.type, Struct):
            given = {g.id: self.make_primitive(g.type) for g in f.type.fields if isinstance(g.type, str)}
            f.initial = f.write = {}
            for g in f.type.fields:
                if g.id in given:
                    g.initial = g.write = given[g.id]
            texts = [f"'{g.name}': {self.literal(given[g.id], g.type)}" for g in f.type.fields if g.id in given]
            return " default {" + ", ".join(texts) + "}"
        if isinstance(f.type, str):
            value = self.make_primitive(f.type)
        elif isinstance(f.type, List) and isinstance(f.type.element.type, str):
            value = [self.make_primitive(f.type.element.type), None]
        elif isinstance(f.type, Map) and isinstance(f.type.value.type, str):
            value = [("a", self.make_primitive(f.type.value.type))]
        f.initial = f.write = value
        return f" default {self.literal(value, f.type)}" if value is not None else ""

    def drop(self):
        choices = [(p, s, f) for p, s in self.structs() for f in s.fields if f.name != "k" and len(s.fields) > 1]
        if not choices:
            return None
        path, struct, f = self.rng.choice(choices)
        struct.fields.remove(f)
        return f"alter table {self.name} drop column {'.'.join(path + (f.name,))}"

    def rename(self):
        path, struct, f = self.pick((p, s, f) for p, s in self.structs() for f in s.fields if f.name != "k") or (None,) * 3
        if f is None:
            return None
        name = self.fresh_name(struct)
        text = f"alter table {self.name} rename column {'.'.join(path + (f.name,))} to {name}"
        f.name = name
        return text

    def swap(self):
        """Two fields of one struct take each other's name."""
        found = self.pick((p, s) for p, s in self.structs() if sum(f.name != "k" for f in s.fields) > 1)
        if not found:
            return None
        path, struct = found
        a, b = self.rng.sample([f for f in struct.fields if f.name != "k"], 2)
        prefix = f"alter table {self.name} rename column " + ".".join(path + ("",))
        steps = [f"{prefix}{a.name} to swapping", f"{prefix}{b.name} to {a.name}", f"{prefix}swapping to {b.name}"]
        a.name, b.name = b.name, a.name
        return "; ".join(steps)

    def move(self):
        found = self.pick((p, s) for p, s in self.structs() if len(s.fields) > 1)
        if not found:
            return None
        path, struct = found
        f = self.rng.choice(struct.fields)
        struct.fields.remove(f)
        place = self.rng.randrange(len(struct.fields) + 1)
        where = "first" if place == 0 else f"after {struct.fields[place - 1].name}"
        struct.fields.insert(place, f)
        return f"alter table {self.name} alter column {'.'.join(path + (f.name,))} {where}"

    def promote(self):
        wider = {k: v for k, v in PROMOTIONS.items() if k != "date" or self.version == 3}
        found = self.pick((p, f) for p, f in self.leaves() if f.type in wider and f.name != "k")
        if not found:
            return None
        path, f = found
        f.type = wider[f.type]
        return f"alter table {self.name} alter column {'.'.join(path)} type {f.type}"

    def set_default(self):
        found = self.pick((p, s, f) for p, s in self.structs() for f in s.fields if isinstance(f.type, str) and f.name != "k")
        if self.version < 3 or not found:
            return None
        path, _, f = found
        f.write = self.make_primitive(f.type)
        return f"alter table {self.name} alter column {'.'.join(path + (f.name,))} set default {self.literal(f.write, f.type)}"

    def insert(self):
        key = next(self.keys)
        ids = [f.id for _, s in self.structs() for f in s.fields if f.name != "k"]
        omitted = set(self.rng.sample(ids, self.rng.randint(0, len(ids) // 4)))
        row = {f.id: key if f.name == "k" else self.make_value(f.type) for f in self.root.fields}
        given = [f for f in self.root.fields if f.id not in omitted]
        values = ", ".join(self.literal(row[f.id], f.type, omitted) for f in given)
        self.rows.append(self.omit(row, self.root, omitted))
        return f"insert into {self.name} ({', '.join(f.name for f in given)}) values ({values})"

    def update(self):
        """A row that changes is written anew, as the columns are now."""
        others = [f for f in self.root.fields if f.name != "k"]
        if not self.rows or not others:
            return None
        row, f = self.rng.choice(self.rows), self.rng.choice(others)
        key = row[next(g.id for g in self.root.fields if g.name == "k")]
        value = self.make_value(f.type)
        row[f.id] = value
        return f"update {self.name} set {f.name} = {self.literal(value, f.type)} where k = {key}"

    def step(self):
        steps = [self.add] * 4 + [self.drop] * 2 + [self.rename] * 2 + [self.swap, self.move, self.update]
        steps += [self.promote] * 2 + [self.set_default, self.insert, self.insert, self.insert]
        text = None
        while text is None:
            text = self.rng.choice(steps)()
        return text

    # ---- filters

    def filter(self):
        """A condition on a field that stands in structs alone, and the keys of the rows that meet it."""
        found = self.pick((p, f) for p, f in self.leaves() if "element" not in p and "value" not in p and f.type != "boolean")
        path, f = found
        value = self.make_primitive(f.type)
        if f.type == "timestamp_ntz":
            value += datetime.timedelta(seconds=self.rng.choice([0, 0, 1, -1]))

        def at(row):
            for name in path:
                row = row[name] if row is not None else None
            return row

        sign = self.rng.choice(["=", "<", ">", "is null"])
        meets = {
            "=": lambda v: v is not None and v == value,
            "<": lambda v: v is not None and v < value,
            ">": lambda v: v is not None and v > value,
            "is null": lambda v: v is None,
        }[sign]
        condition = f"t.{'.'.join(path)} {sign} {self.literal(value, f.type) if sign != 'is null' else ''}"
        return condition, [row["k"] for row in self.read() if meets(at(row))]


def plain(value):
    """As `tarn sql --format ndjson` shows it."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, datetime.date):
        return value.isoformat()
    return float(value) if isinstance(value, Decimal) else value
