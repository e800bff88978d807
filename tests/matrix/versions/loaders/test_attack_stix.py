"""ATT&CK Enterprise as STIX: sub-techniques, tactics by short name, and what was revoked or deprecated."""

import datetime
import json

import pytest

from caponier.errors import InputError
from caponier.matrix.technique import Retirement
from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.loaders.part import MAX_TEXT
from caponier.matrix.versions.release import Countermeasure
from matrix.versions.loaders.conftest import FOLDER

FILE = "attack-enterprise-17.0.json"


def test_a_bundle_is_read():
    release = load_file(FOLDER / FILE)
    matrix = release.matrix
    assert (release.format, matrix.version, matrix.kind) == ("attack-stix", "attack-enterprise-17.0", "attack")
    assert matrix.released == datetime.date(2025, 4, 22)
    assert [t.id for t in matrix.tactics] == ["TA0001", "TA0002"]
    assert [(t.id, t.parent, t.tactics) for t in matrix.techniques] == [
        ("T1059", None, ("TA0002",)),
        ("T1059.001", "T1059", ("TA0002",)),
        ("T1078", None, ("TA0002", "TA0001")),
    ]
    assert release.countermeasures == (Countermeasure("M1038", "Execution Prevention", ("T1059.001",)),)


def test_what_is_out_of_force_is_retired_with_what_took_over():
    assert load_file(FOLDER / FILE).matrix.retired == (
        Retirement("T1086", "PowerShell", "T1059.001"),
        Retirement("T1064", "Scripting", None),
    )


def test_every_entry_is_in_the_default_view():
    matrix = load_file(FOLDER / FILE).matrix
    assert matrix.shown() == matrix.techniques


def objects(content, type_):
    return [row for row in content["objects"] if row["type"] == type_]


def test_a_bundle_that_is_silent_on_its_version_needs_a_name(changed):
    def forget(content):
        content["objects"].pop(0)

    with pytest.raises(InputError, match="does not say its version") as wrong:
        changed(FILE, forget)
    assert "--version" in (wrong.value.hint or "")
    matrix = changed(FILE, forget, "17.0").matrix
    assert (matrix.version, matrix.released) == ("attack-enterprise-17.0", None)


def test_an_id_that_lives_on_is_not_retired(changed):
    def revive(content):
        content["objects"].append(
            dict(objects(content, "attack-pattern")[3], id="attack-pattern--77", revoked=False, kill_chain_phases=[])
        )
        content["objects"][-1]["kill_chain_phases"] = [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}]

    matrix = changed(FILE, revive).matrix
    assert "T1086" in matrix
    assert [gone.id for gone in matrix.retired] == ["T1064"]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda c: c["objects"].append(dict(c["objects"][5])), "this STIX id is there twice"),
        (lambda c: c["objects"].append(dict(c["objects"][5], id="attack-pattern--7")), "the id T1078 is there twice"),
        (lambda c: c["objects"][4].update(external_references=[]), "no id of mitre-attack"),
        (lambda c: c["objects"][5].update(kill_chain_phases=[]), "T1078 has no tactic"),
        (
            lambda c: c["objects"][4]["kill_chain_phases"][0].update(phase_name="x"),
            "the tactic 'x', which is not there",
        ),
        (lambda c: objects(c, "relationship")[0].update(target_ref="attack-pattern--99"), "which is not there"),
        (
            lambda c: objects(c, "relationship")[0].update(target_ref="attack-pattern--5"),
            "T1064, which is not in force",
        ),
        (lambda c: objects(c, "relationship")[0].update(revoked=True), "no relationship says of which technique"),
        (lambda c: objects(c, "x-mitre-tactic")[0].update(x_mitre_shortname="initial-access"), "is there twice"),
        (lambda c: c["objects"].append("stray"), "a mapping is wanted here"),
        (lambda c: c["objects"].append({"id": "x"}), "'type' is missing"),
        (lambda c: c["objects"][0].update(x_mitre_version=17), "text is wanted here, this is a number"),
        (lambda c: c["objects"][0].update(x_mitre_version="latest"), "'latest' is no version"),
        (lambda c: c["objects"][0].update(modified="yesterday"), "a time such as"),
        (lambda c: c["objects"][5].update(name="\ud800"), "surrogate"),
        (lambda c: c["objects"][5].update(name="\x1b[2J"), "plain characters"),
        (lambda c: c["objects"][5].update(description="x" * (MAX_TEXT + 1)), "text of at most"),
        (lambda c: c.update(objects={}), "a list is wanted here"),
        (lambda c: c.update(objects=[]), "this bundle holds no matrix"),
    ],
)
def test_what_is_wrong_is_an_error(changed, change, what: str):
    with pytest.raises(InputError) as wrong:
        changed(FILE, change)
    assert what in wrong.value.what
    assert wrong.value.where
    assert wrong.value.hint


@pytest.mark.parametrize(
    ("chain", "name"), [("mitre-mobile-attack", "ATT&CK for Mobile"), ("mitre-ics-attack", "ATT&CK for ICS")]
)
def test_other_domains_are_named_and_refused(written, chain: str, name: str):
    text = (FOLDER / FILE).read_text().replace('"kill_chain_name": "mitre-attack"', f'"kill_chain_name": "{chain}"')
    with pytest.raises(InputError, match=f"this is {name}, which is not read"):
        load_file(written(text, "mobile.json"))


def test_a_bundle_of_both_matrices_is_refused(written):
    both = json.loads((FOLDER / FILE).read_text())
    both["objects"] += json.loads((FOLDER / "stix-atlas.json").read_text())["objects"]
    with pytest.raises(InputError, match="ATLAS and ATT&CK together"):
        load_file(written(json.dumps(both), "both.json"))
