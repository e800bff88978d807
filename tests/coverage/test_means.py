"""By which means an entry is covered, over any detectors and trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.app.coverage.detectors import detectors
from caponier.coverage.heat_map import CoveredMeans, Means, Status, heat_map
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import load
from caponier.records.trial import Trial

ENTRIES = [TechniqueId("amltm-2020", technique.id) for technique in load("amltm-2020").techniques]
NAMES = ("search", "flood", "rule_a", "rule_b")
RULES = frozenset({"rule_a", "rule_b"})
START = datetime(2026, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Detector:
    name: str
    techniques: tuple[TechniqueId, ...]
    covers: bool = True


def trial(number: int, name: str, entry: TechniqueId, passed: bool, version: str = "1.0") -> Trial:
    return Trial(
        trial_id=f"t-{number}", detector=name, techniques=(entry,), emulation="e", control="c", target="m",
        caponier_version=version, time=START + timedelta(hours=number), attack_succeeded=True, detected=passed,
        control_silent=True,
    )  # fmt: skip


made = st.lists(
    st.builds(
        Detector,
        st.sampled_from(NAMES),
        st.lists(st.sampled_from(ENTRIES), max_size=4).map(tuple),
        st.sampled_from([True, True, True, False]),
    ),
    max_size=6,
    unique_by=lambda one: one.name,
)
tried = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(ENTRIES), st.booleans()), max_size=12)


@settings(max_examples=60, deadline=None)
@given(cards=made, tried=tried)
def test_an_entry_is_as_well_covered_as_the_best_of_its_means(
    cards: Sequence[Detector], tried: Sequence[tuple[str, TechniqueId, bool]]
) -> None:
    trials = [trial(number, *one) for number, one in enumerate(tried)]
    for cell in heat_map(cards, trials, "1.0", RULES):
        said = {one.means: one.status for one in cell.means}
        assert len(said) == len(cell.means)
        assert (cell.status is Status.NOT_COVERED) == (not said)
        assert (cell.status is Status.VALIDATED) == (Status.VALIDATED in said.values())
        assert Status.NOT_COVERED not in said.values()
        assert (Means.TRADITIONAL in said) == bool(RULES & set(cell.detectors))
        assert (Means.ML in said) == bool(set(cell.detectors) - RULES)
        assert [one.means for one in cell.means] == [means for means in Means if means in said], "in one order"


@settings(max_examples=30, deadline=None)
@given(cards=made, tried=tried)
def test_who_only_hints_and_what_another_version_passed_change_nothing(
    cards: Sequence[Detector], tried: Sequence[tuple[str, TechniqueId, bool]]
) -> None:
    trials = [trial(number, *one) for number, one in enumerate(tried)]
    old = [trial(100 + number, *one, version="0.9") for number, one in enumerate(tried)]
    heard = [card for card in cards if card.covers]
    assert heat_map(cards, [*trials, *old], "1.0", RULES) == heat_map(heard, trials, "1.0", RULES)


def test_nobody_covers_nothing() -> None:
    cells = heat_map([], [], "1.0")
    assert len(cells) == len(ENTRIES)
    assert not any(cell.means or cell.by_means for cell in cells)


def test_means_are_told_in_words() -> None:
    both = [Detector("search", (ENTRIES[0],)), Detector("rule_a", (ENTRIES[0],))]
    (cell,) = [one for one in heat_map(both, [trial(1, "search", ENTRIES[0], True)], "1.0", RULES)
               if one.technique.id == ENTRIES[0].id]  # fmt: skip
    assert cell.means == (
        CoveredMeans(Means.TRADITIONAL, Status.DECLARED), CoveredMeans(Means.ML, Status.VALIDATED),
    )  # fmt: skip
    assert cell.by_means == "traditional (declared), ML (validated)"


def test_our_own_detectors_cover_some_entries_by_either_means() -> None:
    cards = detectors()
    logs = {card.name for card in cards if card.kind.value == "log"}
    means = {one.means for cell in heat_map(cards, [], "1.0", logs) for one in cell.means}
    assert logs
    assert means == set(Means)
