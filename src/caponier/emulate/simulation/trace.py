"""One attack as inference events, without a server: the same rows that the server would have logged, in no time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from caponier.emulate.attack import Attack
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.campaign import Campaign, CampaignOutcome, CampaignStage
from caponier.emulate.event_log import Answers, Deployment, events, micros
from caponier.emulate.images import CLASSES, FEATURES, Images
from caponier.emulate.outcome import AttackOutcome

EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday; simulated days begin here unless told otherwise."""
DEPLOYMENT = Deployment()


Disguise: TypeAlias = Callable[[Sequence[Predict]], Predict]
"""Makes one way to ask of the attacker's accounts; see `emulate.attacks.disguises`."""


@dataclass(frozen=True, eq=False)
class Trace:
    """An attack's outcome, and the events that it left, in order."""

    outcome: AttackOutcome
    events: pa.Table


@dataclass(frozen=True, eq=False)
class CampaignTrace:
    """A campaign's outcome, and the events that it left, in order."""

    outcome: CampaignOutcome
    events: pa.Table


class _Tape:
    """Passes queries on and remembers them with their answers and who asked."""

    def __init__(self, predict: Predict) -> None:
        self._predict = predict
        self.rows: list[Images] = []
        self.scores: list[Images] = []
        self.accounts: list[int] = []

    def account(self, number: int) -> Predict:
        """Return the way in which one account asks."""
        return partial(self._ask, number)

    def way(self, accounts: int, disguise: Disguise | None) -> Predict:
        """Return the way in which all accounts ask together; without a disguise the first one asks alone."""
        ways = [self.account(number) for number in range(accounts)]
        return ways[0] if disguise is None else disguise(ways)

    def _ask(self, account: int, rows: Images) -> Images:
        scores = self._predict(rows)
        # An attack may work on in the same memory.
        self.rows.append(rows.copy())
        self.scores.append(scores)
        self.accounts.append(account)
        return scores


def trace(
    attack: Attack,
    predict: Predict,
    original: Images,
    label: int,
    *,
    seed: int,
    principal: str | None = None,
    budget: int | None = None,
    start: Images | None = None,
    accounts: int = 1,
    disguise: Disguise | None = None,
    begin: datetime = EPOCH,
    gap_s: float = 0.2,
    deployment: Deployment = DEPLOYMENT,
) -> Trace:
    """Carry out an attack in process and return it with its events.

    Args:
        attack: What to do.
        predict: The victim, images (n, 64) to scores (n, 10).
        original: Image under attack, shape (64,).
        label: Its true class.
        seed: Fixes queries and times.
        principal: Who attacks; the attack's name and seed by default. Several accounts are numbered.
        budget: Most queries; the attack's own by default.
        start: Image (64,) to start from; what the attack finds for itself by default.
        accounts: How many accounts the attacker has.
        disguise: How it uses them; only the first one by default. What a disguise sends besides is in the events, and
            not in the outcome.
        begin: Time of the first query.
        gap_s: Mean gap between queries.
        deployment: Names that the events carry.
    """
    tape, names = _Tape(predict), _names(principal or f"{attack.name}-{seed}", accounts)
    outcome = attack.run(tape.way(accounts, disguise), original, label, seed=seed, budget=budget, start=start)
    return Trace(outcome, _logged(tape, names, seed, begin, gap_s, deployment))


def trace_campaign(
    campaign: Campaign,
    stage: CampaignStage,
    *,
    seed: int,
    principal: str | None = None,
    budget: int | None = None,
    accounts: int = 1,
    disguise: Disguise | None = None,
    begin: datetime = EPOCH,
    gap_s: float | None = None,
    deployment: Deployment = DEPLOYMENT,
) -> CampaignTrace:
    """Carry out a campaign in process on its stage's own victim, and return it with its events.

    Args:
        campaign: What to do.
        stage: From the campaign's `stage`.
        seed: Fixes queries and times.
        principal: Who attacks; the campaign's name and seed by default. Several accounts are numbered.
        budget: Most queries; the campaign's own by default.
        accounts: How many accounts the attacker has.
        disguise: How it uses them, as in `trace`.
        begin: Time of the first query.
        gap_s: Mean gap between queries; the campaign's own by default.
        deployment: Names that the events carry.
    """
    tape, names = _Tape(stage.victim.predict_proba), _names(principal or f"{campaign.name}-{seed}", accounts)
    outcome = campaign.run(tape.way(accounts, disguise), stage, seed=seed, budget=budget)
    gap = campaign.gap_s if gap_s is None else gap_s
    return CampaignTrace(outcome, _logged(tape, names, seed, begin, gap, deployment))


def _names(who: str, accounts: int) -> list[str]:
    return [who] if accounts == 1 else [f"{who}-{number}" for number in range(accounts)]


def _logged(
    tape: _Tape, names: Sequence[str], seed: int, begin: datetime, gap_s: float, deployment: Deployment
) -> pa.Table:
    """Return the taped rows as events of the principals of these names, one for each account."""
    n, rng = len(tape.rows), np.random.default_rng(seed)
    answers = Answers(
        time=micros(begin) + np.cumsum(rng.exponential(gap_s * 1e6, n)).astype(np.int64),
        input=np.array(tape.rows, np.float32).reshape(n, FEATURES),
        scores=np.array(tape.scores, np.float32).reshape(n, CLASSES),
        principal=[names[account] for account in tape.accounts],
        request_id=[f"{names[account]}/{ordinal}" for ordinal, account in enumerate(tape.accounts)],
        source_ip=["203.0.113.7"] * n,
        latency_ms=rng.lognormal(0.7, 0.3, n),
    )
    return events(answers, deployment)
