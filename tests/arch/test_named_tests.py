"""Documents that name the tests that hold what they say: each such test must be there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r"`(tests/[\w./-]+?)(?:::(\w+))?`")


@pytest.mark.parametrize("document", sorted(p.name for p in (ROOT / "docs").glob("*.md")))
def test_named_tests_are_there(document):
    missing = []
    for path, name in NAMED.findall((ROOT / "docs" / document).read_text(encoding="utf-8")):
        file = ROOT / path
        if not file.exists() or (name and file.is_file() and not re.search(rf"\b{name}\b", file.read_text(encoding="utf-8"))):
            missing.append(f"{path}::{name}" if name else path)
    assert not missing, f"docs/{document} names tests that are not there: {missing}"
