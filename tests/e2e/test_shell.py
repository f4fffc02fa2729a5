"""The prompt of `tarn sql`, through a pseudo terminal: lines over several statements, Ctrl-C, Tab, backslash commands, history."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from harness import Lake, program

PROMPT = r"tarn=> $"
MORE = r"tarn-> $"
IN_TRANSACTION = r"tarn\*=> $"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\a")
UP, TAB, CTRL_C, CTRL_D = "\x1b[A", "\t", "\x03", "\x04"
FOREVER = "select count(*) from range(10000000000) a, range(1000) b;"


class Shell:
    def __init__(self, project, *args, env=None, rows=50, columns=120, out=None):
        self.folder = project.folder
        self.seen = ""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**project.env, "TERM": "xterm", "PAGER": "", "XDG_STATE_HOME": str(project.folder / "state"), **(env or {})}
        self.process = subprocess.Popen(
            [program(), *args, "sql"],
            cwd=project.folder,
            env=environment,
            stdin=slave,
            stdout=out or slave,
            stderr=slave,
            preexec_fn=lambda: (os.setsid(), fcntl.ioctl(0, termios.TIOCSCTTY, 0)),
        )
        os.close(slave)
        self.fd = master

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            piece = os.read(self.fd, 65536)
        except OSError:  # the other end was closed
            return False
        self.seen += piece.decode("utf-8", "replace")
        return bool(piece)

    def expect(self, pattern, seconds=30):
        """What was shown up to and with the pattern."""
        end = time.monotonic() + seconds
        while True:
            text = ESCAPES.sub("", self.seen).replace("\r", "")
            found = re.search(pattern, text, re.MULTILINE)
            if found:
                self.seen = ""
                return text
            left = end - time.monotonic()
            if left <= 0 or not self.read(left):
                pytest.fail(f"{pattern!r} did not come\n{text}", pytrace=False)

    def send(self, text):
        os.write(self.fd, text.encode())

    def __call__(self, line, prompt=PROMPT):
        """Types a line; what was shown until the next prompt."""
        self.send(line + "\n")
        return self.expect(prompt)

    def end(self, how=CTRL_D, code=0):
        if how:
            self.send(how)
        end = time.monotonic() + 30
        while time.monotonic() < end and self.read(0.2) or self.process.poll() is None:
            assert time.monotonic() < end, self.seen
        assert self.process.wait(timeout=10) == code, self.seen
        os.close(self.fd)
        return ESCAPES.sub("", self.seen).replace("\r", "")


@contextlib.contextmanager
def shell(project, *args, **options):
    s = Shell(project, *args, **options)
    try:
        s.first = s.expect(PROMPT)
        yield s
    finally:
        if s.process.poll() is None:
            s.process.kill()
            s.process.wait()


@pytest.fixture
def run(small):
    """A project with the tables raw.items and curated.items."""
    small("run", "-q")
    return small


def history(project):
    path = project.folder / "state/tarn/history"
    return path.read_text().splitlines() if path.exists() else []


def test_statements(run):
    with shell(run) as s:
        assert "\\? for help" in s.first
        text = s("select 41 + 1 as n;")
        assert re.search(r"^ +n\n-+\n 42\n\(1 row, \d+ ms\)\n$", text, re.M), text
        s("select id,", MORE)
        s("-- a comment; with a semicolon", MORE)
        text = s("  amount from raw.items order by id;")
        assert " id | amount\n----+--------\n  1 |      5\n  2 |      7\n(2 rows, " in text
        text = s("select 'a;b' as x; select 2 as y;")
        assert "a;b" in text and "\n 2\n" in text
        assert s("").count("tarn=> ") == 1
        s.end()


def test_mistakes_leave_the_prompt(run):
    with shell(run) as s:
        text = s("select amuont from raw.items;")
        assert "error[T0231]" in text and "statement:1:8" in text and "^" in text and "amount" in text
        s("select *", MORE)
        text = s("from raw.itmes;")
        assert "statement:2:6" in text and "did you mean" in text
        assert "\n   1\n" in s("select 1 as one;")
        assert "unknown command \\zzz" in s("\\zzz")
        s.end()


def test_ctrl_c_stops_the_statement_alone(run):
    with shell(run) as s:
        s.send(FOREVER + "\n")
        time.sleep(0.5)
        s.send(CTRL_C)
        assert "error[T0004]: cancelled" in s.expect(PROMPT)
        assert "\n 2\n" in s("select count(*) as n from raw.items;")
        s.send("select a line that nobody wants")
        s.expect("nobody wants")
        s.send(CTRL_C)
        s.expect(PROMPT)
        s("select 1", MORE)
        s.send(CTRL_C)
        s.expect(PROMPT)
        assert "\n 3\n" in s("select 3 as n;")
        s.end()


def test_transactions(run):
    with shell(run) as s:
        assert "BEGIN" in s("begin;", IN_TRANSACTION)
        s("select 1", r"tarn\*-> $")
        s(";", IN_TRANSACTION)
        assert "error" in s("select * from raw.nothing;", IN_TRANSACTION)
        assert "ROLLBACK" in s("rollback;")
        s("begin;", IN_TRANSACTION)
        assert "notice: the open transaction was rolled back" in s.end()


def test_completion(run):
    with shell(run) as s:
        s.send("sel" + TAB)
        s.expect("select ")
        s.send("* from ra" + TAB)
        s.expect(r"from raw\.")
        s.send("it" + TAB)
        s.expect("items")
        s.send(" where am" + TAB)
        s.expect("amount ")
        assert "\n  2 |" in s("= 7;")
        s.send("select i.am" + TAB + CTRL_C)  # nothing is known of i yet
        s.expect(PROMPT)
        s("select 1 from raw.items i where", MORE)
        s.send("i.am" + TAB)
        s.expect(r"i\.amount ")
        s("> 5;")
        s.send("\\d" + TAB + TAB)
        text = s.expect(r"\\dv")
        assert "\\dn" in text and "\\dt" in text
        s.send(CTRL_C)
        s.expect(PROMPT)
        s.end()


def test_describe(run):
    with shell(run) as s:
        text = s("\\d")
        assert " raw       | items" in text and " curated   | items" in text
        text = s("\\d raw.items")
        assert 'Table "raw.items"' in text
        assert re.search(r"^ id +\| long", text, re.M) and re.search(r"^ amount +\| long", text, re.M)
        assert "Format: Iceberg v2" in text and f"Location: {run.warehouse}" in text
        assert "Properties: " in text
        text = s("\\d raw.itmes")
        assert "table raw.itmes not found" in text and "did you mean raw.items?" in text
        text = s("\\dt cur*")
        assert "curated" in text and "raw" not in text.split("\n", 1)[1]
        assert "\n raw\n" in s("\\dn")
        assert "(0 rows)" in s("\\dv")
        assert f"| {run.warehouse}" in s("\\l")
        assert "CREATE TABLE" in s("\\h")
        assert "INSERT INTO" in s("\\h insert")
        assert "\\timing" in s("\\?")
        s.end()


def test_describe_what_was_made(tmp_path):
    lake = Lake(tmp_path)
    with shell(lake, "--warehouse", str(lake.warehouse)) as s:
        s("create namespace raw;")
        s("create table raw.t (id bigint not null comment 'the key', day date) partitioned by (days(day));")
        s("alter table raw.t write ordered by id desc;")
        s("insert into raw.t values (1, date '2026-01-01');")
        s("alter table raw.t create tag first;")
        s("create view raw.v as select id as number from raw.t;")
        text = s("\\d raw.t")
        assert re.search(r"^ id +\| long +\| not null \| the key$", text, re.M)
        assert "Partitioned by: day(day)" in text
        assert "Sort order: id desc" in text
        assert re.search(r"^Tags: first \(\d+\)$", text, re.M)
        text = s("\\d raw.v")
        assert 'View "raw.v"' in text and " number " in text and "select id as number from raw.t" in text
        assert " v " in s("\\dv") and " v " not in s("\\dt")
        assert "snapshot_id" in s("\\d raw.t.snapshots")
        s("begin;", IN_TRANSACTION)
        s("insert into raw.t values (2, null);", IN_TRANSACTION)
        assert "\n     2\n" in s("select count(*) as count from raw.t;", IN_TRANSACTION)
        assert s("\\dt", IN_TRANSACTION).count("| t ") == 1
        s("commit;")
        s.send("select num" + TAB)
        s.send(CTRL_C)
        s.expect(PROMPT)
        s.end()


def test_settings(run):
    with shell(run) as s:
        s("\\x")
        assert re.search(r"^-\[ RECORD 2 \]-+\nid +\| 2$", s("select id from raw.items order by id;"), re.M)
        s("\\x")
        s("\\timing off")
        assert "\n(2 rows)\n" in s("select id from raw.items;")
        s("select 1 as n", MORE)
        assert "-[ RECORD 1 ]" in s("\\gx")
        s("\\format csv")
        assert "\nid,amount\n1,5\n2,7\n" in s("select id, amount from raw.items order by id;")
        s("\\o result.csv")
        s("select 7 as seven;")
        s("\\o")
        assert run.read("result.csv") == "seven\n7\n"
        run.write("more.sql", "select 1 as a;\n\nselect x from raw.items;\nselect 3 as c;\n")
        text = s("\\i more.sql")
        assert "\na\n1\n" in text and "more.sql:3:8" in text and "c\n3" not in text
        s.end()


def test_history(run):
    with shell(run) as s:
        s("select 11 as eleven;")
        s("select 1,", MORE)
        s("  2;")
        s("set variable password = 'geheim';")
        s.end("\\q\n")
    path = run.folder / "state/tarn/history"
    assert path.stat().st_mode & 0o777 == 0o600
    assert history(run) == ["select 11 as eleven;", "select 1, 2;", "\\q"]
    with shell(run) as s:
        s.send(UP * 3)
        s.expect("eleven;")
        assert "\n     11\n" in s("")
        s.end()
    assert history(run)[-1] == "select 11 as eleven;"


def test_pager(run):
    run.write("pager", "#!/bin/sh\ncat > paged\n").chmod(0o755)
    with shell(run, env={"PAGER": "./pager"}, rows=20) as s:
        assert "(5 rows" in s("select * from range(5);")
        assert not (run.folder / "paged").exists()
        assert "(100 rows" not in s("select * from range(100);")
        assert "(100 rows" in run.read("paged")
        s.end()


def test_the_first_create_makes_the_warehouse(tmp_path):
    lake = Lake(tmp_path)
    lake.warehouse.rmdir()
    with shell(lake, "--warehouse", str(lake.warehouse)) as s:
        assert "there is no warehouse in" in s.first
        assert "error[T0110]" in s("select 1;")
        assert not lake.warehouse.exists()
        assert "CREATE NAMESPACE" in s("create namespace raw;")
        assert "\n raw\n" in s("\\dn")
        s.end()
    assert (lake.warehouse / "catalog.db").exists()


def test_leaving(run):
    for how in ["\\q\n", "quit\n", "exit;\n", CTRL_D]:
        with shell(run) as s:
            s.end(how)
    with shell(run) as s:
        s.process.send_signal(signal.SIGTERM)
        s.end(None)


def test_output_that_is_no_terminal(run, tmp_path):
    with open(tmp_path / "out", "w") as out, shell(run, out=out) as s:
        s("select id from raw.items order by id;")
        s.end()
    text = (tmp_path / "out").read_text()
    assert text.startswith(" id\n----\n  1\n  2\n(2 rows") and "\x1b" not in text and "tarn=>" not in text
