"""What is merged stands where it belongs, comes back equal, and leaves the old version as it was."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from caponier.errors import CaponierError
from caponier.matrix.contributions.contribution import Contribution, TechniqueProposal
from caponier.matrix.contributions.merge import merge, with_source
from caponier.matrix.contributions.review import review
from caponier.matrix.evidence import Grade, Maturity, Precision, Study, StudyType, Way
from caponier.matrix.evidence_gate import admit
from caponier.matrix.technique import Level
from caponier.matrix.versions import release_file
from caponier.matrix.versions.catalogue import load
from caponier.matrix.versions.library import Library
from caponier.matrix.versions.release import Release
from matrix.contributions.made import EVIDENCE, STUDY, TECHNIQUE, changed, reviewed, with_row

TODAY = date(2026, 3, 1)


def contributions(folder: Path, *texts: str, library: Library | None = None) -> list[Contribution]:
    files = reviewed(folder, *texts, library=library).files
    assert all(one.contribution for one in files), [one.issues for one in files]
    return [one.contribution for one in files if one.contribution]


def merged(folder: Path, *texts: str, base: str = "amltm-2020", into: str = "amltm-2020+1") -> Release:
    return merge(Library().release(base), contributions(folder, *texts), into, TODAY)


def ids(release: Release) -> list[str]:
    return [technique.id for technique in release.matrix.techniques]


def test_a_technique_comes_back_field_by_field(tmp_path: Path) -> None:
    (proposal,) = contributions(tmp_path, TECHNIQUE)
    assert isinstance(proposal, TechniqueProposal)
    release = merge(Library().release("amltm-2020"), [proposal], "amltm-2020+1", TODAY)
    back = release_file.from_bytes(release_file.to_bytes(release), "x")
    assert back == release
    entry = back.matrix.technique("AMLTM.EVADE.04")
    assert (entry.level, entry.position, entry.seen_in, entry.v1_id) == (Level.TECHNIQUE, 4, (), None)
    for field in ("id", "name", "tactics", "parent", "color", "attack", "description", "harms"):
        assert getattr(entry, field) == getattr(proposal, field), field
    assert entry.evidence is not None
    assert entry.evidence.grade is Grade.CONTRIBUTED
    (source,) = entry.evidence.sources
    (claim,) = proposal.claims
    assert source == claim.as_source()
    assert (source.result, source.system, source.study.reference) == (claim.result, claim.system, claim.source)
    assert (source.study.date, source.study.precision) == (date(2019, 11, 4), Precision.DAY)
    assert source.study.disclosure is not None
    assert source.study.disclosure.way is Way.COORDINATED_DISCLOSURE


def test_nothing_else_changes_and_the_new_version_passes_the_gate(tmp_path: Path) -> None:
    release = merged(tmp_path, TECHNIQUE)
    old = load()
    assert tuple(t for t in release.matrix.techniques if t.id != "AMLTM.EVADE.04") == old.techniques
    assert (release.matrix.version, release.matrix.released, release.matrix.kind) == (
        "amltm-2020+1",
        TODAY,
        "amltm-2020",
    )
    assert "technique AMLTM.EVADE.04" in release.remarks[-1]
    assert "AMLTM.EVADE.04" not in old
    admit(release.matrix.shown(), "amltm-2020+1")


def test_an_entry_stands_behind_its_siblings_and_what_is_below_them(tmp_path: Path) -> None:
    found = ids(merged(tmp_path, TECHNIQUE))
    at = found.index("AMLTM.EVADE.04")
    assert (found[at - 1], found[at + 1]) == ("AMLTM.EVADE.03.04", "AMLTM.EXFIL.01")


@pytest.mark.parametrize(
    ("id_", "level", "before"),
    [("AMLTM.EVADE.01.03", Level.SUB_TECHNIQUE, "AMLTM.EVADE.01.V4"), ("AMLTM.EVADE.01.V5", Level.VARIANT, None)],
)
def test_what_is_below_an_entry_stands_behind_it(tmp_path: Path, id_: str, level: Level, before: str | None) -> None:
    release = merged(tmp_path, changed(TECHNIQUE, id=id_, parent="AMLTM.EVADE.01"))
    found = ids(release)
    entry = release.matrix.technique(id_)
    assert (entry.level, entry.position) == (level, 7)
    assert found[found.index(id_) - 1] == before or before is None
    assert entry in release.matrix.children("AMLTM.EVADE.01")


def test_a_parent_and_its_child_go_in_together_in_any_order(tmp_path: Path) -> None:
    child = changed(TECHNIQUE, id="AMLTM.EVADE.04.01", parent="AMLTM.EVADE.04", name="Spoken", description="Says it.")
    found = ids(merged(tmp_path, child, TECHNIQUE))
    assert found[found.index("AMLTM.EVADE.04") + 1] == "AMLTM.EVADE.04.01"


def test_evidence_takes_the_founding_mark_away(tmp_path: Path) -> None:
    founding = next(t for t in load().techniques if t.evidence and t.evidence.grade is Grade.FOUNDING)
    entry = merged(tmp_path, changed(EVIDENCE, technique=founding.id)).matrix.technique(founding.id)
    assert entry.evidence is not None
    assert (entry.evidence.grade, len(entry.evidence.sources)) == (Grade.CONTRIBUTED, 1)


def test_evidence_stands_behind_what_is_there(tmp_path: Path) -> None:
    shown = next(t for t in load().techniques if t.evidence and t.evidence.grade is Grade.STUDY_2020)
    assert shown.evidence is not None
    entry = merged(tmp_path, changed(EVIDENCE, technique=shown.id)).matrix.technique(shown.id)
    assert entry.evidence is not None
    assert entry.evidence.grade is Grade.STUDY_2020
    assert entry.evidence.sources[:-1] == shown.evidence.sources
    assert entry.evidence.sources[-1].study.precision is Precision.MONTH


def test_a_study_is_kept_and_shows_the_entries_of_its_steps(tmp_path: Path) -> None:
    release = merged(tmp_path, STUDY)
    study = release.matrix.study("AMLTM.CS14")
    assert [step.technique for step in study.steps] == ["AMLTM.INIT.03", "AMLTM.EVADE.01.02"]
    assert study.target == "The plate reader of a city's car parks"
    for step in study.steps:
        evidence = release.matrix.technique(step.technique).evidence
        assert evidence is not None
        assert (evidence.sources[-1].study.id, evidence.sources[-1].result) == (study.id, step.summary)
        assert type(evidence.sources[-1].study) is Study
    assert release_file.from_bytes(release_file.to_bytes(release), "x") == release


def test_an_atlas_technique_that_was_research_only_comes_into_view(tmp_path: Path) -> None:
    feasible = next(t for t in load("atlas-5.6").techniques if t.maturity is Maturity.FEASIBLE)
    text = changed(EVIDENCE, matrix="atlas-5.6", technique=feasible.id)
    matrix = merged(tmp_path, text, base="atlas-5.6", into="ours").matrix
    assert matrix.technique(feasible.id).maturity is Maturity.REALIZED
    assert matrix.technique(feasible.id) in matrix.shown()


@pytest.mark.parametrize(("type_", "maturity"), [("incident", Maturity.REALIZED), ("exercise", Maturity.DEMONSTRATED)])
def test_a_new_atlas_technique_is_as_mature_as_its_sources_say(tmp_path: Path, type_: str, maturity: Maturity) -> None:
    text = changed(TECHNIQUE, matrix="atlas-5.6", id="AML.T0900", tactics=["AML.TA0007"], color=None)
    text = with_row(text, "evidence", type=type_)
    entry = merged(tmp_path, text, base="atlas-5.6", into="ours").matrix.technique("AML.T0900")
    assert (entry.maturity, entry.color) == (maturity, None)


def test_the_same_source_twice_changes_nothing(tmp_path: Path) -> None:
    entry = merged(tmp_path, TECHNIQUE).matrix.technique("AMLTM.EVADE.04")
    assert entry.evidence is not None
    assert with_source(entry, entry.evidence.sources[0]) == entry


def test_what_a_later_version_is_merged_from_is_reviewed_against_it(tmp_path: Path) -> None:
    library = Library(tmp_path / "matrix")
    library.add(merged(tmp_path, TECHNIQUE))
    path = tmp_path / "again.yaml"
    path.write_text(TECHNIQUE)
    found = review([path], library, "amltm-2020+1")
    assert "AMLTM.EVADE.04 is taken" in [one.what for one in found.issues]
    path.write_text(changed(TECHNIQUE, id="AMLTM.EVADE.05", name="Blinding", description="Blinds the camera."))
    (again,) = review([path], library, "amltm-2020+1").files
    assert again.contribution is not None
    second = merge(library.release("amltm-2020+1"), [again.contribution], "amltm-2020+2", TODAY)
    at = ids(second).index("AMLTM.EVADE.05")
    assert ids(second)[at - 1] == "AMLTM.EVADE.04"
    assert len(second.remarks) == 2


def test_the_gate_stands_behind_the_review(tmp_path: Path) -> None:
    (proposal,) = contributions(tmp_path, TECHNIQUE)
    assert isinstance(proposal, TechniqueProposal)
    future = replace(proposal.claims[0], date=date(2999, 1, 1))
    for claims in ((), (future,), (replace(proposal.claims[0], result=""),)):
        with pytest.raises(CaponierError, match=r"AMLTM\.EVADE\.04"):
            merge(Library().release("amltm-2020"), [replace(proposal, claims=claims)], "amltm-2020+1", TODAY)


def test_a_technique_of_atlas_needs_a_source_too(tmp_path: Path) -> None:
    text = changed(TECHNIQUE, matrix="atlas-5.6", id="AML.T0900", tactics=["AML.TA0007"], color=None)
    (proposal,) = contributions(tmp_path, text)
    assert isinstance(proposal, TechniqueProposal)
    with pytest.raises(CaponierError, match=r"AML\.T0900: .*research"):
        merge(Library().release("atlas-5.6"), [replace(proposal, claims=())], "ours", TODAY)


def test_types_of_studies_are_kept(tmp_path: Path) -> None:
    assert merged(tmp_path, STUDY).matrix.study("AMLTM.CS14").type is StudyType.INCIDENT
