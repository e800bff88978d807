"""Sources of feedback, honest and not, and answers that feedback is about."""

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.detect.answered import ANSWERS, REMEMBERED, answers_to
from caponier.detect.batch import EventBatch
from caponier.detect.detector import Params
from caponier.detect.events.feedback_dispute import LEAST, UNITS, detector
from caponier.detect.events.feedback_skew import detector as feedback_skew

CLASSES = 10
Told = tuple[int, int, int]
"""An input, an answer and what was sent back; 0 where there is none."""


def told(*sources: list[Told]) -> EventBatch:
    """Return events of (input, answer, feedback), 0 where there is none, ten seconds apart and more."""
    rows = np.array([event for line in sources for event in line], np.uint64).reshape(-1, 3)
    n = len(rows)
    return EventBatch(
        offsets=np.cumsum([0, *map(len, sources)]),
        time=np.arange(n) * 11_000_000,
        source=np.zeros(n, np.int32),
        seq=np.arange(n),
        query=np.zeros((n, 0), np.uint8),
        key=rows[:, 0],
        label=rows[:, 1],
        signals={"feedback": rows[:, 2]},
    )


def source(seed: int, wrong: float, n: int = 60, confirms: bool = False, form: str = "input") -> list[Told]:
    """Ask n times, and contradict a share of the answers, each in favour of any other.

    Args:
        seed: Of chance.
        wrong: Share.
        n: Questions.
        confirms: Whether the rest is confirmed, or let stand.
        form: What feedback comes with: the `input`, `nothing`, or all in `one` event.
    """
    rng, events = np.random.default_rng(seed), []
    for at in range(1, n + 1):
        answer = int(rng.integers(1, CLASSES + 1))
        said = 1 + (answer + int(rng.integers(CLASSES - 1))) % CLASSES if rng.random() < wrong else answer * confirms
        if form == "one":
            events.append((at, answer, said))
        else:
            events += [(at, answer, 0), *([(at * (form == "input"), 0, said)] if said else [])]
    return events


def honest(n: int = 60, form: str = "input") -> list[list[Told]]:
    return [source(seed, 0.02 + 0.002 * seed, n, seed % 2 == 0, form) for seed in range(40)]


@pytest.fixture(scope="module", params=["input", "nothing", "one"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def course(params: Params, events: list[Told]) -> NDArray[np.int64]:
    return detector.score(params, np.zeros(1, detector.state), told(events))[1]


class TestScores:
    def test_whoever_contradicts_most_answers_is_told_within_a_dozen_of_them(self, form: str) -> None:
        params = detector.fit(told(*honest(form=form)))
        scores = course(params, source(99, 0.9, form=form))
        assert int(np.argmax(scores > 2 * detector.floor)) < 30
        assert scores.max() > 5 * detector.floor

    def test_whoever_sends_corrections_alone_is_not(self, form: str) -> None:
        params = detector.fit(told(*honest(form=form)))
        others = [course(params, source(seed, 0.08, 300, form=form)).max() for seed in range(200, 220)]
        assert max(others) < 2 * detector.floor

    def test_wrong_in_all_directions_is_what_one_way_feedback_does_not_see(self) -> None:
        params, events = detector.fit(told(*honest())), source(99, 0.9)
        skew = feedback_skew.score({}, np.zeros(1, feedback_skew.state), told(events))[1]
        assert skew.max() < 2 * feedback_skew.floor < course(params, events).max()

    def test_one_way_feedback_is_seen_in_events_of_its_own(self) -> None:
        steered = [event for at in range(1, 40) for event in ((at, 1 + at % 5, 0), (at, 0, 9))]
        scores = feedback_skew.score({}, np.zeros(1, feedback_skew.state), told(steered))[1]
        assert scores.max() > 10 * feedback_skew.floor

    def test_where_benign_sources_contradict_everything_nothing_is_told(self) -> None:
        params = detector.fit(told(*(source(seed, 1.0) for seed in range(40))))
        assert course(params, source(99, 1.0)).max() == 0

    def test_feedback_that_is_sent_again_says_nothing_new(self) -> None:
        params = detector.fit(told(*honest()))
        assert course(params, [(7, 1, 0), *[(7, 0, 2)] * 50]).max() < detector.floor

    @pytest.mark.parametrize("cuts", [(1,), (2, 3), (40, 41, 90)])
    def test_it_is_the_same_however_the_stream_is_cut(self, cuts: tuple[int, ...], form: str) -> None:
        params, whole = detector.fit(told(*honest())), told(source(5, 0.5, 200, True, form))
        state, found = np.zeros(1, detector.state), []
        for begin, end in zip((0, *cuts), (*cuts, len(whole)), strict=True):
            state, scores = detector.score(params, state, whole.take(np.arange(begin, end)))
            found += scores.tolist()
        assert found == detector.score(params, np.zeros(1, detector.state), whole)[1].tolist()

    def test_it_says_how_strong_the_evidence_is(self) -> None:
        events = told([(1, 1, 2)]).with_signals({"score": np.array([20 * UNITS])})
        assert detector.explain({}, events).facts == {"evidence_bits": 20.0}


class TestLearning:
    def test_the_hardest_sources_say_what_is_possible(self) -> None:
        easy, hard = (detector.fit(told(*(source(s, wrong) for s in range(40)))) for wrong in (0.01, 0.3))
        assert easy["bits"].tolist() == np.rint(UNITS * np.log2([(1 + LEAST) / 2 / LEAST, 0.5])).tolist()
        assert hard["bits"][0] < easy["bits"][0]

    def test_nobody_teaches_nothing(self) -> None:
        assert detector.fit(told())["bits"].tolist() == detector.fit(told(source(1, 0.0)))["bits"].tolist()


class TestAnswers:
    def _about(self, *events: Told) -> list[int]:
        batch = told(list(events))
        return answers_to(np.zeros(1, ANSWERS), batch, batch.label == 0)[0].tolist()

    def test_feedback_is_about_the_last_answer_to_the_same_input(self) -> None:
        assert self._about((1, 5, 0), (2, 6, 0), (1, 7, 0), (1, 0, 9)) == [0, 0, 0, 7]

    def test_without_an_input_it_is_about_the_last_answer(self) -> None:
        assert self._about((1, 5, 0), (2, 6, 0), (0, 0, 9)) == [0, 0, 6]

    def test_an_answer_is_spoken_of_once(self) -> None:
        assert self._about((1, 5, 0), (1, 0, 9), (1, 0, 9), (0, 0, 9)) == [0, 5, 0, 0]

    def test_of_an_input_that_was_never_sent_nothing_is_known(self) -> None:
        assert self._about((1, 5, 0), (3, 0, 9)) == [0, 0]

    def test_others_answers_are_nobody_elses(self) -> None:
        batch = told([(1, 5, 0)], [(1, 0, 9)])
        assert answers_to(np.zeros(2, ANSWERS), batch, batch.label == 0)[0].tolist() == [0, 0]

    @pytest.mark.parametrize(("later", "known"), [(REMEMBERED - 1, 5), (REMEMBERED, 0)])
    def test_it_remembers_so_many(self, later: int, known: int) -> None:
        assert self._about((1, 5, 0), *((2 + at, 6, 0) for at in range(later)), (1, 0, 9))[-1] == known

    def test_nobody_says_nothing(self) -> None:
        none = told()
        found, after = answers_to(np.zeros(0, ANSWERS), none, np.zeros(0, bool))
        assert len(found) == len(after) == 0
