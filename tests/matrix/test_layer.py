"""A layer comes back as it was, whichever format it had and whatever unknown keys it carries."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.errors import InputError
from caponier.matrix.layer import Annotation, Layer, to_text
from matrix.layer_schema import complaints

WHOLE: dict[str, Any] = {
    "name": "ours",
    "versions": {"attack": "14", "navigator": "4.6.5", "layer": "4.3"},
    "domain": "enterprise-attack",
    "filters": {"platforms": ["Windows"]},
    "techniques": [
        {"techniqueID": "T1110", "score": 0, "color": "#fd8d3c", "comment": "äöü ◆", "showSubtechniques": True},
        {"techniqueID": "T1053", "tactic": "persistence", "metadata": [{"name": "a", "value": "b"}, {"divider": True}]},
        {"techniqueID": "T1053", "tactic": "execution", "links": [{"label": "x", "url": "https://example.org"}]},
    ],
    "metadata": [{"name": "atlas_data_version", "value": "5.6.0"}, {"divider": True}],
}

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3), max_leaves=8
)
own_keys = st.text(min_size=1).filter(lambda key: key not in ("version", "versions", "techniques", "name", "domain"))
other_keys = st.text(min_size=1).filter(lambda key: key not in ("techniqueID", "tactic"))
annotations = st.builds(
    lambda rest, id_, tactic: {**rest, "techniqueID": id_, **({"tactic": tactic} if tactic else {})},
    st.dictionaries(other_keys, anything, max_size=4),
    st.text(),
    st.none() | st.text(min_size=1),
)
versions = st.builds(
    lambda layer, navigator, attack: {"layer": layer, "navigator": navigator, **attack},
    st.sampled_from(["4", "4.0", "4.1", "4.2", "4.3", "4.4", "4.5"]),
    st.sampled_from(["4.0", "4.8.2", "4.9.0", "5.3.2", "x"]) | st.text(),
    st.just({}) | st.just({"attack": "17"}),
)
layers = st.builds(
    lambda rest, name, domain, version, techniques: {
        **rest,
        "name": name,
        "domain": domain,
        **version,
        "techniques": techniques,
    },
    st.dictionaries(own_keys, anything, max_size=4),
    st.text(),
    st.text(),
    st.just({}) | versions.map(lambda given: {"versions": given}),
    st.lists(annotations, max_size=4),
)


def read(document: Any) -> tuple[Layer, ...]:
    return Layer.read(json.dumps(document).encode())


def without_versions(layer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in layer.items() if key != "versions"}


@settings(deadline=None)
@given(document=layers)
def test_nothing_is_lost_but_the_number_of_the_format(document: dict[str, Any]) -> None:
    (layer,) = read(document)
    written = layer.to_dict()
    assert without_versions(written) == without_versions(document)
    assert written["versions"]["layer"] == "4.5"
    assert written["versions"].get("attack") == document.get("versions", {}).get("attack")
    assert [key for key in written if key in document and key != "techniques"] == [
        key for key in document if key != "techniques"
    ]


@settings(deadline=None)
@given(documents=st.lists(layers, min_size=1, max_size=3))
def test_what_was_written_reads_back_equal(documents: list[dict[str, Any]]) -> None:
    first = Layer.read(to_text(read(documents)).encode())
    assert [layer.to_dict() for layer in first] == [layer.to_dict() for layer in read(documents)]
    assert Layer.read(to_text(first).encode()) == first


def test_a_layer_tells_what_it_is_about() -> None:
    (layer,) = read(WHOLE)
    assert (layer.name, layer.domain) == ("ours", "enterprise-attack")
    assert layer.metadata == {"atlas_data_version": "5.6.0"}
    assert [(one.technique, one.tactic) for one in layer.annotations] == [
        ("T1110", None),
        ("T1053", "persistence"),
        ("T1053", "execution"),
    ]


def test_what_is_written_follows_format_4_5() -> None:
    assert complaints(WHOLE) != []
    assert complaints(read(WHOLE)[0].to_dict()) == []


@pytest.mark.parametrize(
    ("navigator", "written"),
    [
        ("4.6.5", "5.1.0"),
        ("4.9.0", "4.9.0"),
        ("5.3.2", "5.3.2"),
        (None, "5.1.0"),
        ("9" * 5000, "5.1.0"),
        ("²", "5.1.0"),
    ],
)
def test_a_navigator_too_old_for_the_format_is_not_named(navigator: str | None, written: str) -> None:
    versions = {"layer": "4.1"} | ({"navigator": navigator} if navigator else {})
    assert read({**WHOLE, "versions": versions})[0].to_dict()["versions"]["navigator"] == written


def test_a_file_with_a_byte_order_mark_is_read() -> None:
    assert Layer.read(b"\xef\xbb\xbf" + json.dumps(WHOLE).encode()) == read(WHOLE)


def test_an_annotation_changes_without_losing_the_rest() -> None:
    one = Annotation({"techniqueID": "AML.T0019", "tactic": "resource-development", "score": 3, "mine": [1]})
    assert one.changed(techniqueID="AML.T0115.000", tactic=None).document == {
        "techniqueID": "AML.T0115.000",
        "score": 3,
        "mine": [1],
    }
    assert one.document["techniqueID"] == "AML.T0019"


def test_a_layer_changes_without_losing_the_rest() -> None:
    (layer,) = read(WHOLE)
    changed = layer.changed(layer.annotations[:1], name="new")
    assert changed.to_dict() == {**layer.to_dict(), "name": "new", "techniques": WHOLE["techniques"][:1]}
    assert layer.changed().to_dict() == layer.to_dict()


def test_one_layer_is_an_object_and_two_are_a_list() -> None:
    (layer,) = read(WHOLE)
    assert json.loads(to_text([layer])) == layer.to_dict()
    assert json.loads(to_text([layer, layer])) == [layer.to_dict(), layer.to_dict()]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not JSON"),
        (b"\xff", "utf-8"),
        (b'{"name": "a",\n"name": "b", "domain": "c"}', "'name' is there twice"),
        (b'{"name": "a", "domain": "b", "x": NaN}', "NaN"),
        (b'{"name": "a", "domain": "b", "x": 1e999}', "beyond all bounds"),
        (b'{"name": "\\ud800", "domain": "b"}', "surrogate"),
        (b"[" * 100_000, "too deep"),
        (b'{"name": "a", "domain": "b", "x": ' + b"[" * 70 + b"]" * 70 + b"}", "too deep"),
        (b'{"name": "a", "domain": "b",\n}', "layer.json:2"),
        (b"3", "a layer is an object"),
        (b'{"domain": "b"}', "layer.json: name"),
        (b'{"name": "a"}', "layer.json: domain"),
        (b'{"name": "a", "domain": "b", "versions": 4}', "layer.json: versions"),
        (b'{"name": "a", "domain": "b", "versions": {"layer": "4.6"}}', "versions.layer"),
        (b'{"name": "a", "domain": "b", "versions": {"layer": 4.5}}', "versions.layer"),
        (b'{"name": "a", "domain": "b", "version": "2.2"}', "2.2 is too old"),
        (b'{"name": "a", "domain": "b", "techniques": {}}', "layer.json: techniques"),
        (b'{"name": "a", "domain": "b", "techniques": [1]}', "techniques[0]"),
        (b'{"name": "a", "domain": "b", "techniques": [{}]}', "techniques[0].techniqueID"),
        (b'{"name": "a", "domain": "b", "techniques": [{"techniqueID": "T1", "tactic": 1}]}', "techniques[0].tactic"),
        (b'[{"name": "a", "domain": "b"}, {}]', "[1]: name"),
    ],
)
def test_what_is_no_layer_is_refused_with_its_place(data: bytes, said: str) -> None:
    with pytest.raises(InputError) as refused:
        Layer.read(data, "layer.json")
    assert said in str(refused.value)


def test_a_file_too_large_is_not_even_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.matrix.layer.SIZE_LIMIT", 10)
    with pytest.raises(InputError, match="larger than 10 bytes"):
        read(WHOLE)
