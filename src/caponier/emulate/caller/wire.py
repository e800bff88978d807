"""What a caller has of a model server: it sends a request and gets an answer, and time passes meanwhile."""

from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import orjson

from caponier.emulate.caller.oracle import BudgetSpentError, RefusedError
from caponier.errors import InputError

REFUSALS: Final = (401, 403, 429)
"""Answers by which a server turns a caller away."""


@dataclass(frozen=True)
class Reply:
    """An answer of any kind, errors included."""

    status: int
    body: bytes

    @property
    def good(self) -> bool:
        """Whether the server did what was asked."""
        return self.status == 200

    def document(self) -> dict[str, Any]:
        """Return the body as a JSON object; empty if it is none."""
        try:
            read = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return read if isinstance(read, dict) else {}


class Wire(Protocol):
    """A line to a model server under one key, for one caller at a time."""

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send a request and return what came back, whatever its status."""
        ...

    def wait(self, seconds: float) -> None:
        """Let time pass; where time is the real one, a caller has better things to do."""
        ...


class Metered:
    """A wire that counts, keeps to a budget and a pace, and notices when the caller is turned away.

    Args:
        wire: Carries the requests.
        budget: Most requests that are sent.
        gap_s: Mean seconds between two of them.
        rng: Draws the gaps.

    Raises:
        InputError: If the budget is less than one request.
    """

    def __init__(self, wire: Wire, budget: int, gap_s: float, rng: np.random.Generator) -> None:
        if budget < 1:
            raise InputError("A probe needs a budget of at least one request")
        self.requests = 0
        self._wire, self._budget, self._gap_s, self._rng = wire, budget, gap_s, rng

    def send(self, method: str, path: str, body: bytes | None = None) -> Reply:
        """Send a request after a pause.

        Raises:
            BudgetSpentError: If no requests are left.
            RefusedError: If the server turns the caller away.
        """
        if self.requests >= self._budget:
            raise BudgetSpentError
        self._wire.wait(self._rng.exponential(self._gap_s))
        reply = self._wire.send(method, path, body)
        self.requests += 1
        if reply.status in REFUSALS:
            raise RefusedError(f"The server refused the request ({reply.status})", where=path)
        return reply

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._wire.wait(seconds)
