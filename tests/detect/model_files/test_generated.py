"""Pickles from a grammar, and changed files, by seed: what fires its canary with its own loader is never called clean.

`python -m bench.machinery.hostile COUNT SEED` carries out as many as you like.
"""

import random
from pathlib import Path

import pytest
from bench.machinery.hostile.campaign import run, run_mutations
from bench.machinery.hostile.grammar import Grammar
from bench.machinery.hostile.mutations import KINDS, mutated

pytestmark = pytest.mark.slow


def test_no_generated_pickle_that_fires_its_canary_is_clean(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    outcome = run(40, 11, tmp_path)
    assert outcome.programs == 40
    assert outcome.fired >= 12
    assert outcome.clean_and_fired == []
    assert outcome.broken == []
    assert outcome.slowest < 5
    assert outcome.verdicts["clean"], "what fires nothing is not all refused"


def test_the_same_seed_gives_the_same_programs() -> None:
    first, second = (Grammar(5) for _ in range(2))
    assert [first.program("/c").content for _ in range(50)] == [second.program("/c").content for _ in range(50)]


def test_no_changed_file_that_fires_its_canary_is_clean(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    outcome = run_mutations(60, 3, tmp_path)
    assert outcome.programs == 60
    assert outcome.fired
    assert set(outcome.classes) == set(KINDS)
    assert outcome.clean_and_fired == []
    assert outcome.broken == []
    assert outcome.slowest < 5


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_changes(kind: str) -> None:
    first, second = (random.Random(5) for _ in range(2))
    some = [mutated(kind, first, "/canary").content for _ in range(20)]
    assert some == [mutated(kind, second, "/canary").content for _ in range(20)]
    assert len(set(some)) > 10
