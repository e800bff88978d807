"""The four published ATLAS files load whole: every noun equals what the YAML itself says."""

from pathlib import Path

import pytest
import yaml

from caponier.errors import InputError
from caponier.matrix import attack
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.evidence import Grade, Precision
from caponier.matrix.evidence_gate import admit
from caponier.matrix.versions import catalogue, release_file
from caponier.matrix.versions.loaders import load_file
from caponier.matrix.versions.release import Release
from matrix.conftest import SHARED

FILES = ("ATLAS-v3.0.0.yaml", "ATLAS-v4.4.0.yaml", "ATLAS-v4.9.1.yaml", "ATLAS-v5.6.1.yaml")
CORRECTED = {"AML.T0106": "T1212", "AML.T0011.003": "T1204.001"}
PRECISION = {"YEAR": Precision.YEAR, "MONTH": Precision.MONTH, "DATE": Precision.DAY}


@pytest.fixture(params=FILES)
def both(request: pytest.FixtureRequest, shared_facts) -> tuple[Release, dict]:
    source = shared_facts("data", "atlas", request.param)
    return load_file(SHARED / "data" / "atlas" / request.param), source


def test_tactics_and_techniques_are_those_of_the_file(both):
    release, source = both
    rows = source["matrices"][0] if "matrices" in source else source
    assert [(t.id, t.name) for t in release.matrix.tactics] == [(row["id"], row["name"]) for row in rows["tactics"]]
    by_id = {row["id"]: row for row in rows["techniques"]}
    assert {t.id for t in release.matrix.techniques} == set(by_id)
    assert len(release.matrix.techniques) == len(rows["techniques"])
    for entry in release.matrix.techniques:
        row = by_id[entry.id]
        parent = row.get("subtechnique-of")
        wanted = CORRECTED.get(entry.id, row.get("ATT&CK-reference", {}).get("id"))
        assert (entry.name, entry.parent, entry.attack) == (row["name"], parent, wanted)
        assert list(entry.tactics) == (row.get("tactics") or by_id[parent]["tactics"])
        assert (entry.maturity.value if entry.maturity else None) == row.get("maturity")
        assert entry.description == row["description"].strip()


def test_every_case_study_has_its_steps_in_order(both):
    release, source = both
    assert len(release.matrix.studies) == len(source["case-studies"])
    for study, row in zip(release.matrix.studies, source["case-studies"], strict=True):
        assert (study.id, study.name) == (row["id"], row["name"])
        steps = [(step.tactic, step.technique, step.leads_to) for step in study.steps]
        assert steps == [(step["tactic"], step["technique"], None) for step in row["procedure"]]
        assert list(study.references) == [ref["url"] for ref in row.get("references") or []]
        assert study.precision is PRECISION[row["incident-date-granularity"]]
        assert study.when == row["incident-date"].isoformat()[: len(study.when)]
        assert study.actors == ((row["actor"].strip(),) if "actor" in row else ())
        assert study.type == row.get("case-study-type", study.type)


def test_countermeasures_keep_the_techniques_that_stood_in_the_wrong_place(both):
    release, source = both
    rows = source.get("matrices", [{}])[0].get("mitigations", [])
    assert [m.id for m in release.countermeasures] == [row["id"] for row in rows]
    for found, row in zip(release.countermeasures, rows, strict=True):
        strays = [item for item in row.get("ml-lifecycle", []) if isinstance(item, dict)]
        wanted = dict.fromkeys(use["id"] for use in [*row["techniques"], *strays])
        assert list(found.techniques) == list(wanted)
        for stray in strays:
            assert any(found.id in remark and stray["id"] in remark for remark in release.remarks)


def test_the_default_view_passes_the_gate_of_the_shipped_matrices(both):
    release, _ = both
    admit(release.matrix.shown(), release.matrix.version)
    graded = [t for t in release.matrix.shown() if t.evidence]
    assert all(t.evidence.grade is Grade.OWN_STUDY for t in graded)
    assert (not graded) == release.matrix.version.startswith("atlas-5")


def test_what_is_shown_is_what_maturity_or_else_a_step_says(both):
    release, source = both
    named = {step["technique"] for row in source["case-studies"] for step in row["procedure"]}
    wanted = named | {id_.rpartition(".")[0] for id_ in named if id_.count(".") == 2}
    rows = source["matrices"][0] if "matrices" in source else source
    if all("maturity" in row for row in rows["techniques"]):
        wanted = {row["id"] for row in rows["techniques"] if row["maturity"] != "feasible"}
    assert {t.id for t in release.matrix.shown()} == wanted


def test_the_release_comes_back_equal_from_our_own_file(both):
    release, _ = both
    assert release_file.from_bytes(release_file.to_bytes(release), "file") == release


def test_the_file_says_which_release_it_is(shared_facts):
    shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")
    release = load_file(SHARED / "data" / "atlas" / "ATLAS-v5.6.1.yaml", "5.6.1")
    assert (release.matrix.version, str(release.matrix.released)) == ("atlas-5.6.1", "2026-05-05")
    assert "The file says it is 5.6.0; it is kept as atlas-5.6.1." in release.remarks


def test_it_agrees_with_the_version_that_ships(shared_facts):
    shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")
    read = load_file(SHARED / "data" / "atlas" / "ATLAS-v5.6.1.yaml").matrix
    shipped = catalogue.load("atlas-5.6")
    assert [t.id for t in read.shown()] == [t.id for t in shipped.shown()]
    for entry in read.techniques:
        twin = shipped.technique(entry.id)
        facts = (twin.name, twin.level, twin.tactics, twin.parent, twin.position, twin.maturity, twin.attack)
        assert (entry.name, entry.level, entry.tactics, entry.parent) == facts[:4]
        assert (entry.position, entry.maturity, entry.attack) == facts[4:]
    assert [_story(study) for study in read.studies] == [_story(study) for study in shipped.studies]
    assert all(attack.name(id_) == read.technique(entry).name for entry, id_ in CORRECTED.items())


@pytest.mark.parametrize("name", FILES)
def test_a_published_file_that_is_cut_off_is_never_imported(shared_facts, written, name: str):
    shared_facts("data", "atlas", name)
    lines = (SHARED / "data" / "atlas" / name).read_bytes().splitlines(keepends=True)
    for part in range(1, 12):
        with pytest.raises(InputError) as wrong:
            load_file(written(b"".join(lines[: len(lines) * part // 12])))
        assert wrong.value.where


def test_a_published_file_with_less_in_it_can_be_kept_under_a_name_of_ones_own(shared_facts, written):
    source = shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")
    del source["case-studies"][-1]
    short = written(yaml.safe_dump(source, sort_keys=False))
    with pytest.raises(InputError, match=r"5\.6\.0.*\b57 studies.*\b56\b") as wrong:
        load_file(short)
    assert "--version" in (wrong.value.hint or "")
    assert len(load_file(short, "ours").matrix.studies) == 56


def _story(study: CaseStudy) -> tuple[object, ...]:
    return study.id, study.type, study.when, [(step.tactic, step.technique) for step in study.steps]


def test_all_57_case_studies_of_5_6_1_load_with_steps(shared_facts):
    shared_facts("data", "atlas", "ATLAS-v5.6.1.yaml")
    studies = load_file(Path(SHARED / "data" / "atlas" / "ATLAS-v5.6.1.yaml")).matrix.studies
    assert len(studies) == 57
    assert all(study.steps and study.date and study.url for study in studies)
    assert sum(len(study.steps) for study in studies) == 449
