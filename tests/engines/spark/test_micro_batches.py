"""What needs no Spark of following with Spark."""

import pytest

from caponier.engines.spark.micro_batches import joined


def row(source: int, line: int, data: bytes | None) -> dict[str, object]:
    return {"source": source, "path": str(source), "line": line, "again": False, "data": data}


def test_lines_that_follow_each_other_are_read_together() -> None:
    given = [
        row(0, 0, b"a\nb\n"),
        row(0, 2, b"c\n"),
        row(0, 7, b"d\n"),
        row(1, 8, b"e\n"),
        row(2, 0, None),
        row(1, 9, b"f\n"),
    ]
    assert [(one["source"], one["line"], one["data"]) for one in joined(iter(given))] == [
        (0, 0, b"a\nb\nc\n"),
        (0, 7, b"d\n"),
        (1, 8, b"e\n"),
        (2, 0, None),
        (1, 9, b"f\n"),
    ]


@pytest.mark.parametrize("most", [1, 4, 5, 100])
def test_no_more_than_so_much_is_read_together(most: int) -> None:
    found = list(joined((row(0, at, b"x\n") for at in range(10)), most))
    assert b"".join(one["data"] for one in found) == b"x\n" * 10
    assert all(len(one["data"]) <= max(most, 2) for one in found)
