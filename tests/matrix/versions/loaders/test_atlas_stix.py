"""ATLAS as STIX: entries and places, without studies."""

from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.release import Countermeasure
from matrix.versions.loaders.conftest import FOLDER

FILE = "stix-atlas.json"


def test_a_bundle_is_read():
    release = load_file(FOLDER / FILE)
    matrix = release.matrix
    assert (release.format, matrix.version, matrix.kind) == ("atlas-stix", "atlas-5.6.9", "atlas")
    assert [(t.id, t.parent, t.tactics, t.attack) for t in matrix.techniques] == [
        ("AML.T0015", None, ("AML.TA0011",), "T1211"),
        ("AML.T0015.000", "AML.T0015", ("AML.TA0011",), None),
    ]
    assert release.countermeasures == (Countermeasure("AML.M0003", "Model Hardening", ("AML.T0015",)),)


def test_without_studies_nothing_is_shown_and_it_is_said():
    release = load_file(FOLDER / FILE)
    assert release.matrix.shown() == ()
    assert len(release.matrix.shown(everything=True)) == 2
    assert any("no case studies and no maturity" in remark for remark in release.remarks)


def test_a_month_is_a_version_too(changed):
    assert changed(FILE, lambda c: c["objects"][0].update(x_mitre_version="2026.09")).matrix.version == "atlas-2026.09"
