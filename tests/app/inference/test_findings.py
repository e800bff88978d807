"""What a finding says: whom it accuses, how many benign callers come as high, and who is to be told at once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caponier.app.inference.findings import NAMED, CallerFacts, OwnFindings, finding_of, how_rare
from caponier.app.inference.plan import ModelDetection, levels_of
from caponier.detect.calibration.ages import AHEAD
from caponier.detect.calibration.baseline import DetectorBaseline, ModelBaseline
from caponier.detect.calibration.joint_tail import JointTail, whole
from caponier.detect.calibration.lives import Lives
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import Explanation, Subject
from caponier.detect.registry import event_detectors
from caponier.engines.judge import Detection, SaidBeside
from caponier.engines.plan import DAY_US, CalibratedDetector, Plan
from caponier.records.accused import NAMES, accused
from caponier.records.alert_budget import AlertBudget
from caponier.records.finding import Basis, Finding, Said, by_rarity
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=1.0)
ENCODER = Encoder.fit(SPEC, np.zeros((1, 2), np.float32))
COLD = ModelDetection(Plan("m", ENCODER, (CalibratedDetector(event_detectors()["distributed_query"], {}, 48.0),)), None)
NOW = datetime(2026, 1, 5, tzinfo=UTC)
FOUND = Detection(
    detector="distributed_query",
    model="m",
    kind="bucket",
    subject="cell-01a",
    value=80.0,
    queries=12,
    trigger=(0, 9),
    evidence=((0, 8), (0, 9)),
    explanation=Explanation("Steps are small", {"flips": 2}, np.array([8, 9])),
)


def caller_facts(principals: tuple[str, ...]) -> CallerFacts:
    return CallerFacts("e-9", ("e-8", "e-9"), NOW, NOW + timedelta(seconds=1), None, "1", principals)


def test_a_finding_about_like_queries_accuses_whoever_sent_them() -> None:
    finding = finding_of(FOUND, COLD, caller_facts(("ann", "bob")), None)
    assert finding.subject.kind == "bucket"
    assert accused(finding) == {"ann", "bob"}
    assert finding.evidence.facts["principals"] == 2
    assert finding.summary.endswith(". Two callers sent them")


def test_it_counts_all_and_names_the_first_of_them() -> None:
    crowd = tuple(f"p{number}" for number in range(NAMED + 10))
    finding = finding_of(FOUND, COLD, caller_facts(crowd), None)
    assert finding.evidence.facts["principals"] == NAMED + 10
    assert finding.evidence.facts[NAMES] == list(crowd[:NAMED])
    assert accused(finding) == set(crowd[:NAMED])


@pytest.mark.parametrize(
    ("senders", "said"),
    [
        (("eve",) * 2, "One caller sent all of them"),
        (("eve",) * 5, "One caller sent nearly all of them"),
        (("eve",) * 4 + ("ann",), "One caller sent nearly all of them"),
        (("eve",) * 3 + ("ann",), "Two callers sent them"),
    ],
)
def test_like_queries_of_one_caller_are_said_to_be_one_callers(senders: tuple[str, ...], said: str) -> None:
    assert finding_of(FOUND, COLD, caller_facts(senders), None).summary.endswith(f". {said}")


def test_who_asks_now_and_then_in_a_popular_cell_is_not_named_beside_a_search() -> None:
    """A mass of like inputs of one caller, and chat partners whose words lie near: they were named in 97 findings."""
    chat = tuple(f"chat {number}" for number in range(7) for _ in range(1 + number % 3))
    finding = finding_of(FOUND, COLD, caller_facts(("eve",) * 12 + chat + ("bob",) * 5), None)
    assert accused(finding) == {"eve", "bob"}
    # It is still said how many there were.
    assert finding.evidence.facts["principals"] == 9


@given(sent=st.lists(st.integers(1, 40), min_size=1, max_size=NAMED), rng=st.randoms(use_true_random=False))
def test_whoever_sent_most_is_named_and_all_who_sent_as_much(sent: list[int], rng: Random) -> None:
    senders = [f"c{who}" for who, count in enumerate(sent) for _ in range(count)]
    rng.shuffle(senders)
    named = accused(finding_of(FOUND, COLD, caller_facts(tuple(senders)), None))
    assert named == {f"c{who}" for who, count in enumerate(sent) if 3 * count >= max(sent)}


class TestWhatOneCallerSentAlone:
    """It is told as that caller's, and not once more as a distributed search."""

    def own(self, *, when: timedelta = timedelta(0), subject: str = "eve", **change: str) -> OwnFindings:
        own = OwnFindings(most=2)
        own.add(replace(FOUND, **{"kind": "principal", "subject": subject, **change}), NOW + when)  # type: ignore[arg-type]
        return own

    def test_it_is_told_already_where_the_caller_was_told_of_before(self) -> None:
        assert self.own().tell(FOUND, caller_facts(("eve", "eve")))

    @pytest.mark.parametrize("senders", [("eve", "ann"), ("eve",), ()], ids=["two", "one of two is known", "nobody"])
    def test_it_is_told_where_others_sent_a_part_or_may_have(self, senders: tuple[str, ...]) -> None:
        assert not self.own().tell(FOUND, caller_facts(senders))

    @pytest.mark.parametrize(("others", "told"), [(("ann",), True), (("ann", "bob"), True), (("ann",) * 3, False)])
    def test_others_who_asked_near_it_now_and_then_share_no_search(self, others: tuple[str, ...], told: bool) -> None:
        senders = ("eve",) * 8 + others
        seen = replace(caller_facts(senders), event_ids=tuple(f"e-{at}" for at in range(len(senders))))
        assert self.own().tell(FOUND, seen) is told
        assert not self.own(subject="ann").tell(FOUND, seen)

    @pytest.mark.parametrize("change", [{"subject": "ann"}, {"model": "other"}, {"kind": "session"}])
    def test_it_is_told_where_nothing_else_tells_of_the_caller(self, change: dict[str, str]) -> None:
        assert not self.own(**change).tell(FOUND, caller_facts(("eve", "eve")))

    def test_it_is_told_where_the_caller_was_told_of_only_later(self) -> None:
        assert not self.own(when=timedelta(hours=1)).tell(FOUND, caller_facts(("eve", "eve")))

    def test_a_finding_of_the_callers_own_is_never_kept_back(self) -> None:
        assert not self.own().tell(replace(FOUND, kind="principal", subject="eve"), caller_facts(("eve", "eve")))

    def test_no_more_callers_are_remembered_than_there_is_room_for(self) -> None:
        own = self.own()
        for other in ("ann", "bob"):
            own.add(replace(FOUND, kind="principal", subject=other), NOW)
        assert not own.tell(FOUND, caller_facts(("eve", "eve")))
        assert own.tell(FOUND, caller_facts(("bob", "bob")))


