"""The layer in ATLAS ids."""

from caponier.coverage.heat_map import heat_map
from caponier.coverage.navigator import layer
from caponier.matrix.layer import Layer
from caponier.matrix.versions.catalogue import load
from coverage.test_heat_map import DETECTOR, TRIAL
from matrix.layer_schema import complaints


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


def test_the_layer_is_as_format_4_5_wants_it_and_reads_back() -> None:
    for cells in (heat_map([], [], "1.0"), heat_map([DETECTOR], [TRIAL], "1.0")):
        document = layer(cells, "1.0")
        assert complaints(document) == []
        assert Layer.from_dict(document).to_dict() == document
        assert (document["gradient"]["minValue"], document["gradient"]["maxValue"]) == (0, 2)
        assert {entry["score"] for entry in document["techniques"]} <= {0, 1, 2}


def test_what_format_4_5_does_not_know_would_be_found() -> None:
    document = layer(heat_map([], [], "1.0"), "1.0")
    document["techniques"][0]["severity"] = 3
    assert complaints(document) != []
