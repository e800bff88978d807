"""What every source keeps to, and what each is there for."""

from itertools import islice

import numpy as np
import pytest

from caponier.emulate.feedback.feedback_chaff import FeedbackChaff
from caponier.emulate.feedback.steered_feedback import TARGET
from caponier.emulate.feedback_source import SILENT, TOPIC, FeedbackRound, Source
from caponier.emulate.images import Labels
from caponier.emulate.registry import harmless_sources, sources
from caponier.emulate.victims.digits import DigitsSplit

EACH = pytest.mark.parametrize("source", sources().values(), ids=sources())
WRONG = 0.2


def met(
    source: Source, split: DigitsSplit, turns: int, seed: int = 0
) -> tuple[list[FeedbackRound], Labels, Labels, Labels]:
    """Return a source's turns, and over all of them the truth, the answers of a model that errs, and what was said."""
    rng = np.random.default_rng(seed)
    taken = list(islice(source.turns(split.test, rng), turns))
    truth = np.concatenate([turn.truth for turn in taken])
    answers = np.where(rng.random(len(truth)) < WRONG, rng.integers(0, 10, len(truth)), truth)
    cuts = np.cumsum([len(turn.truth) for turn in taken])[:-1]
    said = [source.says(turn, own, rng) for turn, own in zip(taken, np.split(answers, cuts), strict=True)]
    return taken, truth, answers, np.concatenate(said)


@EACH
def test_turns_are_images_with_what_they_show(source: Source, split: DigitsSplit) -> None:
    taken, _, _, said = met(source, split, 20)
    for turn in taken:
        assert turn.images.dtype == np.float32
        assert turn.images.shape == (len(turn.truth), 64)
        assert turn.images.min() >= 0
        assert turn.images.max() <= 1
    assert ((said >= SILENT) & (said < 10)).all()
    assert (said != SILENT).any()


@EACH
def test_a_seed_fixes_it(source: Source, split: DigitsSplit) -> None:
    one, other = met(source, split, 5, 3), met(source, split, 5, 3)
    assert all((a.images == b.images).all() for a, b in zip(one[0], other[0], strict=True))
    assert (one[3] == other[3]).all()


@pytest.mark.parametrize("name", sorted(set(harmless_sources()) - {"noisy_annotator"}))
def test_who_means_no_harm_tells_the_truth(name: str, split: DigitsSplit) -> None:
    _, truth, _, said = met(sources()[name], split, 60)
    assert ((said == truth) | (said == SILENT)).all()


def test_a_careless_annotator_is_mostly_right_and_wrong_in_every_direction(split: DigitsSplit) -> None:
    _, truth, _, said = met(sources()["noisy_annotator"], split, 300)
    wrong = (said != SILENT) & (said != truth)
    assert 0.1 < wrong.mean() < 0.3
    assert len(set(said[wrong].tolist())) == 10


@pytest.mark.parametrize("name", ["corrector", "specialist"])
def test_who_only_corrects_speaks_where_the_model_is_wrong(name: str, split: DigitsSplit) -> None:
    _, truth, answers, said = met(sources()[name], split, 60)
    assert ((said != SILENT) == (answers != truth)).all()


def test_a_specialist_has_one_digit(split: DigitsSplit) -> None:
    assert len(set(met(sources()["specialist"], split, 40)[1].tolist())) == 1


def test_a_trend_has_many_of_its_topic(split: DigitsSplit) -> None:
    assert (met(sources()["trend_follower"], split, 100)[1] == TOPIC).mean() > 0.3


def test_whoever_steers_says_one_thing_of_everything(split: DigitsSplit) -> None:
    _, truth, _, said = met(sources()["steered_feedback"], split, 40)
    assert (said == TARGET).all()
    assert len(set(truth.tolist())) == 10


def test_chaff_is_mutants_of_a_few_originals_with_any_label(split: DigitsSplit) -> None:
    taken, _, _, said = met(FeedbackChaff(originals=2), split, 20)
    rows = np.concatenate([turn.images for turn in taken])
    apart = np.linalg.norm(rows[:, None] - rows[None], axis=2)
    first = apart[0] < 1.5
    assert 0.2 < first.mean() < 0.8
    assert apart[first][:, first].max() < 1.9
    assert apart[~first][:, ~first].max() < 1.9
    assert len(set(said.tolist())) == 10
    assert not any(turn.asked for turn in taken)


def test_views_of_one_picture_come_together_and_differ(split: DigitsSplit) -> None:
    taken = met(sources()["augmenting_annotator"], split, 10)[0]
    for turn in taken:
        assert len(set(turn.truth.tolist())) == 1
        assert len(np.unique(turn.images, axis=0)) == len(turn.images)
