"""The populations that the number on a finding is held against."""

import numpy as np
import pytest
from bench.scorecards.foreign import number_shown
from bench.scorecards.foreign.number_shown import WORLDS, Process, adding_up, population


@pytest.mark.parametrize("process", WORLDS.values())
def test_a_process_scores_every_query_and_never_below_nought(process: Process) -> None:
    scores = process(np.random.default_rng(1), np.array([3, 1, 40]))
    assert len(scores) == 44
    assert scores.min() >= 0


def test_each_caller_counts_from_nought() -> None:
    lengths = np.full(500, 4)
    counts = adding_up(np.random.default_rng(2), lengths).reshape(500, 4)
    assert set(counts[:, 0].tolist()) <= {0, 1}
    assert set(np.diff(counts, axis=1).ravel().tolist()) <= {0, 1}
    assert counts.max() > 1


def test_who_goes_on_for_longer_is_older() -> None:
    short, longer = (population(adding_up, 200, times, np.random.default_rng(3)) for times in (1.0, 5.0))
    assert np.median(longer.of(longer.names)[0].last) > np.median(short.of(short.names)[0].last) + 4


def test_the_figures_are_of_the_worst_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_shown, "FRESH", 200)
    monkeypatch.setattr(number_shown, "POPULATIONS", 10)
    monkeypatch.setattr(number_shown, "CALLERS", (40,))
    card = number_shown.run(quick=True)
    assert len(card.table) == 2 * len(number_shown.SHOWN)
    assert card.figures["within_three_times_share_of_worst"] == min(row["within_share"] for row in card.table)
    assert all(0 <= row["true_mean"] <= row["true_most"] <= 1 for row in card.table)