def test_where_the_log_names_nobody_nobody_is_accused() -> None:
    assert accused(finding_of(FOUND, COLD, caller_facts(()), None)) == frozenset()


@pytest.mark.parametrize("kind", ["principal", "session", "address"])
def test_any_other_finding_accuses_its_subject(kind: str) -> None:
    finding = finding_of(replace(FOUND, kind=kind, subject="eve"), COLD, caller_facts(("ann",)), None)
    assert accused(finding) == {"eve"}
    assert NAMES not in finding.evidence.facts


PRINCIPALS, CELLS = 200, 40
REACH = int(AHEAD[9]) + 1
RANKS = TailRanks.of(
    Lives(np.log1p(np.tile(np.arange(PRINCIPALS)[:, None], (1, REACH))), np.full(PRINCIPALS, REACH - 1)), 10
)
CALLERS = JointTail.of(whole(np.random.default_rng(0).exponential(1.0, (3, PRINCIPALS))))
GROUPS = JointTail.of(whole(np.random.default_rng(1).exponential(1.0, (3, CELLS))))
SECTION = ModelBaseline(
    model="m",
    version="1",
    created="2026-01-05T00:00:00Z",
    spec=SPEC,
    knots=ENCODER.knots,
    principals=PRINCIPALS,
    events=9_000,
    callers_per_week=700.0,
    span=2 * DAY_US,
    alpha=0.02,
    detectors={"novelty": DetectorBaseline(1, {}, RANKS)},
    tails={Subject.PRINCIPAL: CALLERS, Subject.BUCKET: GROUPS},
)
LINES = tuple(
    CalibratedDetector(event_detectors()[name], {}, 0.0, RANKS)
    for name in ("novelty", "iterative_query", "distributed_query")
)
CASE = ModelDetection(
    Plan("m", ENCODER, LINES, levels=levels_of(SECTION), tails=SECTION.tails, span=SECTION.span), SECTION
)
SURE = CALLERS.level(0.02)


def detection(strength: int = SURE, **change: object) -> Detection:
    plain = replace(FOUND, detector="novelty", kind="principal", subject="eve", age=5, strength=strength, value=250.0)
    return replace(plain, **change)  # type: ignore[arg-type]


def finding(
    strength: int = SURE, case: ModelDetection = CASE, budget: AlertBudget | None = None, **change: object
) -> Finding:
    given = {} if budget is None else {"budget": budget}
    return finding_of(detection(strength, **change), case, caller_facts(("eve",)), None, **given)


