import io

import pytest
from rich.console import Console, RenderableType

from caponier.cli.coverage.view import ENTRIES, MARKS, STYLES, CoverageColumns
from caponier.coverage.heat_map import Status, heat_map
from caponier.matrix.versions.catalogue import load

CELLS = heat_map([], [], "1.0")


def drawn(view: RenderableType, width: int = 168, encoding: str = "utf-8") -> str:
    sheet = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=sheet, width=width, color_system=None, highlight=False).print(view)
    sheet.seek(0)
    return sheet.read()


def test_statuses_are_told_apart_by_sign_and_by_style() -> None:
    assert set(MARKS) == set(STYLES) == set(Status)
    assert len({sign for sign, _ in MARKS.values()}) == len({plain for _, plain in MARKS.values()}) == len(Status)
    assert len(set(STYLES.values())) == len(Status)
    assert all(plain.isascii() for _, plain in MARKS.values())
    assert {status: MARKS[status][0] for status in Status} == {status: status.mark for status in Status}


@pytest.mark.parametrize(("width", "bands"), [(20, 7), (44, 4), (80, 3), (168, 1)])
def test_columns_break_into_bands(width: int, bands: int) -> None:
    view = drawn(CoverageColumns(CELLS), width)
    assert max(map(len, view.splitlines())) <= width
    assert len([line for line in view.splitlines() if line.strip() and set(line.strip()) == {"─"}]) == bands


def test_every_tactic_says_how_much_of_it_is_covered() -> None:
    view = drawn(CoverageColumns(CELLS), 400)
    for tactic in load("amltm-2020").tactics:
        of = sum(tactic.id in cell.technique.tactics for cell in CELLS)
        assert f"{tactic.name} (0/{of})" in view


def test_the_list_has_a_reason_for_every_entry() -> None:
    view = drawn(ENTRIES.table(CELLS), 400)
    for cell in CELLS:
        (line,) = (line for line in view.splitlines() if f" {cell.technique.id} " in line)
        assert line.startswith(cell.status.value)
        assert cell.why in line
