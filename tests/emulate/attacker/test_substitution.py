from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from caponier.emulate.attacker.substitution import Substituted, substitute
from caponier.emulate.images import Images

SPAM = ["buy", "cheap", "pills", "now", "friend"]
BAD = {"buy", "cheap", "pills"}


class Filter:
    """Calls a mail spam if half of its words or more are bad."""

    def __init__(self) -> None:
        self.asked: list[list[Any]] = []

    def __call__(self, words: list[Any]) -> Images:
        self.asked.append(words)
        share = sum(word in BAD for word in words) / len(words)
        return np.array([1 - share, share], np.float32)


def search(filter_: Filter, seed: int = 0, budget: int = 100, most: int = 5, **given: Any) -> Substituted:
    choices = given.get("choices", lambda _: ["hello", "meeting"])
    return substitute(filter_, SPAM, choices, 1, rng=np.random.default_rng(seed), budget=budget, most=most)


@pytest.mark.parametrize("seed", range(5))
def test_it_ends_as_soon_as_the_model_gets_it_wrong(seed: int) -> None:
    filter_ = Filter()
    done = search(filter_, seed)
    assert done.success
    assert filter_(done.row).argmax() == 0
    assert done.queries == len(filter_.asked) - 1
    assert done.changed == sum(a != b for a, b in zip(done.row, SPAM, strict=True)) > 0


def test_what_does_not_help_is_not_kept() -> None:
    done = search(Filter(), choices=lambda place: ["pills"] if place == 4 else ["friend"])
    assert done.row[4] == "friend"


def test_each_query_changes_one_place_of_what_was_kept() -> None:
    filter_ = Filter()
    search(filter_)
    for before, after in zip(filter_.asked, filter_.asked[1:], strict=False):
        assert sum(a != b for a, b in zip(before, after, strict=True)) <= 2


def test_it_keeps_to_its_budget() -> None:
    filter_ = Filter()
    done = search(filter_, budget=2, choices=lambda _: ["cheap", "pills", "buy"])
    assert not done.success
    assert done.queries == len(filter_.asked) == 2


def test_it_changes_no_more_than_it_may() -> None:
    class Stubborn(Filter):
        def __call__(self, words: list[Any]) -> Images:
            share = super().__call__(words)[1]
            return np.array([0.1, 0.5 + share / 2], np.float32)

    done = search(Stubborn(), most=2)
    assert not done.success
    assert done.changed <= 2


def test_without_a_choice_nothing_is_asked_but_the_original() -> None:
    empty: Sequence[Any] = []
    done = search(Filter(), choices=lambda _: empty)
    assert (done.queries, done.changed, done.success) == (1, 0, False)


def test_what_is_there_already_costs_no_query() -> None:
    filter_ = Filter()
    search(filter_, choices=lambda place: [SPAM[place]])
    assert len(filter_.asked) == 1
