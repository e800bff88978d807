"""Detectors that cannot tell attackers on a model are off on it, and only those; what cannot be tried is said."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest

from app.planting.own_logs import CALLERS, EACH, answer, inputs, table, written
from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.app.planting import self_test
from caponier.app.planting.self_test import SelfTest, _Tried, off_of
from caponier.app.planting.validate_log import attacked
from caponier.detect.batch import EventBatch
from caponier.detect.calibration.baseline import Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.calibration.judging import Gathered
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import EventDetector, Params, Scores, State, Subject
from caponier.detect.registry import event_detectors
from caponier.engines.spool import SEPARATOR
from caponier.errors import MissingExtraError
from caponier.records.inventory import FeatureSpec
from laws.bad_detectors import Counter

ATTACKS = ("nes",)
"""Carried out for real; a test does with one kind."""


class Growing(Counter):
    """Counts queries beyond the fortieth: nobody else has any, and what nobody has does not come with age."""

    name = "growing"
    emulations = ATTACKS
    cap = 10**9

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        after, scores = super().score(params, state, batch)
        return after, np.maximum(scores - 40, 0)


class Guessing(Counter):
    """Scores queries by anything but what they are after."""

    name = "guessing"
    emulations = ATTACKS

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        after, _ = super().score(params, state, batch)
        return after, batch.query.astype(np.int64).sum(axis=1) % 50


class Tolerant(Guessing):
    """The same, but what benign callers reach counts for nothing."""

    name = "tolerant"
    floor = 100


class Elsewhere(Guessing):
    """The same, but made for attacks that were not planted."""

    name = "elsewhere"
    emulations = ("hop_skip_jump",)


class Crowd(Guessing):
    """The same, of cells."""

    name = "crowd"
    subject = Subject.BUCKET


@contextmanager
def one_kind() -> Iterator[None]:
    """Let one kind of attackers be all that there are."""

    def fewer(log, copy, effort, watch):  # type: ignore[no-untyped-def]
        return attacked(log, copy, replace(effort, only=ATTACKS), watch)

    with patch.object(self_test, "attacked", fewer):
        yield


def built(folder: Path, events: pa.Table, *detectors: EventDetector, **how: object) -> BaselineReport:
    with one_kind():
        file = written(folder, events)
        return build_baseline([file], detectors=detectors, self_test=SelfTest(detectors), **how)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> BaselineReport:
    detectors = [Growing(), Guessing(), Tolerant(), Elsewhere(), Crowd(), event_detectors()["iterative_query"]]
    return built(tmp_path_factory.mktemp("tested"), table(50, 25), *detectors)


@pytest.fixture(scope="module")
def section(report: BaselineReport) -> ModelBaseline:
    return report.baseline.models[0]


class TestTold:
    def test_off_is_only_who_cannot_tell_its_own_attackers(self, section: ModelBaseline) -> None:
        assert section.tested
        assert {name for name, one in section.detectors.items() if one.off} == {"guessing"}

    def test_the_reason_says_which_attacks_and_what_both_reach(self, section: ModelBaseline) -> None:
        why = section.detectors["guessing"].off
        assert why is not None
        assert why.startswith("cannot tell emulated attackers (nes) from benign callers of this model: after ")
        assert "queries the median attacker scores " in why
        assert "one benign caller in a hundred" in why

    def test_nobody_else_says_otherwise_for_that(self, report: BaselineReport) -> None:
        assert not any("self-test" in note for note in report.notes)

    def test_whoever_is_off_counts_in_nobodys_evidence(self, report: BaselineReport, tmp_path: Path) -> None:
        """Callers whom only the blind detectors hear are as calm as if those were not there."""
        (section,) = report.baseline.models
        deaf = {"guessing", "crowd"}
        seeing = [event_detectors()["iterative_query"], Growing(), Tolerant(), Elsewhere()]
        alone = build_baseline([written(tmp_path, table(50, 25))], detectors=seeing).baseline.models[0]
        assert section.detectors.keys() - deaf == alone.detectors.keys()
        own, other = section.tails[Subject.PRINCIPAL], alone.tails[Subject.PRINCIPAL]
        assert np.array_equal(own.evidence, other.evidence)

    def test_it_survives_the_file(self, report: BaselineReport, tmp_path: Path) -> None:
        (tmp_path / "b").write_bytes(report.baseline.to_bytes())
        (again,) = Baseline.load(tmp_path / "b").models
        assert again.tested
        (before,) = report.baseline.models
        assert {name: one.off for name, one in again.detectors.items()} == {
            name: one.off for name, one in before.detectors.items()
        }

    def test_a_scan_does_without_who_is_off(self, report: BaselineReport, tmp_path: Path) -> None:
        """What one that is on finds is found; one that is off is not even asked."""
        asked = inputs(600, 5)
        events = table(1, 600, input=list(asked), scores=list(answer(asked)), label=["stays"] * 600)
        found = scan_inference([written(tmp_path, events)], report.baseline, detectors=[Growing(), Guessing()]).findings
        assert {one.detector for one in found} == {"growing"}
        assert all(one.evidence.beside == () for one in found)


class TestNotRun:
    def said(self, report: BaselineReport) -> list[str]:
        (section,) = report.baseline.models
        assert not section.tested
        assert not any(one.off for one in section.detectors.values())
        return [note for note in report.notes if "self-test" in note]

    def test_on_texts_nothing_can_be_planted(self, tmp_path: Path) -> None:
        words = [f"please look at number {at} of the {at * 7 % 13} lists" for at in range(CALLERS * EACH)]
        events = table(input=None, input_raw=words)
        report = built(tmp_path, events, Growing(), spec=FeatureSpec(kind="text"))
        (said,) = self.said(report)
        assert said == "churn: self-test not run: attacks are planted on images and numbers, not on text inputs"

    def test_nor_on_categories(self, tmp_path: Path) -> None:
        spec = FeatureSpec(kind="categorical", shape=(3,), categories=(2,))
        (said,) = self.said(built(tmp_path, table(), Growing(), spec=spec))
        assert said.endswith("not on categorical inputs")

    def test_without_the_extra_it_is_said_what_to_install(self, tmp_path: Path) -> None:
        def missing() -> None:
            raise MissingExtraError("attacks need the extra emulate")

        with patch.object(self_test, "evasion", missing):
            (said,) = self.said(built(tmp_path, table(), Growing()))
        assert said.endswith("without the extra emulate: pip install 'caponier[emulate]'")

    @pytest.mark.parametrize("callers", [1, 4])
    def test_among_too_few_callers_nobody_is_planted(self, callers: int, tmp_path: Path) -> None:
        (said,) = self.said(built(tmp_path, table(callers, 30), Growing()))
        assert said.startswith("churn: self-test not run: ")
        assert "callers" in said

    def test_of_too_few_answers_no_copy_can_be_made(self, tmp_path: Path) -> None:
        (said,) = self.said(built(tmp_path, table(9, 1), Growing()))
        assert "a surrogate cannot learn from" in said

    def test_who_is_ranked_among_too_few_is_not_judged(self, tmp_path: Path) -> None:
        """Whether one benign caller in a hundred comes as high cannot be told of twenty."""
        report = built(tmp_path, table(20, 40), Growing(), Guessing())
        (section,) = report.baseline.models
        assert not any(one.off for one in section.detectors.values())


def test_without_a_self_test_nothing_is_said_of_one(tmp_path: Path) -> None:
    report = build_baseline([written(tmp_path, table())], detectors=[Growing()])
    assert not report.baseline.models[0].tested
    assert not any("self-test" in note for note in report.notes)


class TestOfAnyKind:
    """Who tells none of its own attackers is of use for others, if nobody else tells those."""

    @staticmethod
    def gathered(scores: dict[str, int]) -> Gathered:
        found, each = Gathered(), np.arange(len(scores))
        names = [f"principal{SEPARATOR}{name}" for name in scores]
        found.add(names, np.array(list(scores.values()), np.int64), np.ones(len(scores), np.int64), each)
        return found

    def tried(self, scores: dict[str, int], detector: EventDetector | None = None) -> _Tried:
        benign = self.gathered({f"user{at}": at for at in range(200)})
        lives, _ = benign.of(benign.names)
        learned = DetectorBaseline(1, {}, TailRanks.of(lives, 1))
        kinds = {who: who.rstrip("0123456789") for who in scores}
        return _Tried(detector or Guessing(), learned, self.gathered(scores), kinds)

    def off(self, *scores: dict[str, int]) -> dict[str, str]:
        return off_of([self.tried(each) for each in scores])

    def test_who_tells_none_of_its_own_is_off(self) -> None:
        assert set(self.off({"nes1": 100, "nes2": 90, "boundary1": 80})) == {"guessing"}

    def test_who_tells_another_kind_that_nobody_else_tells_is_on(self) -> None:
        assert self.off({"nes1": 100, "nes2": 90, "boundary1": 10**6}) == {}

    def test_a_kind_that_another_one_tells_is_no_reason(self) -> None:
        doubtful = self.tried({"nes1": 100, "boundary1": 10**6})
        for score, off in ((10**6, {"guessing"}), (80, set())):
            other = self.tried({"boundary1": score, "hop_skip_jump1": 10**6}, Elsewhere())
            assert set(off_of([doubtful, other])) == off

    def test_the_reason_names_its_own_kinds_alone(self) -> None:
        assert "(nes)" in self.off({"nes1": 100, "boundary1": 80, "flood1": 3})["guessing"]

    def test_whose_own_were_not_planted_is_not_tried(self) -> None:
        assert self.off({"boundary1": 80, "flood1": 3}) == {}
