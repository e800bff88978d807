"""The layer in ATLAS ids."""

from tests.coverage.test_heat_map import DETECTOR, TRIAL

from caponier.coverage.heat_map import heat_map
from caponier.coverage.navigator import layer
from caponier.matrix.catalogue import load


def scores(document: dict[str, list[dict[str, object]]]) -> dict[object, object]:
    return {entry["techniqueID"]: entry["score"] for entry in document["techniques"]}


def test_format_and_domain() -> None:
    document = layer(heat_map([DETECTOR], [TRIAL], "1.0"), "1.0")
    assert document["versions"]["layer"] == "4.5"
    assert document["domain"] == "atlas-atlas"
    assert {"name": "caponier_version", "value": "1.0"} in document["metadata"]


def test_every_id_is_an_atlas_technique_and_stands_once() -> None:
    document = layer(heat_map([], [], "1.0"), "1.0")
    ids = [entry["techniqueID"] for entry in document["techniques"]]
    atlas = load("atlas-5.6")
    assert len(ids) == len(set(ids))
    assert all(id_ in atlas for id_ in ids)


def test_an_atlas_entry_takes_the_best_status_of_what_it_covers() -> None:
    found = scores(layer(heat_map([DETECTOR], [TRIAL], "1.0"), "1.0"))
    assert found["AML.T0043.001"] == 2
    assert found["AML.T0029"] == 0


def test_the_layer_has_what_format_4_5_asks_for() -> None:
    document = layer(heat_map([DETECTOR], [TRIAL], "1.0"), "1.0")
    assert {"name", "versions", "domain", "techniques"} <= set(document)
    assert set(document) <= {
        "name", "versions", "domain", "description", "filters", "sorting", "layout", "hideDisabled", "techniques",
        "gradient", "legendItems", "metadata", "links", "showTacticRowBackground", "tacticRowBackground",
        "selectTechniquesAcrossTactics", "selectSubtechniquesWithParent", "selectVisibleTechniques",
    }  # fmt: skip
    assert set(document["versions"]) == {"layer", "navigator"}
    assert len(document["gradient"]["colors"]) == 3
    assert (document["gradient"]["minValue"], document["gradient"]["maxValue"]) == (0, 2)
    for item in document["legendItems"]:
        assert set(item) == {"label", "color"}
    for technique in document["techniques"]:
        assert set(technique) == {"techniqueID", "score", "comment", "metadata", "showSubtechniques"}
        assert technique["score"] in (0, 1, 2)
        assert all(set(pair) == {"name", "value"} for pair in technique["metadata"])
