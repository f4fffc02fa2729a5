"""Holds the order of the rooms: what a source file may include, how long it may be, what it may name.

A room is a folder of src/. Data flows through the rooms in the order below, and a file includes only its own room
and earlier ones; this is what keeps "adding a source is one folder and one line in builtin.c" true.
"""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src"
ROOMS = "base io format catalog lake engine source sink flow sql project sched serve cli".split()

# Beyond the order: format is bytes <-> structs, without input and output.
FORBIDDEN = {"format": {"io"}}
LINES_MAX = 1000

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)


def files(*folders, suffixes=(".c", ".h", ".def")):
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in suffixes and path.is_file():
                yield path


def text_of(path):
    return path.read_text(encoding="utf-8")


def room_of(path):
    """The room of a file under src/ or tests/unit/, or of a fuzzer (its first line says it), None for others."""
    if path.is_relative_to(ROOT / "tests" / "fuzz"):
        return re.match(r"/\* room: (\w+)", text_of(path))[1]
    for base in (SRC, ROOT / "tests" / "unit"):
        if path.is_relative_to(base):
            return path.relative_to(base).parts[0]
    return None


def includes(path):
    """(line, quote, name) of each #include."""
    text = text_of(path)
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match[1], match[2]


def report(problems):
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


def at(path, line=None):
    name = path.relative_to(ROOT).as_posix()
    return f"{name}:{line}" if line else name


def include_problem(room, quote, name):
    """Why a file of `room` may not include `name`, or None."""
    target = name.split("/")[0]
    if quote == "<":
        return f"includes <{name}>: our own headers are written in quotes" if target in ROOMS else None
    if name.startswith("tarn/"):
        return None
    if target not in ROOMS or "/" not in name:
        return f'includes "{name}": write the path from src/, as in "base/arena.h"'
    if ROOMS.index(target) > ROOMS.index(room) or target in FORBIDDEN.get(room, ()):
        return f'includes "{name}": {room} may not use {target}'
    return None


def test_every_folder_is_a_room():
    unknown = {path.relative_to(SRC).parts[0] for path in files("src")} - set(ROOMS)
    assert not unknown, f"not in the list of rooms: {sorted(unknown)}"


def test_rooms_include_only_earlier_rooms():
    problems = []
    for path in files("src"):
        for line, quote, name in includes(path):
            problem = include_problem(room_of(path), quote, name)
            if problem:
                problems.append(f"{at(path, line)} {problem}")
    report(problems)


def test_inner_headers_stay_in_their_room():
    problems = []
    for path in files("src", "tests"):
        for line, _, name in includes(path):
            target = name.split("/")[0]
            if name.endswith("_int.h") and target in ROOMS and target != room_of(path):
                problems.append(f'{at(path, line)} includes "{name}", which is for the room {target} alone')
    report(problems)


def test_public_headers_include_no_room():
    problems = [
        f'{at(path, line)} includes "{name}": public headers stand alone'
        for path in files("include")
        for line, _, name in includes(path)
        if name.split("/")[0] in ROOMS
    ]
    report(problems)


def test_only_its_own_folder_knows_duckdb():
    problems = [
        f"{at(path, line)} includes {name}"
        for path in files("src", "include")
        for line, _, name in includes(path)
        if name.split("/")[-1] == "duckdb.h" and not path.is_relative_to(SRC / "engine" / "duckdb")
    ]
    report(problems)


@pytest.mark.parametrize("room", ["lake", "flow"])
def test_the_middle_names_no_backend(room):
    """Comments and texts may; code asks for abilities, not for S3, MongoDB or DuckDB."""
    backend = re.compile(r"(?<![a-z])(s3|mongodb|mongo|duckdb)(?![a-z0-9])", re.IGNORECASE)
    problems = []
    for path in files(f"src/{room}"):
        code = COMMENT_OR_STRING.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text_of(path))
        for number, line in enumerate(code.split("\n"), 1):
            match = backend.search(line)
            if match:
                problems.append(f"{at(path, number)} names {match[0]}")
    report(problems)


def test_files_are_short():
    problems = []
    for path in files("src", "include", "tests"):
        lines = text_of(path).count("\n")
        if lines > LINES_MAX:
            problems.append(f"{at(path)} has {lines} lines: find the second file in it ({LINES_MAX} at most)")
    report(problems)


@pytest.mark.parametrize(
    "room, quote, name, allowed",
    [
        ("lake", '"', "catalog/catalog.h", True),
        ("lake", '"', "lake/scan.h", True),
        ("lake", '"', "engine/engine.h", False),
        ("format", '"', "io/storage/storage.h", False),
        ("base", '"', "arena.h", False),
        ("base", "<", "stdio.h", True),
        ("io", "<", "base/arena.h", False),
        ("serve", '"', "tarn/tarn.h", True),
    ],
)
def test_the_rule_itself(room, quote, name, allowed):
    assert (include_problem(room, quote, name) is None) == allowed


def test_layout():
    """.clang-format holds everywhere: `make format` mends it."""
    done = subprocess.run([ROOT / "scripts/format", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
