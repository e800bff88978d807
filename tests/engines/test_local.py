from collections.abc import Iterator
from dataclasses import replace
from threading import Lock

import numpy as np
import pytest

from caponier.detect.calibration.ages import AGES
from caponier.detect.calibration.judging import Gathered
from caponier.detect.registry import event_detectors
from caponier.engines.local import gather, joined, sample, scan, suspicion
from caponier.engines.plan import CalibratedDetector, Plan
from caponier.engines.shares import EVERYBODY, Share, bucket_of
from caponier.engines.spool import Spool
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from engines.logs import SECOND, START, filled, rows
from laws.bad_detectors import Counter

ENCODER = Encoder.fit(FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0), np.zeros((1, 2), np.float32))
BARE = Plan("m", ENCODER, ())
COUNTING = Plan("m", ENCODER, (CalibratedDetector(Counter(), {}, 2.0),), span=40 * SECOND)


@pytest.fixture
def spool() -> Iterator[Spool]:
    """Ten users of twelve queries each, all mixed."""
    with Spool() as opened:
        yield filled(opened, rows(120, principal=lambda i: f"p{i % 10}", label=lambda i: "ab"[i % 2]))


class TestScan:
    def test_the_first_score_above_the_limit_is_a_detection_once_a_span(self, spool: Spool) -> None:
        found = [one for one in scan(spool, [COUNTING]).detections if one.subject == "p3"]
        assert [(one.queries, one.value) for one in found] == [(3, 3.0), (7, 7.0), (11, 11.0)]
        assert [one.trigger for one in found] == [(0, 23), (0, 63), (0, 103)]
        assert found[0].kind == "principal"
        assert found[0].evidence == ((0, 23),)
        assert found[0].explanation.summary == "3 queries"

    def test_everything_is_counted(self, spool: Spool) -> None:
        result = scan(spool, [COUNTING])
        assert result.events == 120
        assert len(result.detections) == 30

    def test_no_plan_gives_nothing(self, spool: Spool) -> None:
        assert scan(spool, []).detections == []

    def test_a_plan_for_a_model_that_is_not_there_gives_nothing(self, spool: Spool) -> None:
        assert scan(spool, [Plan("other", ENCODER, COUNTING.lines)]).events == 0

    def test_detections_come_in_the_order_of_their_subjects(self, spool: Spool) -> None:
        order = [(one.subject, one.trigger) for one in scan(spool, [COUNTING], batch_rows=7).detections]
        assert order == sorted(order)

    @pytest.mark.parametrize("batch_rows", [1, 7, 1000])
    def test_the_size_of_batches_changes_nothing(self, batch_rows: int, spool: Spool) -> None:
        found = [(one.subject, one.trigger) for one in scan(spool, [COUNTING], batch_rows=batch_rows).detections]
        assert found == [(one.subject, one.trigger) for one in scan(spool, [COUNTING]).detections]

    def test_progress_adds_up(self, spool: Spool) -> None:
        told: list[int] = []
        scan(spool, [COUNTING], batch_rows=50, progress=told.append)
        assert sum(told) == 120
        assert len(told) > 1

    def test_duplicates_are_listed(self) -> None:
        with Spool() as spool:
            filled(spool, rows(3, time=START, input=lambda _: [1.0, 1.0]))
            assert scan(spool, [BARE]).duplicates == [(0, 2), (0, 3)]

    def test_names_of_addresses_are_readable(self) -> None:
        with Spool() as spool:
            filled(spool, rows(4, principal=None, source_ip="1.2.3.4", user_agent="curl"))
            (found,) = scan(spool, [COUNTING]).detections
            assert (found.kind, found.subject) == ("address", "1.2.3.4 curl")


class Locked(Counter):
    """Holds what no other process can have."""

    name = "locked"

    def __init__(self) -> None:
        self.lock = Lock()


@pytest.mark.slow
class TestProcesses:
    def plan(self) -> Plan:
        detector = event_detectors()["iterative_query"]
        return Plan("m", ENCODER, (CalibratedDetector(detector, detector.priors()[0], -1.0),), span=40 * SECOND)

    @pytest.mark.parametrize("detector", [Counter(), Locked()])
    def test_a_detector_that_no_process_could_look_up_runs_in_several_or_stays_here(
        self, detector: Counter, spool: Spool
    ) -> None:
        plan = replace(COUNTING, lines=(CalibratedDetector(detector, {}, 2.0),))
        assert plan.lines[0].travels is not isinstance(detector, Locked)
        assert scan(spool, [plan], workers=2).detections == scan(spool, [plan]).detections != []

    def test_several_find_what_one_finds_in_the_same_order(self, spool: Spool) -> None:
        one, three = (scan(spool, [self.plan()], workers=workers) for workers in (1, 3))
        assert one.events == three.events == 120
        assert len(one.detections) == 30
        assert [(d.subject, d.trigger, d.value) for d in one.detections] == [
            (d.subject, d.trigger, d.value) for d in three.detections
        ]

    def test_progress_of_processes_adds_up(self, spool: Spool) -> None:
        told: list[int] = []
        scan(spool, [self.plan()], workers=2, progress=told.append)
        assert sum(told) == 120

    def test_more_processes_than_subjects_is_no_error(self) -> None:
        with Spool() as spool:
            filled(spool, rows(3))
            assert scan(spool, [self.plan()], workers=3).events == 3


