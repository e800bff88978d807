"""Who calls the demo's model server: benign users and attackers, each in a process of their own.

The server answers in this process. Clients in the same process would share its interpreter lock with it, and ask
half as fast. Attackers draw from numpy's global generator, so that they also need a process without anybody else.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context

from threadpoolctl import threadpool_limits

from caponier.emulate.attacker.black_box import evasion
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.campaign import CampaignOutcome, CampaignStage
from caponier.emulate.images import Images, Labels
from caponier.emulate.outcome import AttackOutcome, Stop
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.population import Member, Population, Visit, drive
from caponier.emulate.victims.client import RemoteModel

CALLERS = 2
"""Users who ask at a time; more of them only wait for each other."""


@dataclass(frozen=True)
class Endpoint:
    """Where a model is asked."""

    url: str
    model: str

    def enter(self, key: str) -> RemoteModel:
        """Open a connection with a key."""
        return RemoteModel(self.url, key, self.model)


@dataclass(frozen=True, eq=False)
class AttackJob:
    """What one attacker is up to.

    Args:
        key: The attacker's key.
        emulation: Name of the attack.
        images: What to attack, shape (m, 64): one after the other, until the model is fooled from near enough.
        labels: True classes, shape (m,).
        seed: Fixes every query.
        stage: What a campaign against the model as a whole goes by; None for an attack on images.
    """

    key: str
    emulation: str
    images: Images
    labels: Labels
    seed: int
    stage: CampaignStage | None = None


@dataclass(frozen=True, eq=False)
class AttackResult:
    """What came of a plot: the last attempt, and what all of them cost.

    Args:
        outcome: Of the last attempt.
        attempts: Images that were attacked.
        queries: Answered requests over all attempts.
        began: Answered requests before the last attempt.
    """

    outcome: AttackOutcome | CampaignOutcome
    attempts: int
    queries: int
    began: int


@dataclass(frozen=True)
class RetryResult:
    """What came of asking a model again with one key."""

    asked: int
    answered: int


@dataclass(frozen=True)
class ClientPool:
    """The two processes."""

    _users: ProcessPoolExecutor
    _attackers: ProcessPoolExecutor
    _warmed: Future[None]

    def await_attackers(self) -> None:
        """Wait until attackers can begin at once, so that they do not come when everybody else has gone."""
        self._warmed.result()

    def visits(self, members: Sequence[Member], door: Endpoint, queries: int) -> Future[tuple[Visit, ...]]:
        """Let benign users ask for so many different rows each."""
        return self._users.submit(_visit, tuple(members), door, queries)

    def attack(self, jobs: Sequence[AttackJob], door: Endpoint) -> Future[list[AttackResult]]:
        """Let attackers attack, one after the other."""
        return self._attackers.submit(_attack_all, tuple(jobs), door)

    def retry(self, jobs: Sequence[AttackJob], door: Endpoint, images: Images) -> Future[list[RetryResult]]:
        """Let the keys of attackers ask for images, one a request."""
        return self._attackers.submit(_retry_all, tuple(jobs), door, images)


@contextmanager
def client_pool() -> Iterator[ClientPool]:
    """Start the processes, and end them when the block is left."""
    context = get_context("spawn")
    with ProcessPoolExecutor(1, context) as users, ProcessPoolExecutor(1, context) as attackers:
        # Importing the attacks takes a second, which passes while the victim is trained.
        warmed = attackers.submit(_warm)
        try:
            yield ClientPool(users, attackers, warmed)
        except BaseException:
            for pool in (users, attackers):
                pool.shutdown(wait=False, cancel_futures=True)
            raise


def _warm() -> None:
    # For good: this process does nothing else, and its matrices are small.
    threadpool_limits(1, user_api="blas")
    evasion()
    for known in (attacks, campaigns):
        known()


def unseen(rows: Images) -> Images:
    """Stand where an attack expects the model itself: an attacker can only ask for it."""
    raise RuntimeError("an attacker has no model at hand")


def _visit(members: tuple[Member, ...], door: Endpoint, queries: int) -> tuple[Visit, ...]:
    return drive(Population(members), partial(_enter, door), queries, workers=CALLERS)


def _enter(door: Endpoint, member: Member) -> RemoteModel:
    return door.enter(member.principal)


def _attack_all(jobs: tuple[AttackJob, ...], door: Endpoint) -> list[AttackResult]:
    return [_attacked(job, door) for job in jobs]


def _retry_all(jobs: tuple[AttackJob, ...], door: Endpoint, images: Images) -> list[RetryResult]:
    return [_retried(job, door, images) for job in jobs]


def _retried(job: AttackJob, door: Endpoint, images: Images) -> RetryResult:
    answered = 0
    with door.enter(job.key) as remote:
        for image in images:
            try:
                remote.predict_proba(image[None])
                answered += 1
            except RefusedError:
                continue
    return RetryResult(len(images), answered)


def _attacked(job: AttackJob, door: Endpoint) -> AttackResult:
    if job.stage is not None:
        with door.enter(job.key) as remote:
            copied = campaigns.one(job.emulation).run(remote.predict_proba, job.stage, seed=job.seed)
            return AttackResult(copied, 1, remote.requests, 0)
    with door.enter(job.key) as remote:
        began = 0
        for attempt, (image, label) in enumerate(zip(job.images, job.labels, strict=True), 1):
            began = remote.requests
            outcome = attacks.one(job.emulation).run(
                remote.predict_proba, image, int(label), seed=job.seed * 1_000 + attempt
            )
            if outcome.success or outcome.stop is Stop.REFUSED:
                break
        return AttackResult(outcome, attempt, remote.requests, began)
