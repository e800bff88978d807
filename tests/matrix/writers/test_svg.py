"""The picture of a version: everything is there, nothing overruns, and grey is enough to tell orange from white."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from io import BytesIO
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.formats.lettering import BOLD, width
from caponier.matrix.technique import Color, Level, Technique
from caponier.matrix.versions.catalogue import Matrix, load
from caponier.matrix.writers import grid
from caponier.matrix.writers.grid import GridCell, GridColumn, LegendLine, draw
from caponier.matrix.writers.svg import STYLE, to_svg
from matrix.writers.picture import SVG, Box, boxes, contrast, rule, size_of

ATLAS = load("atlas-5.6")
FOUNDING = load()
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
both = pytest.mark.parametrize("matrix", [FOUNDING, ATLAS], ids=lambda matrix: matrix.version)

themes = pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])


def drawn(matrix: Matrix) -> str:
    return to_svg(matrix, matrix.techniques)


def apart(one: Box, other: Box) -> bool:
    beside = one.right <= other.left or other.right <= one.left
    return beside or one.bottom <= other.top or other.bottom <= one.top


def fits(box: Box) -> bool:
    return all(
        box.left < float(text.get("x", 0))
        and float(text.get("x", 0)) + width(text.text or "", size_of(text)) <= box.right
        and box.top < float(text.get("y", 0)) <= box.bottom
        for text in box.texts
    )


@both
def test_every_entry_stands_in_each_of_its_columns(matrix: Matrix) -> None:
    said = [box.says.split(" ")[0] for box in boxes(drawn(matrix))]
    assert sorted(said) == sorted(entry.id for entry in matrix.techniques for _ in entry.tactics)


@both
def test_columns_are_in_order_with_their_headings(matrix: Matrix) -> None:
    root = ET.fromstring(drawn(matrix))
    heads = " ".join(text.text or "" for text in root.iter(f"{SVG}text") if text.get("class") == "head")
    places = [heads.index(tactic.name) for tactic in matrix.tactics]
    assert places == sorted(places)


@both
def test_no_text_overruns_its_box_and_no_box_another(matrix: Matrix) -> None:
    found = boxes(drawn(matrix))
    assert all(map(fits, found))
    assert all(apart(one, other) for one, other in combinations(found, 2))


@both
def test_headings_stay_in_their_columns(matrix: Matrix) -> None:
    root = ET.fromstring(drawn(matrix))
    heads = [text for text in root.iter(f"{SVG}text") if text.get("class") == "head"][1:]
    assert all(width(text.text or "", 13) * BOLD <= grid.COLUMN for text in heads)


@both
def test_all_is_within_the_picture(matrix: Matrix) -> None:
    text = drawn(matrix)
    _, _, wide, high = map(float, ET.fromstring(text).get("viewBox", "").split())
    assert all(box.left >= 0 and box.right <= wide and box.bottom <= high for box in boxes(text))
    assert wide <= 8 * (grid.COLUMN + grid.GAP) + grid.GAP


def test_what_is_below_an_entry_is_set_in_and_follows_it() -> None:
    found = {box.says.split(" ")[0]: box for box in boxes(drawn(FOUNDING))}
    for entry in FOUNDING.techniques:
        if entry.parent:
            assert found[entry.id].left == found[entry.parent].left + grid.INDENT
            assert found[entry.id].top > found[entry.parent].top


def test_a_child_in_a_column_without_its_parent_stands_for_itself() -> None:
    parent, child = ATLAS.technique("AML.T0000"), ATLAS.technique("AML.T0000.000")
    found = boxes(to_svg(ATLAS, [parent, replace(child, tactics=("AML.TA0011",))]))
    assert [(box.says.split(" ")[0], box.left) for box in found] == [
        ("AML.T0000", grid.GAP),
        ("AML.T0000.000", grid.GAP * 2 + grid.COLUMN),
    ]


def test_grandchildren_are_not_forgotten() -> None:
    entry = FOUNDING.techniques[0]
    deep = [replace(entry, id=str(n), parent=str(n - 1) if n else None) for n in range(3_000)]
    matrix = replace(FOUNDING, techniques=tuple(deep))
    assert [box.says.split(" ")[0] for box in boxes(drawn(matrix))] == [str(n) for n in range(3_000)]


@themes
def test_orange_and_white_differ_in_grey(dark: bool) -> None:
    grounds = [rule(STYLE, f".{color}-ground", "fill", dark=dark) for color in Color]
    assert contrast(*grounds) > (1.2 if dark else 1.25)
    stripes = rule(grid._STYLE, ".stripe", "stroke", dark=dark), rule(grid._STYLE, ".ground", "fill", dark=dark)
    assert contrast(*stripes) > 3, "the hatching is seen"


def test_orange_and_white_differ_without_any_colour() -> None:
    text = drawn(FOUNDING)
    root = ET.fromstring(text)
    bands = [path.get("class") for group in root.iter(f"{SVG}g") for path in group.iter(f"{SVG}path")]
    colors = [f"band {entry.color}" for entry in FOUNDING.techniques for _ in entry.tactics]
    assert sorted(map(str, bands)) == sorted(colors)
    assert ".band.orange { fill: url(#hatch); }" in text
    for box in boxes(text):
        mark = next(each for each in box.texts if "sign" in (each.get("class") or ""))
        assert mark.text == ("◆" if "orange" in box.says else "◇")


def test_maturity_is_told_in_words_and_not_by_colour_alone() -> None:
    for box in boxes(drawn(ATLAS)):
        entry = ATLAS.technique(box.says.split(" ")[0])
        assert entry.maturity
        words = " ".join(text.text or "" for text in box.texts)
        assert entry.maturity in words
        assert entry.id in words
        assert box.kind == f"cell {entry.maturity}"


@themes
def test_text_is_read_on_every_ground(dark: bool) -> None:
    selectors = (".orange-ground", ".white-ground", ".realized", ".demonstrated", ".feasible")
    grounds = [rule(STYLE, selector, "fill", dark=dark) for selector in selectors]
    inks = [rule(grid._STYLE, selector, "fill", dark=dark) for selector in ("text", ".small")]
    assert min(contrast(ink, ground) for ink in inks for ground in grounds) > 4.5
    assert contrast(rule(grid._STYLE, "text.orange", "fill", dark=dark), grounds[0]) > 4.5
    assert contrast(rule(grid._STYLE, "text.white", "fill", dark=dark), grounds[1]) > 4.5


def test_it_is_dark_where_the_reader_wants_it_so() -> None:
    assert drawn(FOUNDING).count("@media (prefers-color-scheme: dark)") == 2


@both
def test_screen_readers_learn_what_it_is(matrix: Matrix) -> None:
    root = ET.fromstring(drawn(matrix))
    assert root.get("aria-label") == root.findtext(f"{SVG}title")
    assert matrix.version in (root.findtext(f"{SVG}title") or "")
    assert f"{len(matrix.techniques)} entries in {len(matrix.tactics)} columns" in (root.findtext(f"{SVG}desc") or "")
    assert all(group.get("role") == "img" for group in root.iter(f"{SVG}g"))


@both
def test_it_stands_alone(matrix: Matrix) -> None:
    text = drawn(matrix)
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert not {"image", "script", "foreignObject", "use", "a"} & {
        element.tag.removeprefix(SVG) for element in ET.fromstring(text).iter()
    }


def test_the_legend_counts() -> None:
    words = [text.text for text in ET.fromstring(drawn(ATLAS)).iter(f"{SVG}text")]
    assert "feasible, shown in research only, not yet on a real system: 17" in words
    assert "◆ orange: special to ML: 42" in [text.text for text in ET.fromstring(drawn(FOUNDING)).iter(f"{SVG}text")]


def test_a_part_has_only_its_columns() -> None:
    part = to_svg(ATLAS, [ATLAS.technique("AML.T0029")])
    assert len(boxes(part)) == 1
    assert "Impact" in part
    assert "Reconnaissance" not in part


def test_a_version_without_date_maturity_or_colour_is_drawn() -> None:
    plain = Technique("AML.T0029", "Deny", Level.TECHNIQUE, ("AML.TA0011",), 1)
    text = to_svg(replace(ATLAS, version="atlas-4.4.0", released=None), [plain])
    assert "atlas-4.4.0, undated" in text
    assert len(boxes(text)) == 1
    assert ET.fromstring(to_svg(ATLAS, [])).findtext(f"{SVG}desc") == "0 entries in 0 columns, one for each tactic."


@few
@given(names=st.lists(st.text(max_size=120), min_size=1, max_size=12), note=st.text(max_size=40), heading=st.text())
def test_whatever_cells_say_it_is_text_in_its_box(names: list[str], note: str, heading: str) -> None:
    colors = [None, *Color]
    cells = tuple(
        GridCell(name, name, "x", note, colors[place % 3], below=bool(place % 2)) for place, name in enumerate(names)
    )
    columns = [GridColumn(heading, cells[start : start + 3]) for start in range(0, len(cells), 3)]
    text = draw(heading, note, columns, [LegendLine(name) for name in names], "")
    found = boxes(text)
    assert len(found) == len(names)
    assert all(map(fits, found))
    assert all(apart(one, other) for one, other in combinations(found, 2))
    assert {element.tag.removeprefix(SVG) for element in ET.fromstring(text).iter()} <= {
        "svg", "title", "desc", "style", "defs", "pattern", "path", "rect", "g", "text",
    }  # fmt: skip


def test_many_columns_go_below_each_other() -> None:
    columns = [GridColumn(str(place), (GridCell("a", str(place), "x"),)) for place in range(20)]
    found = boxes(draw("t", "d", columns, [], ""))
    assert len({box.top for box in found}) == 3
    assert [box.says for box in sorted(found, key=lambda box: (box.top, box.left))] == [str(n) for n in range(20)]


@both
def test_a_renderer_draws_it(matrix: Matrix) -> None:
    converter, pillow = pytest.importorskip("vl_convert"), pytest.importorskip("PIL.Image")
    picture = pillow.open(BytesIO(converter.svg_to_png(drawn(matrix), scale=1.0))).convert("RGB")
    colors = {color for _, color in picture.getcolors(maxcolors=2**24)}
    wanted = {(0xFB, 0xDC, 0xB6), (0xFF, 0xFF, 0xFF)} if matrix is FOUNDING else {(0xCF, 0xE0, 0xF1)}
    assert wanted <= colors
