"""Laws of real runs: attacks, campaigns and users as they are, with their logs held against the model itself."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import Oracle, RefusedError
from caponier.emulate.campaign import Campaign, CampaignOutcome, CampaignStage
from caponier.emulate.images import Images
from caponier.emulate.outcome import AttackOutcome, Stop
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.simulation.trace import trace, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim

pytestmark = pytest.mark.slow

BUDGET = 130


@dataclass(frozen=True)
class Run:
    """One run with everything that is known of it."""

    name: str
    victim: Victim
    outcome: AttackOutcome | CampaignOutcome
    events: pa.Table
    attack: Attack | None
    stage: CampaignStage | None

    @property
    def rows(self) -> Images:
        return np.array(self.events["input"].to_pylist(), np.float32)


@pytest.fixture(scope="module")
def stages(split: DigitsSplit, victim: Victim) -> dict[str, CampaignStage]:
    return {name: campaign.stage(split, 2, victim) for name, campaign in campaigns().items()}


@pytest.fixture(scope="module", params=[*attacks(), *campaigns()])
def run(request: pytest.FixtureRequest, victim: Victim, targets: Pool, stages: dict[str, CampaignStage]) -> Run:
    name = request.param
    if name in campaigns():
        told = trace_campaign(campaigns()[name], stages[name], seed=2, budget=BUDGET)
        return Run(name, stages[name].victim, told.outcome, told.events, None, stages[name])
    image, label = targets.images[0], int(targets.labels[0])
    seen = trace(attacks()[name], victim.predict_proba, image, label, seed=2, budget=BUDGET)
    return Run(name, victim, seen.outcome, seen.events, attacks()[name], None)


def test_every_logged_answer_is_the_models_own_to_the_logged_input(run: Run) -> None:
    """An attack that goes on working in the memory it asked with must not rewrite its past."""
    scores = np.concatenate([run.victim.predict_proba(row[None]) for row in run.rows])
    assert np.array_equal(np.array(run.events["scores"].to_pylist(), np.float32), scores)
    assert run.events["label"].to_pylist() == [str(label) for label in scores.argmax(axis=1)]


def test_the_log_holds_what_the_outcome_counts(run: Run) -> None:
    assert len(run.events) == run.outcome.queries <= BUDGET
    assert len(np.unique(run.rows, axis=0)) == run.outcome.unique_queries
    assert len(set(run.events["request_id"].to_pylist())) == len(run.events)


def test_every_query_is_a_picture(run: Run) -> None:
    assert run.rows.shape == (len(run.events), 64)
    assert np.isfinite(run.rows).all()
    assert run.rows.min() >= 0
    assert run.rows.max() <= 1


def test_it_has_the_budget_used_up_or_an_end_of_its_own(run: Run) -> None:
    if run.outcome.stop is Stop.BUDGET:
        assert run.outcome.queries == BUDGET
    else:
        assert run.outcome.stop is Stop.FINISHED


def test_times_rise_and_events_are_numbered_in_that_order(run: Run) -> None:
    times = run.events["time"].cast(pa.int64()).to_numpy()
    assert (np.diff(times) >= 0).all()
    assert run.events["seq"].to_pylist() == list(range(len(times)))
    assert len(set(run.events["event_id"].to_pylist())) == len(times)


def test_an_attacks_success_is_an_image_that_the_model_gets_wrong(run: Run) -> None:
    """Judged again, from the log and the model alone."""
    outcome = run.outcome
    if not isinstance(outcome, AttackOutcome):
        return
    wrong = [
        row
        for row, label in zip(run.rows, run.events["label"].to_pylist(), strict=True)
        if int(label) != outcome.original_label and (outcome.within is None or outcome.within.holds(row - run.rows[0]))
    ]
    distances = [float(np.linalg.norm(row - outcome.original)) for row in wrong]
    if outcome.within is not None:
        assert outcome.success == bool(wrong)
    if not wrong:
        assert outcome.adversarial is None
        return
    answer = int(run.victim.answers(outcome.adversarial[None])[0])
    assert answer == outcome.adversarial_label != outcome.original_label
    assert outcome.final_distance == pytest.approx(min(distances))
    assert outcome.start_distance == pytest.approx(distances[0])
    assert np.array_equal(run.rows[outcome.first_query - 1], wrong[0])
    if outcome.within is None:
        assert outcome.first_distance is not None
        assert outcome.success == (outcome.final_distance <= outcome.first_distance / 2)


def test_a_campaigns_figures_are_finite_and_shares_are_shares(run: Run) -> None:
    if run.stage is None:
        return
    assert isinstance(run.outcome, CampaignOutcome)
    assert all(np.isfinite(value) for value in run.outcome.measure.values())
    for name in ("auc", "agreement", "agreement_of_natural", "answered"):
        assert 0 <= run.outcome.measure.get(name, 0.0) <= 1


@pytest.fixture(scope="module", params=campaigns())
def campaign(request: pytest.FixtureRequest) -> Campaign:
    return campaigns()[request.param]


def refusing_after(n: int, predict: Callable[[Images], Images]) -> Callable[[Images], Images]:
    left = iter(range(n))

    def answer(rows: Images) -> Images:
        if next(left, None) is None:
            raise RefusedError("too many requests")
        return predict(rows)

    return answer


@pytest.mark.parametrize("answered", [0, 1, 55])
def test_a_campaign_that_is_refused_counts_what_it_got_and_claims_no_more(
    campaign: Campaign, stages: dict[str, CampaignStage], answered: int
) -> None:
    stage = stages[campaign.name]
    cut = campaign.run(refusing_after(answered, stage.victim.predict_proba), stage, seed=1, budget=BUDGET)
    assert cut.stop is Stop.REFUSED
    assert cut.queries == answered
    spent = campaign.run(stage.victim.predict_proba, stage, seed=1, budget=answered) if answered else None
    if spent is not None:
        # With the very same answers it knows the very same, whatever ended it; but a flood that is cut off has failed.
        assert spent.measure.keys() == cut.measure.keys()
        if campaign.name != "flood":
            assert spent.measure == cut.measure
            assert spent.success == cut.success
    assert not cut.success or answered == 55


@pytest.mark.parametrize("answered", [0, 1, 40])
@pytest.mark.parametrize("name", attacks())
def test_an_attack_that_is_refused_counts_what_it_got(name: str, victim: Victim, targets: Pool, answered: int) -> None:
    predict = refusing_after(answered, victim.predict_proba)
    outcome = attacks()[name].run(predict, targets.images[1], int(targets.labels[1]), seed=1, budget=BUDGET)
    if outcome.stop is Stop.FINISHED:
        assert outcome.success
        assert outcome.queries <= answered
    else:
        assert outcome.stop is Stop.REFUSED
        assert outcome.queries == answered
        assert not outcome.success or answered == 40


def test_what_an_attacker_holds_no_model_has_seen_and_no_user_has(
    campaign: Campaign, stages: dict[str, CampaignStage], split: DigitsSplit
) -> None:
    stage = stages[campaign.name]
    learned = {image.tobytes() for image in stage.training.images}
    assert [image.tobytes() in learned for image in stage.held.images] == stage.member.tolist()
    users = {image.tobytes() for pool in (split.calibration, split.test) for image in pool.images}
    assert not users & {image.tobytes() for image in stage.held.images}
    assert not {image.tobytes() for image in stage.exam.images} & learned
    assert np.array_equal(stage.exam.labels, stage.victim.answers(stage.exam.images))


def test_a_stage_is_fixed_by_its_seed(
    campaign: Campaign, stages: dict[str, CampaignStage], split: DigitsSplit, victim: Victim
) -> None:
    one, again, other = stages[campaign.name], campaign.stage(split, 2, victim), campaign.stage(split, 3, victim)
    assert np.array_equal(one.held.images, again.held.images)
    assert np.array_equal(one.member, again.member)
    assert np.array_equal(
        one.victim.predict_proba(split.test.images[:50]), again.victim.predict_proba(split.test.images[:50])
    )
    # One who holds all that there is holds the same on every stage.
    if len(one.held) < len(split.attackers):
        assert not np.array_equal(one.held.images, other.held.images)


def test_a_seed_beyond_what_learning_libraries_take_is_one_all_the_same(
    campaign: Campaign, split: DigitsSplit, victim: Victim
) -> None:
    stage = campaign.stage(split, 2**32 + 5, victim)
    assert campaign.run(stage.victim.predict_proba, stage, seed=2**40 + 1, budget=55).queries == 55


def test_a_campaign_leaves_numpys_own_generator_alone(campaign: Campaign, stages: dict[str, CampaignStage]) -> None:
    stage = stages[campaign.name]
    np.random.seed(3)
    expected = np.random.random(4)
    np.random.seed(3)
    campaign.run(stage.victim.predict_proba, stage, seed=1, budget=60)
    assert np.array_equal(np.random.random(4), expected)


def test_a_campaign_changes_nothing_of_its_stage(campaign: Campaign, stages: dict[str, CampaignStage]) -> None:
    stage = stages[campaign.name]
    parts = (stage.held.images, stage.held.labels, stage.member, stage.exam.images, stage.training.images)
    before = [part.copy() for part in parts]
    campaign.run(stage.victim.predict_proba, stage, seed=1, budget=70)
    assert all(np.array_equal(part, kept) for part, kept in zip(parts, before, strict=True))


class Scribbler:
    """An attack that asks for two images from one and the same memory."""

    name, description, techniques, budget = "scribbler", "asks and scribbles over what it asked", (), 2

    def run(self, predict: Callable[[Images], Images], original: Images, label: int, **_: object) -> AttackOutcome:
        row = original[None].copy()
        oracle = Oracle(lambda _: predict(row), original, label, self.budget)
        oracle.answer(original)
        row[:] = 1
        oracle.answer(original)
        return oracle.outcome(self.name, self.techniques, Stop.FINISHED)


def test_what_was_asked_is_not_rewritten_by_what_is_asked_next(victim: Victim, targets: Pool) -> None:
    told = trace(Scribbler(), victim.predict_proba, targets.images[0], int(targets.labels[0]), seed=0)
    rows = np.array(told.events["input"].to_pylist(), np.float32)
    assert np.array_equal(rows[0], targets.images[0])
    assert (rows[1] == 1).all()


def test_what_users_logged_is_what_the_model_answered(pool: Images, victim: Victim) -> None:
    day = simulate(assemble(pool, 26, 4), victim.predict_proba, 20)
    rows = np.array(day["input"].to_pylist(), np.float32)
    assert np.allclose(np.array(day["scores"].to_pylist()), victim.predict_proba(rows), atol=1e-6)
    sizes = {
        key: sum(1 for other in day["request_id"].to_pylist() if other == key)
        for key in set(day["request_id"].to_pylist())
    }
    assert max(sizes.values()) <= 64
