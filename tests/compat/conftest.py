"""Fixtures of the compatibility tests; see ../e2e/harness.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from harness import accounting, closed, sales, small  # noqa: E402, F401
