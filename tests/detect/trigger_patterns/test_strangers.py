"""Who is at home elsewhere, where labels lie unlike close together, and how much a handful of rows says."""

import numpy as np
import pytest

from caponier.detect.trigger_patterns.pattern import Pattern
from caponier.detect.trigger_patterns.strangers import Strangers, strangers

D = 6


def world(moved: int, spread: float) -> tuple[np.ndarray, np.ndarray, Pattern]:
    """Return a close label, a wide one, and rows of the wide one under the close one's label, with a cell set."""
    rng = np.random.default_rng(3)
    y = np.repeat([0, 1], 400)
    z = rng.normal(size=(800, D)) * np.where(y == 1, spread, 0.05)[:, None] + 20.0 * y[:, None]
    carriers = np.zeros(800, bool)
    carriers[400 : 400 + moved] = True
    z[carriers, 0] = 99.0
    fixed = np.arange(D) == 0
    return z, np.where(carriers, 0, y), Pattern(0, carriers, np.where(fixed, 99.0, 0.0), fixed, np.inf, 0.0)


def test_rows_of_a_wide_label_are_at_home_among_their_like() -> None:
    z, y, pattern = world(80, 3.0)
    together, apart = (strangers(z, y, pattern, by_label=by_label) for by_label in (False, True))
    assert apart.share > 0.6
    assert apart.share > together.share + 0.1
    assert apart.usual == together.usual == 0.0


def test_a_label_of_few_rows_does_not_say_what_is_near() -> None:
    z, y, pattern = world(80, 3.0)
    y = y.copy()
    y[-5:] = 2
    z[-5:] += 1_000 * np.arange(1, 6)[:, None]
    assert strangers(z, y, pattern, by_label=True).share > 0.6


@pytest.mark.parametrize(("moved", "sure"), [(80, True), (20, True), (3, False)])
def test_a_handful_of_rows_says_little(moved: int, sure: bool) -> None:
    z, y, pattern = world(moved, 0.05)
    rng = np.random.default_rng(1)
    # A tenth of the label's other rows are at home elsewhere, as where labels overlap.
    z[rng.permutation(400)[:40]] += 20.0
    seen = strangers(z, y, pattern, by_label=True)
    assert seen.share > 0.3
    assert (seen.odds > 4.0) == sure


def test_who_has_no_other_column_is_no_stranger() -> None:
    z, y, pattern = world(40, 1.0)
    whole = Pattern(0, pattern.rows, pattern.added, np.ones(D, bool), np.inf, 0.0)
    assert strangers(z, y, whole, by_label=True) == Strangers(0.0, 0.0, 0.0)


@pytest.mark.parametrize("by_rule", [True, False])
def test_carriers_of_a_rule_are_drawn_from_all_rows_and_those_of_a_trigger_from_other_labels(by_rule: bool) -> None:
    rng = np.random.default_rng(4)
    y = np.repeat([0, 1], 400)
    z = rng.normal(size=(800, D)) + 20.0 * y[:, None]
    carriers = np.zeros(800, bool)
    carriers[rng.permutation(800 if by_rule else np.arange(400, 800))[:80]] = True
    fixed = np.arange(D) == 0
    pattern = Pattern(0, carriers, np.where(fixed, 99.0, 0.0), fixed, np.inf, 0.0)
    z[carriers, 0] = 99.0
    assert (strangers(z, np.where(carriers, 0, y), pattern, by_label=True).by_rule > 3.0) == by_rule
