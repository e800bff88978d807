"""The layer and the picture say what the heat-map says, whatever detectors and trials are called."""

import json
import xml.etree.ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caponier.coverage.heat_map import MATRIX, Status, heat_map
from caponier.coverage.navigator import SCORES, layer
from caponier.coverage.svg import svg
from caponier.matrix.crosswalk import to_atlas
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load, versions
from caponier.records.trial import Trial
from coverage.made import IDS, VERSION, Declared, detectors, trial, trials

few = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SVG = "{http://www.w3.org/2000/svg}"
# What XML can hold; a name with other control characters never gets this far.
hostile = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=["Cs", "Cc"]), max_size=25)


@few
@given(detectors=detectors, trials=trials)
def test_a_layers_score_is_the_best_status_of_the_entries_behind_it(
    detectors: list[Declared], trials: list[Trial]
) -> None:
    cells = heat_map(detectors, trials, VERSION)
    scores = {entry["techniqueID"]: entry["score"] for entry in layer(cells, VERSION)["techniques"]}
    expected: dict[str, int] = {}
    for cell in cells:
        for ref in to_atlas(cell.technique.id):
            expected[ref.id] = max(expected.get(ref.id, 0), SCORES[cell.status])
    assert scores == expected


@few
@given(detectors=detectors, trials=trials)
def test_a_layer_is_plain_json_in_a_fixed_order(detectors: list[Declared], trials: list[Trial]) -> None:
    cells = heat_map(detectors, trials, VERSION)
    once, again = (json.dumps(layer(given, VERSION), allow_nan=False) for given in (cells, cells[::-1]))
    ids = [entry["techniqueID"] for entry in json.loads(once)["techniques"]]
    assert ids == sorted(ids) == [entry["techniqueID"] for entry in json.loads(again)["techniques"]]


def test_an_entry_names_the_detectors_behind_its_score() -> None:
    flood = TechniqueId(MATRIX, "AMLTM.IMPACT.02")
    cells = heat_map([Declared("flood", (flood,)), Declared("rate", (flood,))], [trial((flood,))], VERSION)
    entry = next(e for e in layer(cells, VERSION)["techniques"] if e["techniqueID"] == "AML.T0029")
    assert [named["value"] for named in entry["metadata"]] == ["flood", "rate"]
    assert entry["comment"].startswith("AMLTM.IMPACT.02 ")
    assert "validated; flood detected walk" in entry["comment"]


def test_a_layer_says_which_atlas_it_is_about() -> None:
    said = {entry["name"]: entry["value"] for entry in layer(heat_map([], [], VERSION), VERSION)["metadata"]}
    assert said["caponier_version"] == VERSION
    newest = [load(version).version for version in versions() if load(version).kind == "atlas"][-1]
    assert f"atlas-{said['atlas_data_version']}".startswith(f"{newest}.")


def test_legend_and_gradient_agree() -> None:
    document = layer(heat_map([], [], VERSION), VERSION)
    colors = [item["color"] for item in document["legendItems"]]
    assert colors == document["gradient"]["colors"]
    assert [item["label"] for item in document["legendItems"]] == [status.value for status in SCORES]
    assert (document["gradient"]["minValue"], document["gradient"]["maxValue"]) == (0, max(SCORES.values()))


@few
@given(detectors=detectors, trials=trials)
def test_the_pictures_legend_counts_its_cells(detectors: list[Declared], trials: list[Trial]) -> None:
    cells = heat_map(detectors, trials, VERSION)
    words = [text.text or "" for text in ET.fromstring(svg(cells)).iter(f"{SVG}text")]
    for status in Status:
        assert f"{status.mark} {status.value}: {sum(cell.status is status for cell in cells)}" in words


@few
@given(name=hostile, target=hostile, title=hostile)
def test_no_name_breaks_out_of_the_picture(name: str, target: str, title: str) -> None:
    everything = tuple(TechniqueId(MATRIX, id_) for id_ in IDS)
    cells = heat_map([Declared(name, everything)], [trial(everything, detector=name, target=target)], VERSION)
    root = ET.fromstring(svg(cells, title=title))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} == {
        "svg", "title", "desc", "style", "defs", "pattern", "path", "text", "rect", "g",
    }  # fmt: skip
    titles = [group.findtext(f"{SVG}title") or "" for group in root.iter(f"{SVG}g")]
    assert all(f"detected walk on {target}" in text for text in titles)
    assert root.get("aria-label") == title


@few
@given(detectors=detectors)
def test_every_cell_lies_within_the_picture(detectors: list[Declared]) -> None:
    root = ET.fromstring(svg(heat_map(detectors, [], VERSION)))
    left, top, width, height = (float(value) for value in root.get("viewBox", "").split())
    assert (left, top) == (0, 0)
    for box in root.iter(f"{SVG}rect"):
        x, y, w, h = (float(box.get(side, "nan")) for side in ("x", "y", "width", "height"))
        assert 0 <= x < x + w <= width
        assert 0 <= y < y + h <= height


def test_a_cell_of_each_column_of_the_matrix_has_a_heading() -> None:
    words = [text.text for text in ET.fromstring(svg(heat_map([], [], VERSION))).iter(f"{SVG}text")]
    assert all(tactic.name in words for tactic in load(MATRIX).tactics)


@pytest.mark.parametrize("status", Status)
def test_a_status_is_told_by_class_sign_and_word(status: Status) -> None:
    flood = TechniqueId(MATRIX, "AMLTM.IMPACT.02")
    detectors = [] if status is Status.NOT_COVERED else [Declared("flood", (flood,))]
    proofs = [trial((flood,))] if status is Status.VALIDATED else []
    root = ET.fromstring(svg(heat_map(detectors, proofs, VERSION)))
    group = next(g for g in root.iter(f"{SVG}g") if (g.findtext(f"{SVG}title") or "").startswith("AMLTM.IMPACT.02 "))
    box = group.find(f"{SVG}rect")
    assert box is not None
    assert box.get("class") == f"cell {status.value.replace(' ', '-')}"
    assert f"{status.mark} {status.value}" in [text.text for text in group.iter(f"{SVG}text")]
