"""Fixtures of the end-to-end tests; see harness.py."""

from harness import accounting, closed, pytest_collection_modifyitems, sales, small  # noqa: F401
