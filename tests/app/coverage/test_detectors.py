import re
from pathlib import Path

import pytest

from caponier.app.coverage.detectors import (
    DetectorKind,
    controls,
    detected_by,
    detectors,
    emulated_by,
    emulation,
    emulations,
)
from caponier.coverage.log_emulations import log_emulations
from caponier.detect.sigma.sigma import Sigma
from caponier.emulate.registry import files, harmless_sources, sources
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import resolve


def test_every_kind_has_detectors_emulations_and_controls() -> None:
    assert {card.kind for card in detectors()} == set(DetectorKind)
    for cards in (detectors(), emulations(), controls()):
        assert {card.kind.emulated_by for card in cards} == {kind.emulated_by for kind in DetectorKind}
        assert len({(card.kind, card.name) for card in cards}) == len(cards)


def test_names_of_emulations_are_unique_over_all_kinds() -> None:
    """`emulate run` takes a name alone."""
    names = [card.name for card in emulations()]
    assert sorted(set(names)) == sorted(names)


def test_what_detectors_name_is_there() -> None:
    known = {(card.kind, card.name) for card in emulations()}
    harmless = {(card.kind, card.name) for card in controls()}
    for card in detectors():
        kind = card.kind.emulated_by
        assert {(kind, name) for name in card.emulations} <= known, card.name
        assert {(kind, name) for name in card.controls} <= harmless, card.name
        assert all(resolve(technique).name for technique in card.techniques)


PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "emulations.md"


def test_every_emulation_that_the_page_lists_is_there() -> None:
    """And every look-alike: whoever reads the page can run and validate what stands in it."""
    named = set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE))
    assert {"steered_feedback", "feedback_chaff"} <= named
    assert named <= {card.name for card in (*emulations(), *controls())}


def test_rules_are_listed_as_they_are_compiled() -> None:
    compiled = {
        rule.name: tuple(TechniqueId(ref.matrix, ref.id) for ref in rule.techniques) for rule in Sigma(()).rules
    }
    assert {card.name: card.techniques for card in detectors() if card.kind is DetectorKind.LOG} == compiled
    assert {f"sigma:{rule}" for rule in log_emulations()} <= set(compiled)


def test_each_emulation_shares_a_technique_with_whoever_must_detect_it() -> None:
    """Otherwise no trial of the two could validate anything; of who covers nothing, none has to."""
    for card in detectors():
        for name in card.emulations if card.covers else ():
            assert set(card.techniques) & set(emulation(name).techniques), (card.name, name)


def test_a_hint_detects_no_technique() -> None:
    (hint,) = [card for card in detectors() if not card.covers]
    assert hint.name == "caller_profile"
    assert not detected_by(hint.techniques)


def test_emulations_of_feedback_and_their_controls_are_listed_like_all_others() -> None:
    bad = sources().keys() - harmless_sources().keys()
    assert {card.name for card in emulations() if card.learner} == bad == {"feedback_chaff", "steered_feedback"}
    assert {card.name for card in controls() if card.learner} == set(harmless_sources())


def test_what_shows_a_technique_is_harmful_and_nothing_else_is() -> None:
    assert all(bool(one.techniques) is one.harmful for one in files().values())


def test_a_technique_leads_to_both() -> None:
    evasion = [TechniqueId("amltm-2020", "AMLTM.EVADE.01.02")]
    assert "iterative_query" in [card.name for card in detected_by(evasion)]
    assert "hop_skip_jump" in [card.name for card in emulated_by(evasion)]
    assert detected_by([]) == emulated_by([]) == ()


def test_an_unknown_emulation_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"There are: .*\bboundary, hop_skip_jump\b"):
        emulation("teleport")