class TestHowRare:
    def test_as_many_as_come_as_high_in_a_week_are_expected(self) -> None:
        evidence = finding().evidence
        assert evidence.share == CALLERS.share(SURE) <= 0.02
        assert evidence.expected is not None
        assert evidence.expected.benign == pytest.approx(CALLERS.share(SURE) * 700, abs=1e-4)
        assert evidence.expected.low <= evidence.expected.benign <= evidence.expected.high

    def test_of_cells_as_many_as_a_week_of_the_calibration_holds(self) -> None:
        found = detection(GROUPS.level(0.02), detector="distributed_query", kind="bucket", subject="cell-01a")
        how = how_rare(found, CASE)
        assert how.share is not None
        assert how.expected is not None
        assert how.expected.benign == pytest.approx(how.share * CELLS * 7 / 2, abs=1e-4)

    @given(one=st.integers(3_001, 40_000), other=st.integers(3_001, 40_000))
    def test_more_evidence_is_expected_less_often_and_is_surer(self, one: int, other: int) -> None:
        low, high = (finding(strength) for strength in sorted((one, other)))
        assert low.evidence.expected is not None
        assert high.evidence.expected is not None
        assert high.evidence.expected.benign <= low.evidence.expected.benign
        assert high.confidence >= low.confidence or high.evidence.basis is not low.evidence.basis

    def test_what_ranks_can_tell_is_a_promise_and_what_they_cannot_an_estimate(self) -> None:
        assert CALLERS.share(SURE) * (PRINCIPALS + 1) >= 1
        assert finding().evidence.basis is Basis.PROMISE
        beyond = finding(CALLERS.level(0.5 / PRINCIPALS))
        assert beyond.evidence.basis is Basis.ESTIMATE
        assert beyond.evidence.share is not None

    def test_nothing_is_promised_for_another_version_or_other_traffic(self) -> None:
        assert finding(case=replace(CASE, sure=False)).evidence.basis is Basis.ESTIMATE

    def test_at_a_cold_start_nothing_is_expected(self) -> None:
        cold = replace(LINES[0], ranks=None, limit=100.0)
        case = replace(CASE, plan=replace(CASE.plan, lines=(cold,)))
        for evidence in (finding(case=case).evidence, finding_of(FOUND, COLD, caller_facts(()), None).evidence):
            assert (evidence.basis, evidence.share, evidence.expected) == (Basis.COLD_START, None, None)
            assert (evidence.above, evidence.of) == (0, 0)

    def test_confidence_follows_from_basis_and_share(self) -> None:
        how = how_rare(detection(), CASE)
        assert how.share is not None
        assert how.confidence(0.99) == pytest.approx(1 - 10 * how.share, abs=0.005)
        assert replace(how, share=1e-6).confidence(0.99) == 0.99
        assert replace(how, share=1e-6, basis=Basis.ESTIMATE).confidence(0.99) == 0.9
        assert replace(how, share=0.2).confidence(0.99) == 0
        assert replace(how, share=None, basis=Basis.COLD_START).confidence(0.99) == 0.5
        assert how.confidence(0.3) == 0.3


class TestEvidence:
    def test_it_says_what_it_is_ranked_among_and_at_which_age(self) -> None:
        evidence = finding().evidence
        assert (evidence.value, evidence.age, evidence.of, evidence.above) == (250.0, 5, PRINCIPALS, 0)
        assert finding(value=150.0).evidence.above == PRINCIPALS - 150

    def test_the_threshold_is_what_it_alone_would_need_and_never_above_the_value(self) -> None:
        level = CASE.plan.levels[Subject.PRINCIPAL]
        assert finding(value=10**6).evidence.threshold == LINES[0].needed(level, 5)
        assert finding(value=150.0).evidence.threshold == 150.0

    def test_what_others_said_of_the_same_caller_stands_beside(self) -> None:
        beside = finding(beside=(SaidBeside("iterative_query", 70.0, 4_000),)).evidence.beside
        statistic = event_detectors()["iterative_query"].statistic
        assert beside == (Said("iterative_query", statistic, 70.0, pytest.approx(np.exp(-4.0))),)

    def test_it_survives_json(self) -> None:
        one = finding(beside=(SaidBeside("iterative_query", 70.0, 4_000),))
        assert Finding.from_dict(one.to_dict()) == one


class TestNotify:
    def test_somebody_is_told_at_once_of_what_is_within_the_budget(self) -> None:
        assert finding().evidence.expected.benign > 2.0  # type: ignore[union-attr]
        assert not finding().notify
        assert finding(budget=AlertBudget(per_week=50.0)).notify
        assert finding(40_000).notify

    def test_a_budget_may_be_a_share_of_benign_callers(self) -> None:
        assert finding(budget=AlertBudget(bound=0.021)).notify
        assert not finding(budget=AlertBudget(bound=0.001)).notify

    def test_a_cold_start_is_told_always(self) -> None:
        assert finding_of(FOUND, COLD, caller_facts(()), None).notify


def test_the_rarest_comes_first() -> None:
    ones = [replace(finding(strength), severity=finding().severity) for strength in (SURE, 20_000, SURE + 1_000)]
    told = [one.evidence.expected.benign for one in by_rarity(ones) if one.evidence.expected]
    assert told == sorted(told)
    assert len(told) == 3
