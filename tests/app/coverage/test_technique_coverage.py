import pytest

from app.coverage.test_cover import TRIAL
from caponier.app.coverage.cover import cover
from caponier.app.coverage.detector_needs import needs
from caponier.app.coverage.detectors import DetectorCard, DetectorKind, detectors
from caponier.app.coverage.technique_coverage import covered
from caponier.coverage.heat_map import Status
from caponier.matrix.versions.catalogue import load

CELLS = cover()


def card(name: str) -> DetectorCard:
    return next(one for one in detectors() if one.name == name)


def test_every_detector_says_which_data_it_needs():
    for one in detectors():
        assert needs(one)
        assert all(" " in text and not {"/", "_"} & set(text) for text in needs(one)), one.name


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("iterative_query", ("inference events (who asked, the input, the label answered)",)),
        ("label_noise", ("the training data with their labels",)),
        ("unsafe_code", ("the model files",)),
        ("sigma:ml_image_push", ("AWS CloudTrail",)),
        (
            "sigma:login_then_export",
            (
                "the log of logins",
                "AWS CloudTrail, the audit log of Google Cloud or the log of Azure's blob storage",
            ),
        ),
        ("sigma:login_two_countries", ("the log of logins",)),
    ],
)
def test_needs_are_those_of_the_detector_and_of_the_rules_that_a_correlation_joins(name: str, wanted: tuple[str, ...]):
    assert needs(card(name)) == wanted


def test_a_technique_that_a_detector_names_is_declared():
    found = covered("AML.T0024.002", CELLS)
    assert found.status is Status.DECLARED
    assert found.names == ("distance_shape", "growing_doubt", "information_spend", "novelty")
    assert found.through == ()


def test_a_technique_that_only_its_2020_entries_cover_says_so():
    found = covered("AML.T0042", CELLS)
    assert (found.status, found.through) == (Status.DECLARED, ("AMLTM.EVADE.01.01",))


def test_nothing_covers_what_nobody_names():
    found = covered("AML.T0051", CELLS)
    assert (found.status, found.names, found.needs) == (Status.NOT_COVERED, (), ())


def test_a_trial_of_the_2020_entry_validates_the_technique_it_maps_to():
    with_trial = cover(trials=[TRIAL])
    assert covered("AML.T0029", with_trial).status is Status.VALIDATED
    assert covered("AML.T0029", CELLS).status is Status.DECLARED
    assert covered("AML.T0024.002", with_trial).status is Status.DECLARED


def test_no_technique_is_covered_by_less_than_its_own_detectors():
    for technique in load("atlas-5.6").techniques:
        named = {
            one.name for one in detectors() if one.covers and any(id_.id == technique.id for id_ in one.techniques)
        }
        assert named <= set(covered(technique.id, CELLS).names)


def test_kinds_other_than_events_and_logs_need_one_thing():
    for one in detectors():
        if one.kind in (DetectorKind.DATASET, DetectorKind.ARTIFACT):
            assert len(needs(one)) == 1