class TestGather:
    def gathered(self, spool: Spool, share: Share) -> Gathered:
        found = {"counter": Gathered()}
        gather(spool, COUNTING, share, found)
        return found["counter"]

    def test_every_subject_has_one_score_at_each_age(self, spool: Spool) -> None:
        gathered = self.gathered(spool, EVERYBODY)
        assert gathered.peaks() == {f"principal\x1fp{i}": 12.0 for i in range(10)}
        lives, _ = gathered.of(gathered.names)
        begun = AGES[lives.last]
        assert begun.tolist() == [12] * 10
        # A counter that counts queries reaches at the end of each step what the step is long.
        ends = np.append(AGES[1 : lives.x.shape[1]] - 1, 12)
        assert np.expm1(lives.x) == pytest.approx(np.tile(np.minimum(ends, 12), (10, 1)))

    def test_a_condition_shares_subjects_out(self, spool: Spool) -> None:
        shares = [self.gathered(spool, Share(1, 4, share, share + 1)).names for share in range(4)]
        assert sorted(name for names in shares for name in names) == sorted(self.gathered(spool, EVERYBODY).names)

    def test_progress_is_told(self, spool: Spool) -> None:
        told: list[int] = []
        gather(spool, COUNTING, EVERYBODY, {"counter": Gathered()}, told.append)
        assert sum(told) == 120

    def test_what_others_gathered_counts_like_ones_own(self, spool: Spool) -> None:
        joined = Gathered()
        for share in range(4):
            joined.absorb(self.gathered(spool, Share(1, 4, share, share + 1)))
        whole = self.gathered(spool, EVERYBODY)
        assert joined.peaks() == whole.peaks()
        names = sorted(whole.names)
        (ours, places), (theirs, others) = joined.of(names), whole.of(names)
        np.testing.assert_array_equal(ours.x, theirs.x)
        np.testing.assert_array_equal(ours.last, theirs.last)
        np.testing.assert_array_equal(places, others)


class TestSample:
    def test_everybody_is_taken_if_asked_for(self, spool: Spool) -> None:
        batch, names = sample(spool, BARE, 1.0, 100)
        assert len(batch) == 120
        assert sorted(names) == sorted(f"principal\x1fp{i}" for i in range(10))

    def test_a_loud_subject_counts_no_more_than_others(self, spool: Spool) -> None:
        with Spool() as uneven:
            filled(uneven, rows(1000, principal=lambda i: "loud" if i % 10 else f"p{i}"))
            batch, names = sample(uneven, BARE, 1.0, 20)
        loud = names.index("principal\x1floud")
        assert np.diff(batch.offsets)[loud] == 20
        assert len(batch) == 120

    def test_repeats_are_not_taken(self) -> None:
        with Spool() as spool:
            filled(spool, rows(50, input=lambda i: [float(i % 4), 0.0]))
            assert len(sample(spool, BARE, 1.0, 100)[0]) == 4

    def test_events_without_an_input_are_taken_besides(self) -> None:
        """How benign callers fail, and ask about a model, nothing else tells."""
        with Spool() as spool:
            filled(spool, rows(50, principal=lambda _: "p", input=lambda i: None if i % 2 else [float(i), 0.0]))
            batch, _ = sample(spool, BARE, 1.0, 20)
        assert batch.signals["unique"].sum() == 20
        assert (batch.key == 0).sum() == 10

    def test_a_small_share_is_enlarged_until_somebody_is_in_it(self, spool: Spool) -> None:
        _, names = sample(spool, BARE, 1e-9, 100)
        assert 1 <= len(names) <= 10

    def test_a_share_is_about_that(self) -> None:
        with Spool() as spool:
            filled(spool, rows(4000, principal=lambda i: f"p{i}"))
            _, names = sample(spool, BARE, 0.25, 100)
        assert 800 < len(names) < 1200

    def test_the_folds_of_a_small_share_are_even(self) -> None:
        with Spool() as spool:
            filled(spool, rows(6000, principal=lambda i: f"p{i}"))
            batch, names = sample(spool, BARE, 0.02, 100)
        folds = np.bincount([bucket_of(name) // 16 % 5 for name in names], minlength=5)
        assert len(batch) == len(names) > 60
        assert folds.min() > 0
        assert folds.max() < len(names) / 2

    def test_nobody_is_nobody(self) -> None:
        with Spool() as spool:
            filled(spool, rows(3, input=lambda _: [1.0]))
            batch, names = sample(spool, BARE, 0.5, 100)
        assert (len(batch), names, batch.query.shape) == (0, [], (0, 2))
        assert not batch.signals["unique"].size


def test_batches_are_laid_behind_each_other(spool: Spool) -> None:
    batch, _ = sample(spool, BARE, 1.0, 100)
    twice = joined([batch, batch], 2)
    assert (len(twice), twice.subjects) == (240, 20)
    assert twice.signals["squared"].tolist() == batch.signals["squared"].tolist() * 2


class TestSuspicion:
    @pytest.mark.parametrize("rows_a_batch", [7, 8192])
    def test_every_score_of_every_subject(
        self, rows_a_batch: int, spool: Spool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("caponier.engines.local.BATCH_ROWS", rows_a_batch)
        courses = suspicion(spool, COUNTING)
        assert [course.subject for course in courses] == [f"p{i}" for i in range(10)]
        assert courses[4].scores["counter"].tolist() == list(range(1, 13))
        assert courses[4].places.tolist() == [[0, 4 + 10 * i] for i in range(12)]

    def test_a_subject_that_comes_back_stands_there_again(self) -> None:
        with Spool() as spool:
            filled(spool, rows(2, time=lambda i: START + i * 40 * 86_400 * SECOND))
            assert [course.subject for course in suspicion(spool, COUNTING)] == ["p", "p"]
