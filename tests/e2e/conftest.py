"""Fixtures of the end-to-end tests; see harness.py."""

from harness import accounting, closed, sales, small  # noqa: F401
