"""The picture holds every entry, says its status without colour, and asks nobody for anything."""

import xml.etree.ElementTree as ET
from io import BytesIO

import pytest

from caponier.coverage.heat_map import Status, heat_map
from caponier.coverage.svg import STYLE, svg
from caponier.formats.lettering import width
from coverage.test_heat_map import DETECTOR, TRIAL
from matrix.writers.picture import SVG, boxes, contrast, rule, size_of


def test_every_entry_is_drawn_with_its_status_in_words() -> None:
    cells = heat_map([DETECTOR], [TRIAL], "1.0")
    titles = [box.says for box in boxes(svg(cells))]
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


def test_cells_do_not_overlap_and_no_label_overruns_its_cell() -> None:
    found = boxes(svg(heat_map([DETECTOR], [TRIAL], "1.0")))
    for index, one in enumerate(found):
        for text in one.texts:
            assert float(text.get("x", 0)) + width(text.text or "", size_of(text)) <= one.right
            assert one.top < float(text.get("y", 0)) <= one.bottom
        for other in found[index + 1 :]:
            beside = one.right <= other.left or other.right <= one.left
            assert beside or one.bottom <= other.top or other.bottom <= one.top


def test_statuses_and_kinds_are_told_in_grey() -> None:
    grounds = {status: rule(STYLE, f".{status.value.replace(' ', '-')}", "fill") for status in Status}
    assert contrast(grounds[Status.NOT_COVERED], grounds[Status.VALIDATED]) > 1.25
    assert min(contrast("#45525f", ground) for ground in grounds.values()) > 4.5
    root = ET.fromstring(svg(heat_map([], [], "1.0")))
    bands = {path.get("class") for group in root.iter(f"{SVG}g") for path in group.iter(f"{SVG}path")}
    assert bands == {"band orange", "band white"}, "the orange one is hatched"


def test_the_picture_tells_screen_readers_what_it_is() -> None:
    root = ET.fromstring(svg(heat_map([DETECTOR], [TRIAL], "1.0"), title="Ours"))
    assert root.findtext(f"{SVG}title") == root.get("aria-label") == "Ours"
    assert "58 entries: 1 validated" in (root.findtext(f"{SVG}desc") or "")


def test_it_can_be_drawn_and_shows_its_colours() -> None:
    converter, pillow = pytest.importorskip("vl_convert"), pytest.importorskip("PIL.Image")
    drawn = converter.svg_to_png(svg(heat_map([DETECTOR], [TRIAL], "1.0")), scale=1.0)
    picture = pillow.open(BytesIO(drawn)).convert("RGB")
    assert picture.width > 1_000
    colors = {color for _, color in picture.getcolors(maxcolors=2**24)}
    assert (0xBF, 0xE3, 0xD3) in colors, "the one validated cell"
