"""Logs as servers, clouds and people write them are read without an option, and hold what was asked."""

from pathlib import Path

import pytest

from telemetry.native_logs import carriers, halves, loggers, protocols, servers, tables
from telemetry.native_logs.judged import problems
from telemetry.native_logs.shape import SHAPES
from telemetry.native_logs.traffic import ROWS, traffic

WRITERS = (carriers, halves, loggers, protocols, servers, tables)


@pytest.mark.parametrize("name", SHAPES)
def test_a_native_log_holds_what_was_asked(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    assert problems(shape, shape.write(tmp_path, traffic())) == []


def test_there_are_many_of_them_and_each_is_of_the_same_traffic() -> None:
    assert len(SHAPES) >= 100
    assert len(traffic()) == ROWS
    assert traffic() == traffic()
