from datetime import date
from pathlib import Path

from caponier.matrix.case_study import Strategy, StudyStep
from caponier.matrix.contributions.contribution import (
    Contribution,
    EvidenceProposal,
    StudyProposal,
    TechniqueProposal,
    contribution_of,
)
from caponier.matrix.contributions.contribution_form import read_sheet
from caponier.matrix.evidence import Disclosure, Precision, StudyType, Way
from caponier.matrix.technique import Color, Harm
from matrix.contributions.made import EVIDENCE, STUDY, TECHNIQUE, changed, file


def read(folder: Path, text: str) -> Contribution:
    sheet, issues = read_sheet(file(folder, text))
    assert issues == []
    assert sheet is not None
    return contribution_of(sheet)


def test_a_technique_is_read_field_by_field(tmp_path: Path) -> None:
    one = read(tmp_path, changed(TECHNIQUE, harms=["availability", "integrity"]))
    assert isinstance(one, TechniqueProposal)
    assert (one.id, one.about, one.name, one.tactics) == (
        "AMLTM.EVADE.04",
        "AMLTM.EVADE.04",
        "Sensor Spoofing",
        ("AMLTM.EVADE",),
    )
    assert (one.parent, one.color, one.attack) == (None, Color.ORANGE, None)
    # In the order of all others, whatever the file's.
    assert one.harms == (Harm.INTEGRITY, Harm.AVAILABILITY)
    assert one.description.startswith("Shines, speaks or plays something at the sensor that feeds the model, so")


def test_a_claim_says_what_where_when_and_with_what_right(tmp_path: Path) -> None:
    one = read(tmp_path, EVIDENCE)
    assert isinstance(one, EvidenceProposal)
    assert one.about == "AMLTM.EVADE.01.V4"
    (claim,) = one.claims
    assert (claim.date, claim.precision, claim.type) == (date(2024, 2, 1), Precision.MONTH, StudyType.INCIDENT)
    assert claim.disclosure == Disclosure(Way.PUBLIC_INCIDENT, "The vendor published an advisory in February 2024.")
    source = claim.as_source()
    assert (source.result, source.system, source.study.when) == (claim.result, claim.system, "2024-02")
    assert source.study.url == claim.source


def test_the_same_address_is_always_the_same_study(tmp_path: Path) -> None:
    one, again = read(tmp_path, EVIDENCE), read(tmp_path, EVIDENCE.replace("Strings that pass", "Another title"))
    other = read(tmp_path, EVIDENCE.replace("happy-strings", "sad-strings"))
    ids = [each.claims[0].as_source().study.id for each in (one, again, other) if isinstance(each, EvidenceProposal)]
    assert ids[0] == ids[1] != ids[2]


def test_a_study_is_read_step_by_step(tmp_path: Path) -> None:
    one = read(tmp_path, STUDY)
    assert isinstance(one, StudyProposal)
    study = one.study
    assert (one.about, study.when, study.strategy) == ("AMLTM.CS14", "2025-06", Strategy.COMBINED)
    assert study.steps[0] == StudyStep("AMLTM.INIT", "AMLTM.INIT.03", "They got the account of a warden by a letter.")
    assert study.references == (study.reference,) == ("https://www.cisa.gov/reports/parking-stickers",)
    assert study.actors == ("Two drivers",)
    assert study.disclosure is not None
    assert study.disclosure.way is Way.PUBLIC_INCIDENT
