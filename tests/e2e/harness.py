"""Helpers of the end-to-end and compatibility tests: a project in a folder of its own, the program run on it, and what its tables hold.

The program is $TARN, else build/dev/tarn, else build/release/tarn. Values are compared as the text of `--format csv`,
so that no conversion of the test's own stands between a table and an expectation.
"""

import contextlib
import csv
import hashlib
import io
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

# Projects lie in memory where that can be had: a run syncs a hundred files, and there are thousands of runs.
if os.access("/dev/shm", os.W_OK):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
NULL = None


def program():
    """The program under test; None: not built."""
    named = os.environ.get("TARN")
    for path in [named] if named else [ROOT / "build/dev/tarn", ROOT / "build/release/tarn"]:
        if os.access(path, os.X_OK):
            return str(path)
    return None


@dataclass
class Result:
    args: list
    code: int
    out: str
    err: str

    def __str__(self):
        return f"tarn {' '.join(self.args)} -> {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"

    @property
    def text(self):
        return self.out + self.err

    def json(self):
        return json.loads(self.out)

    def events(self):
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


class Project:
    """A project's folder and the program run in it."""

    def __init__(self, folder, env=None):
        if program() is None:
            pytest.fail(f"{os.environ.get('TARN', 'build/dev/tarn')} is not there: scripts/build dev", pytrace=False)
        self.folder = Path(folder)
        self.env = {**os.environ, "NO_COLOR": "1", "TZ": "UTC", **(env or {})}
        for name in [n for n in self.env if n.startswith("TARN_") and n not in (env or {})]:
            del self.env[name]

    # ---- running

    def start(self, *args, env=None, **options):
        return subprocess.Popen(
            [program(), *args],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=options.pop("stdin", subprocess.DEVNULL),
            text=True,
            **options,
        )

    def peak_kb(self, *args):
        """Runs a verb, which must succeed: the most memory that it held. A process of its own measures, for the kernel
        counts what the parent held at the fork as the child's, and a test run grows large."""
        measure = "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ); _, status, usage = os.wait4(pid, 0); print(usage.ru_maxrss, file=sys.stderr); sys.exit(os.waitstatus_to_exitcode(status))"
        command = [sys.executable, "-I", "-S", "-c", measure, program(), *self.prefix(), *args]
        done = subprocess.run(command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return int(done.stderr.splitlines()[-1])

    def prefix(self):
        return []

    def __call__(self, *args, code=0, input=None, env=None, timeout=120, **options):
        """Runs a verb; `code` is what it must leave with (None: anything)."""
        if input is not None:
            options["stdin"] = subprocess.PIPE
        process = self.start(*args, env=env, **options)
        try:
            out, err = process.communicate(input, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"tarn {' '.join(args)} did not end within {timeout} s\n{out}\n{err}")
        result = Result(list(args), process.returncode, out, err)
        if code is not None and result.code != code:
            pytest.fail(f"expected exit code {code}\n{result}", pytrace=False)
        return result

    # ---- looking

    def rows(self, sql, *args):
        """Rows of a query as tuples of text (None: null), without the header."""
        out = self("sql", "--format", "csv", *args, sql).out
        return read_csv(out)[1:]

    def columns(self, sql, *args):
        return read_csv(self("sql", "--format", "csv", *args, sql).out)[0]

    def one(self, sql, *args):
        rows = self.rows(sql, *args)
        assert len(rows) == 1 and len(rows[0]) == 1, rows
        return rows[0][0]

    def tables(self):
        """Names of all tables, out of the catalog itself."""
        return sorted(self.pointers())

    def pointers(self):
        """table -> metadata location: what a commit changes."""
        path = self.warehouse / "catalog.db"
        if not path.exists():
            return {}
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            if not db.execute("select 1 from sqlite_master where name = 'iceberg_tables'").fetchall():
                return {}
            return dict(
                db.execute("select table_namespace || '.' || table_name, metadata_location from iceberg_tables").fetchall()
            )

    def metadata(self, table):
        location = self.pointers()[table]
        return json.loads(Path(location.removeprefix("file://")).read_text())

    @property
    def warehouse(self):
        return self.folder / "warehouse"

    def tree(self):
        """path -> checksum of every file of the warehouse but the catalog's own (see pointers)."""
        return {
            str(path.relative_to(self.warehouse)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.warehouse.rglob("*"))
            if path.is_file() and not path.name.startswith("catalog.db")
        }

    def contents(self, tables=None):
        """table -> its sorted rows as JSON, but for what differs from run to run: times of ingestion, ids and paths of Tarn's own."""
        names = tables or self.tables()
        if not names:
            return {}
        hidden = ", ".join(f"'{name}'" for name in sorted(VARYING))
        one = "select '{0}' as name, cast(to_json(t) as varchar) as value from (select columns(lambda c: c not in ({1})) from {0}) t"
        found = {name: [] for name in names}
        for name, value in self.rows(" union all ".join(one.format(name, hidden) for name in names)):
            found[name].append(value)
        return {name: sorted(rows) for name, rows in found.items()}

    # ---- changing

    def write(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text, encoding="utf-8")
        return path

    def read(self, path):
        return (self.folder / path).read_text(encoding="utf-8")

    def edit(self, path, old, new):
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def arrive(self, name="journal_entries_late.json"):
        shutil.copy(self.folder / "late" / name, self.folder / "data" / name)


class Lake(Project):
    """A warehouse outside of any project; others may make its tables."""

    def __init__(self, folder):
        super().__init__(folder)
        self.warehouse.mkdir(parents=True, exist_ok=True)

    def sql(self, *statements):
        for statement in statements:
            self("sql", statement)

    def prefix(self):
        return ["--warehouse", str(self.warehouse)]

    def start(self, *args, **options):
        return super().start(*self.prefix(), *args, **options)


# What differs between two runs that hold the same data.
VARYING = {"ingest_ts", "resolved_ts", "modified", "run_id"}


def read_csv(text):
    """Rows of `--format csv`: an empty field without quotes is null, an empty text is \"\"."""
    rows, row, field, quoted, at = [], [], [], False, 0
    while at < len(text):
        char = text[at]
        if char == '"':
            quoted, at = True, at + 1
            while True:
                if text[at] == '"' and text[at + 1 : at + 2] == '"':
                    field.append('"')
                    at += 2
                elif text[at] == '"':
                    break
                else:
                    field.append(text[at])
                    at += 1
        elif char in ",\n":
            value = "".join(field)
            row.append(value if value or quoted else NULL)
            field, quoted = [], False
            if char == "\n":
                rows.append(tuple(row))
                row = []
        elif char != "\r":
            field.append(char)
        at += 1
    assert not row and not field, "the last line has no end"
    return rows


@pytest.fixture
def accounting(tmp_path):
    """examples/accounting in a folder of its own, nothing run yet."""
    return copy_example("accounting", tmp_path)


@pytest.fixture
def closed(accounting):
    """examples/accounting after its first run."""
    accounting("run")
    return accounting


@pytest.fixture
def sales(tmp_path):
    return copy_example("sales-analysis", tmp_path)


@pytest.fixture
def small(tmp_path):
    """A project of one stream and one merge model, for tests that need input and models of their own."""
    return small_project(tmp_path / "small")


def copy_example(name, folder):
    target = Path(folder) / name
    shutil.copytree(EXAMPLES / name, target, ignore=shutil.ignore_patterns("warehouse", ".tarn", ".env"))
    late = target / "data" / "journal_entries_late.json"
    if late.exists():
        late.unlink()
    return Project(target)


SMALL_YAML = """\
tarn: 1
project: small
profile: local
profiles:
  local:
    warehouse: ./warehouse
    sources: {app: {kind: files, path: data, format: ejson}}
ingest:
  - from: app.items
    files: ["items*"]
    to: raw.items
"""
SMALL_MODEL = """\
/* tarn
kind: merge
key: [id]
audit: [ingest_ts]
*/
select id, amount, ingest_ts
from raw.items
qualify row_number() over (partition by id order by ingest_ts desc, _source_file desc, _source_offset desc) = 1
"""


def small_project(folder, items='{"id": 1, "amount": 5}\n{"id": 2, "amount": 7}\n'):
    project = Project(folder)
    project.write("tarn.yaml", SMALL_YAML)
    project.write("models/curated/items.sql", SMALL_MODEL)
    if items is not None:
        project.write("data/items.json", items)
    return project


def kill(process, signal_number=signal.SIGKILL):
    process.send_signal(signal_number)
    return process.wait(timeout=60)
