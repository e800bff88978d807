"""Our own file comes back equal through the same door as every other."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from caponier.errors import InputError
from caponier.matrix.versions import catalogue, release_file
from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.release import Release


@pytest.mark.parametrize("version", ["amltm-2020", "atlas-5.6"])
def test_a_written_release_comes_back_equal(written, version: str):
    release = Release(catalogue.load(version), "caponier", "ab" * 32, (), ("a remark",))
    assert load_file(written(release_file.to_bytes(release), "any.name")) == release


def test_it_can_get_another_name(written):
    release = Release(catalogue.load("amltm-2020"), "caponier", "")
    file = written(release_file.to_bytes(release))
    assert load_file(file, "team-1").matrix == replace(release.matrix, version="team-1")
    assert load_file(file, "2021.1").matrix.version == "amltm-2020-2021.1"
    assert load_file(file, "amltm-2020") == release


def test_a_field_that_has_no_place_is_an_error(written):
    data = release_file.to_bytes(Release(catalogue.load("amltm-2020"), "caponier", ""))
    file = written(data.replace(b'"position":', b'"severity": 9, "position":', 1))
    with pytest.raises(InputError, match="severity"):
        load_file(file)


def _entry(document: dict[str, Any], place: int, **keys: Any) -> None:
    document["techniques"][place].update(keys)


def _parents(document: dict[str, Any]) -> None:
    first, second = document["techniques"][:2]
    first["parent"], second["parent"] = second["id"], first["id"]


WRONG: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a circle of parents": (_parents, "which is itself a sub-technique"),
    "its own parent": (lambda d: _entry(d, 1, parent=d["techniques"][1]["id"]), "which is itself a sub-technique"),
    "no column": (lambda d: _entry(d, 2, tactics=[]), "has no tactic"),
    "a kind that there is not": (lambda d: d.update(kind="team"), "kind"),
    "no name": (lambda d: _entry(d, 0, name=""), "one line of 1 to 300"),
    "a name that a terminal obeys": (lambda d: _entry(d, 0, name="Name \x1b[31m"), r"techniques\.0"),
    "a name that turns round": (lambda d: _entry(d, 0, name="Name \u202e"), "plain characters"),
    "a name of a book": (lambda d: _entry(d, 0, name="n" * 301), "one line of 1 to 300"),
    "a text of a library": (lambda d: _entry(d, 0, description="n" * 100_001), "at most 100000"),
    "a well without a bottom": (lambda d: d.update(name=json.loads("[" * 900 + "]" * 900)), "nested too deeply"),
    "twice retired": (lambda d: d.update(retired=[{"id": "AML.T0001", "name": "Gone"}] * 2), "is there twice"),
    "a counter-measure twice": (lambda d: d.update(countermeasures=[{"id": "M1", "name": "One"}] * 2), "there twice"),
}


@pytest.mark.parametrize("case", WRONG)
def test_it_is_held_to_what_every_other_format_is(written, case: str):
    spoil, complaint = WRONG[case]
    document = json.loads(release_file.to_bytes(Release(catalogue.load("atlas-5.6"), "caponier", "")))
    spoil(document)
    with pytest.raises(InputError, match=complaint):
        load_file(written(json.dumps(document).encode()), "atlas-9")
