"""One request and its answer on their way through the guard."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.guard.call import Call
from caponier.guard.verdict import PASS, GuardVerdict
from caponier.records.event import UNAUTHENTICATED
from caponier.telemetry.body_limits import LIMITS
from caponier.telemetry.client_address import sender_address

Header = tuple[bytes, bytes]

ARRIVED: Final = "caponier.arrived"
"""In the scope of a request: when it arrived, where it is played back; no caller can write into that."""
LARGE: Final = 64 * 1024
"""Bytes from which on a body is read in another thread."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, as far as the request says."""

    principal: str | None
    """Salted hash of the credential; None where there is not one that names the caller."""
    session: str | None
    source_ip: str | None
    possible: tuple[str, ...] = ()
    """Principals of what a model server may take for the credential, where it is unclear: it names nobody, but what is
    in force against one of them holds."""
    unproven: bool = False
    """Whether the principal is that of a token whose signature the model server alone can check."""
    proven: bool = False
    """Whether the guard itself, or a proxy that it trusts, has checked who that is."""

    @property
    def name(self) -> str | None:
        """What tells who asks, and is not another one with each query by his own will alone."""
        return self.principal or self.place

    @property
    def place(self) -> str | None:
        """What stands for whoever can send from the address, where nothing else tells who asks."""
        return None if self.source_ip is None else sender_address(self.source_ip)


@dataclass(frozen=True, eq=False, slots=True)
class ModelQuery:
    """What a request asks."""

    rows: NDArray[np.float64]
    """(n, d) examples."""
    shape: list[int]
    """Of one of them."""
    id: Any
    """As the caller names the request."""
    names: tuple[str, ...] = ()
    """Of its columns as they stand there, where nothing but these says which is which."""
    remarks: tuple[str, ...] = ()
    """How its columns differ from the model's."""
    turned: tuple[str, ...] = ()
    """Its columns as they stand there, where the model is known to have them in another order."""


@dataclass(slots=True)
class Exchange:
    """What is known of a request, and what was answered to it."""

    call: Call
    caller: Caller
    user_agent: str | None
    arrived: datetime
    headers: dict[bytes, bytes]
    """Of the request; those with the same name joined by commas, as RFC 9110 does."""
    repeated: bool = False
    """Whether several with the same name say, perhaps differently, how the body is to be read."""
    beside: bool = False
    """Whether rows may stand in the parameters of the path, beside those of the body."""
    unclear: bool = False
    """Whether the caller showed something, but not one credential that can be read: then no name that he gives himself
    counts."""
    body: bytes = b""
    room: int = 0
    """Bytes that are held for the body, where it is a large one."""
    verdict: GuardVerdict = PASS
    status: int = 0
    answer_headers: list[Header] = field(default_factory=list)
    answer: bytes = b""
    """What the model server said, whatever the caller got of it; empty if it is larger than the limit."""
    answer_too_large: bool = False
    query: ModelQuery | None = None
    """What it asks, where that was read before it went to the model."""
    unreadable: Exception | None = None
    """Why that cannot be read, where it was tried."""
    examples: int | None = None
    """How many it may ask about, where that was counted."""
    unread: str = ""
    """Why it was refused unread; empty if it was not."""
    kept: bool = False
    """Whether it is in the spool."""
    looked_at: Callable[[], object] | None = field(default=None, compare=False, repr=False)
    """Called, from any thread, once detection has looked at it; None where nobody waits for that."""
    is_urgent: bool = False
    """Whether detection is to hurry for it; not for one who is doubted: it would give way to nobody for him."""
    ended: float | None = field(default=None, compare=False)
    """When it was over, in seconds by `time.monotonic`, which nobody sets; None of one that was read from a spool."""
    took_ms: float = 0.0
    read_ms: float = 0.0
    """Of it, until the request had arrived."""
    own_ms: float = 0.0
    """Of it, what the guard itself took; with an application in the same process, what that took, too."""

    @property
    def stranger(self) -> bool:
        """Whether the caller may be anybody, whatever he calls himself.

        The model server turned him away; or he showed a token, and no query of his was answered: whoever writes down
        another's claims with any signature gets as far, and what he does is no evidence against the other.
        """
        proven = not self.caller.unproven or (self.call.asks and self.status // 100 == 2)
        return self.status in UNAUTHENTICATED or not proven

    @property
    def sender(self) -> str:
        """Among whom it is shared what many want at once."""
        return self.caller.place or ""

    @property
    def bulk(self) -> int:
        """Bytes to be read, at most; nobody knows before what is packed in a few."""
        return LIMITS.expanded if b"content-encoding" in self.headers else len(self.body)

    @property
    def is_large(self) -> bool:
        """Whether reading it takes so long that no other caller may wait for it."""
        return len(self.body) > LARGE or b"content-encoding" in self.headers

    @property
    def has_large_answer(self) -> bool:
        """Whether that holds of the answer."""
        packed = any(name.lower() == b"content-encoding" for name, _ in self.answer_headers)
        return len(self.answer) > LARGE or packed

    @property
    def size(self) -> int:
        """Bytes that are held in memory for it, roughly."""
        read = 0 if self.query is None else self.query.rows.nbytes
        return len(self.body) + len(self.answer) + read + 2_000
