"""The table "Other engines over the same tables" of docs/iceberg.md has what the decorators @cell of the tests beside this file say, and no more."""

import ast
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "iceberg.md"
ENGINES = {
    "PyIceberg 0.12": "PyIceberg",
    "Spark 4.0 with Iceberg 1.11": "Spark",
    "DuckDB 1.5.5's Iceberg extension": "DuckDB",
    "Flink 2.1 with Iceberg 1.11": "Flink",
}


def marks():
    """(engine, row) -> the text of the tests; two tests of one cell say the same."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            for mark in getattr(node, "decorator_list", []):
                if not (isinstance(mark, ast.Call) and getattr(mark.func, "id", "") == "cell"):
                    continue
                engine, row, says = (argument.value for argument in mark.args)
                assert found.setdefault((engine, row), says) == says, f"{path.name}: {node.name}"
    return found


def documented():
    lines = DOCS.read_text().split("## Other engines over the same tables")[1].splitlines()
    table = [[field.strip() for field in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    head, rows = table[0], [row for row in table[2:]]
    assert head[1:] == list(ENGINES)
    return {(ENGINES[head[i]], row[0]): row[i] for row in rows for i in range(1, len(head))}


def test_every_cell_has_a_test():
    assert documented() == marks()
