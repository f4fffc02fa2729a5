"""What docs/iceberg.md says of other engines, cell by cell, beside the test that found it; test_cells.py holds the two together."""


def cell(engine, row, says):
    """The docs' table has `says` in the engine's column of that row."""
    assert engine and row and says
    return lambda test: test
