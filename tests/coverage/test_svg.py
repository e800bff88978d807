"""The picture holds every entry, says its status without colour, and asks nobody for anything."""

import xml.etree.ElementTree as ET
from io import BytesIO

import pytest
from tests.coverage.test_heat_map import DETECTOR, TRIAL

from caponier.coverage.heat_map import heat_map
from caponier.coverage.svg import svg

SVG = "{http://www.w3.org/2000/svg}"


def test_every_entry_is_drawn_with_its_status_in_words() -> None:
    cells = heat_map([DETECTOR], [TRIAL], "1.0")
    root = ET.fromstring(svg(cells))
    titles = [title.text or "" for title in root.iter(f"{SVG}title")]
    assert len(titles) == len(cells)
    by_id = {title.split(" ", 1)[0]: title for title in titles}
    assert all(f": {cell.status.value}. " in by_id[cell.technique.id] for cell in cells)


def test_kinds_and_statuses_differ_in_signs_not_only_in_colour() -> None:
    text = svg(heat_map([DETECTOR], [TRIAL], "1.0"))
    assert "◆" in text
    assert "◇" in text
    assert "✓ validated" in text
    assert "— not covered" in text


def test_the_picture_is_self_contained_and_escapes_its_title() -> None:
    text = svg(heat_map([], [], "1.0"), title="<script>")
    assert "<script>" not in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")


def test_cells_of_a_column_do_not_overlap() -> None:
    root = ET.fromstring(svg(heat_map([], [], "1.0")))
    boxes = [
        (float(r.get("x", 0)), float(r.get("y", 0)), float(r.get("width", 0)), float(r.get("height", 0)))
        for g in root.iter(f"{SVG}g")
        for r in g.iter(f"{SVG}rect")
    ]
    for index, (x, y, w, h) in enumerate(boxes):
        for x2, y2, w2, h2 in boxes[index + 1 :]:
            assert x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y


def test_it_can_be_drawn_and_shows_its_colours() -> None:
    converter, pillow = pytest.importorskip("vl_convert"), pytest.importorskip("PIL.Image")
    drawn = converter.svg_to_png(svg(heat_map([DETECTOR], [TRIAL], "1.0")), scale=1.0)
    picture = pillow.open(BytesIO(drawn)).convert("RGB")
    assert picture.width > 1_000
    colors = {color for _, color in picture.getcolors(maxcolors=2**24)}
    assert (0xBF, 0xE3, 0xD3) in colors, "the one validated cell"
