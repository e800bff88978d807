"""Many benign users at once, each with a habit: over HTTP, or in process with simulated times."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import numpy as np
import pyarrow as pa

from caponier.emulate.benign_client import BenignClient, queries
from caponier.emulate.caller.oracle import Predict, RefusedError
from caponier.emulate.event_log import Answers, Deployment, Micros, events, micros
from caponier.emulate.images import Images
from caponier.emulate.registry import habits as known_habits
from caponier.emulate.simulation.trace import DEPLOYMENT, EPOCH

DAY_S = 86_400.0


@dataclass(frozen=True, eq=False)
class Member:
    """One benign user.

    Args:
        principal: Name that the user's events carry.
        habit: How the user asks.
        images: What the user has to photograph, shape (m, 64).
        seed: Fixes every request and gap.
    """

    principal: str
    habit: BenignClient
    images: Images
    seed: tuple[int, int]

    def requests(self, n_unique: int) -> Iterator[Images]:
        """Yield requests (k, 64) until `n_unique` different rows were asked."""
        return queries(self.habit, self.images, np.random.default_rng(self.seed), n_unique)

    def times(self, n: int, begin: datetime, span_s: float) -> Micros:
        """Return arrival times of `n` requests, shape (n,): rising, somewhere in the span, pressed into it if need be.

        Their generator is another than that of the requests, so that neither depends on how much of the other was
        drawn.
        """
        rng = np.random.default_rng((*self.seed, 1))
        gaps = self.habit.pace.gaps(n, rng)
        elapsed = np.cumsum(gaps) * min(1.0, span_s / gaps.sum())
        offset = rng.uniform(0, span_s - elapsed[-1]) if elapsed[-1] < span_s else 0.0
        arrival: Micros = micros(begin) + np.round((offset + elapsed) * 1e6).astype(np.int64)
        return arrival


@dataclass(frozen=True, eq=False)
class Population:
    """Benign users of one model."""

    members: tuple[Member, ...]


@dataclass(frozen=True)
class Visit:
    """What one user got from a server.

    Args:
        principal: Who asked.
        requests: Answered requests.
        rows: Answered rows.
        refused: Whether the server turned the user away before the end.
    """

    principal: str
    requests: int
    rows: int
    refused: bool


class Remote(Protocol):
    """A connection to a model server for one user."""

    def predict_proba(self, rows: Images) -> Images:
        """Ask for rows (n, 64); return scores (n, 10)."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


def assemble(images: Images, n: int, seed: int, habits: Mapping[str, BenignClient] | None = None) -> Population:
    """Make `n` users, one habit after the other.

    Args:
        images: What users have to photograph, shape (m, 64).
        n: Number of users.
        seed: Fixes them all.
        habits: Habits by name; all that there are by default.
    """
    chosen = list((known_habits() if habits is None else habits).values())
    turns = (chosen[ordinal % len(chosen)] for ordinal in range(n))
    return Population(
        tuple(
            Member(f"{habit.name}-{seed}-{ordinal:04d}", habit, images, (seed, ordinal))
            for ordinal, habit in enumerate(turns)
        )
    )


def simulate(
    population: Population,
    predict: Predict,
    n_unique: int,
    *,
    begin: datetime = EPOCH,
    span_s: float = DAY_S,
    deployment: Deployment = DEPLOYMENT,
) -> pa.Table:
    """Let everybody ask in process, and return the events in order of time.

    Args:
        population: Who asks.
        predict: The model, images (n, 64) to scores (n, 10); it is asked once for everything.
        n_unique: Different rows that each user asks for.
        begin: When the first user may begin.
        span_s: Seconds within which everything happens.
        deployment: Names that the events carry.
    """
    asked = [list(member.requests(n_unique)) for member in population.members]
    rows = np.concatenate([row for requests in asked for row in requests])
    sizes = [np.array([len(request) for request in requests]) for requests in asked]
    rng = np.random.default_rng(len(rows))
    answers = Answers(
        time=np.concatenate(
            [
                member.times(len(size), begin, span_s).repeat(size)
                for member, size in zip(population.members, sizes, strict=True)
            ]
        ),
        input=rows,
        scores=predict(rows),
        principal=_each(population, sizes, lambda member, _: member.principal),
        request_id=_each(population, sizes, lambda member, request: f"{member.principal}/{request}"),
        source_ip=_each(population, sizes, lambda member, _: _address(member.seed[1])),
        latency_ms=rng.lognormal(0.7, 0.3, len(rows)),
    )
    return events(answers, deployment)


def drive(
    population: Population, connect: Callable[[Member], Remote], n_unique: int, workers: int = 4
) -> tuple[Visit, ...]:
    """Let everybody ask a server, some at a time.

    Args:
        population: Who asks.
        connect: Opens a user's connection; it is closed here.
        n_unique: Different rows that each user asks for.
        workers: Users at a time.

    Returns:
        What each user got, in the order of the population.
    """
    with ThreadPoolExecutor(workers) as pool:
        return tuple(pool.map(lambda member: _visit(member, connect(member), n_unique), population.members))


def _visit(member: Member, remote: Remote, n_unique: int) -> Visit:
    answered: list[int] = []
    try:
        for request in member.requests(n_unique):
            remote.predict_proba(request)
            answered.append(len(request))
    except RefusedError:
        return Visit(member.principal, len(answered), sum(answered), refused=True)
    finally:
        remote.close()
    return Visit(member.principal, len(answered), sum(answered), refused=False)


def _each(population: Population, sizes: list[Micros], text: Callable[[Member, int], str]) -> list[str]:
    """Return a text for every row, the same for all rows of a request."""
    return [
        text(member, request)
        for member, counts in zip(population.members, sizes, strict=True)
        for request, rows in enumerate(counts)
        for _ in range(rows)
    ]


def _address(ordinal: int) -> str:
    """Return a private address of the user's own."""
    return f"10.{ordinal >> 16 & 255}.{ordinal >> 8 & 255}.{ordinal & 255}"
