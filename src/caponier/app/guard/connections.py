"""Connections that hold on to what others need: too many of them, or ones that never finish a request."""

import fcntl
import resource
import sys
import termios
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from caponier.telemetry.client_address import sender_address

if TYPE_CHECKING:
    from asyncio import TimerHandle, Transport

RESERVED_FILES: Final = 256
"""Files beside the callers' connections: those to the model server, the lake, the store."""


MOST_JOINED: Final = 64 * 1024
"""Bytes of an answer that are copied to leave together with its head."""
HELD_S: Final = 0.02
"""For so long a head waits for them at most: what comes as a stream may have none for minutes."""


class OpenConnection(Protocol):
    """A connection that may have to make room."""

    @property
    def is_idle(self) -> bool:
        """Whether no whole request is under way on it: none at all, or one whose body or answer comes to no end."""

    def make_room(self) -> None:
        """End it."""


class ConnectionLimits:
    """How many connections there may be, in all and from one address.

    Args:
        most: In all.
        per_address: From an address that is no trusted proxy.
        header_s: Seconds in which the head of a request has to be there.
        answer_s: Seconds in which a caller has to take some more of an answer that waits for him.
        is_proxy: Tells whether an address is one of ours, behind which many callers are.
        refused: Told of each connection that was closed, and why.
    """

    def __init__(
        self,
        most: int,
        per_address: int,
        header_s: float,
        answer_s: float,
        is_proxy: Callable[[str], bool],
        refused: Callable[[str], None],
    ) -> None:
        self.header_s, self.answer_s = header_s, answer_s
        self._most, self._per_address = most, per_address
        self._is_proxy, self.refused = is_proxy, refused
        self._from: Counter[str] = Counter()
        self._all = 0
        self._held: dict[str, dict[OpenConnection, None]] = {}
        """Connections from addresses that are no proxies of ours, the oldest first."""

    def take(self, address: str, connection: OpenConnection | None = None) -> bool:
        """Count a connection; False if it is one too many, and is not counted.

        Where there are too many in all, whoever has the most makes room for one who has fewer.
        """
        who, proxy = sender_address(address), self._is_proxy(address)
        alone = self._from[who] >= self._per_address and not proxy
        if alone or (self._all >= self._most and not self._has_made_room(who)):
            self.refused("too many from one address" if alone else "too many")
            return False
        self._from[who] += 1
        self._all += 1
        if connection is not None and not proxy:
            self._held.setdefault(who, {})[connection] = None
        return True

    def leave(self, address: str, connection: OpenConnection | None = None) -> None:
        """Count one less."""
        who = sender_address(address)
        self._from[who] -= 1
        self._all -= 1
        if self._from[who] <= 0:
            del self._from[who]
        held = self._held.get(who, {})
        if connection is not None and connection in held:
            del held[connection]
            if not held:
                del self._held[who]

    def _has_made_room(self, newcomer: str) -> bool:
        most = max(self._held, key=lambda who: len(self._held[who]), default=None)
        if most is None or len(self._held[most]) <= self._from[newcomer] + 1:
            return False
        idle = next((one for one in self._held[most] if one.is_idle), None)
        if idle is None:
            return False
        self.leave(most, idle)
        idle.make_room()
        self.refused("made room")
        return True


class _AnswerInOne:
    """A transport that lets the head of an answer leave together with what follows it.

    Each piece that is sent by itself is a call of the system, a packet, and a wait for the interpreter, which is let go
    of meanwhile. Whoever answers has the head and the first of the body at hand at once.

    Args:
        transport: Of the connection.
        begins: Tells whether what is written now may be the head of an answer.
        later: Has something done after some seconds, unless what it returns is cancelled.
    """

    def __init__(
        self, transport: Any, begins: Callable[[], bool], later: "Callable[[float, Callable[[], None]], TimerHandle]"
    ) -> None:
        self._transport, self._begins, self._later = transport, begins, later
        self._leaves: TimerHandle | None = None
        self._head = b""
        self._begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Send, but hold the head of an answer back until something else is written."""
        if not self._begun and self._begins():
            self._begun, self._head = True, data
            self._leaves = self._later(HELD_S, self._let_go)
            return
        head = self._taken()
        if head and len(data) > MOST_JOINED:
            # To copy it would take longer.
            self._transport.write(head)
            head = b""
        self._transport.write(head + data)

    def ended(self) -> None:
        """Send what is held back: the answer has ended."""
        self._begun = False
        self._let_go()

    def _let_go(self) -> None:
        if head := self._taken():
            self._transport.write(head)

    def _taken(self) -> bytes:
        if self._leaves is not None:
            self._leaves.cancel()
            self._leaves = None
        head, self._head = self._head, b""
        return head

    def close(self) -> None:
        """Close once everything is sent."""
        self.ended()
        self._transport.close()


class LimitedProtocol(H11Protocol):
    """One connection, within limits."""

    limits: ClassVar[ConnectionLimits]
    _address: str | None = None
    _waiting: Any = None
    _body_since: float | None = None
    """Since when the body of a request is awaited."""
    _full_since: float | None = None
    """Since when an answer waits until the caller takes it."""
    _unsent = 0
    """Bytes of it, when that was looked at last."""
    _taking: Any = None

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or close it at once."""
        address = str((transport.get_extra_info("peername") or ("",))[0])
        self._answers = _AnswerInOne(transport, self._begins_answer, self.loop.call_later)
        super().connection_made(cast("Transport", self._answers))
        if not self.limits.take(address, self):
            transport.abort()
            return
        self._address = address
        # Whoever is told of a full buffer is told as soon as something does not go out at once.
        transport.set_write_buffer_limits(high=0)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let go of it."""
        self._unwatch()
        self._taken()
        if self._address is not None:
            self.limits.leave(self._address, self)
            self._address = None
        super().connection_lost(exc)

    @property
    def is_idle(self) -> bool:
        """Whether no request is under way on it, or one whose body or answer takes longer than a head may."""
        if self._full_since is not None and self.loop.time() - self._full_since > self.limits.header_s:
            return True
        if self.conn.their_state is h11.SEND_BODY:
            return self._body_since is not None and self.loop.time() - self._body_since > self.limits.header_s
        return self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE

    def make_room(self) -> None:
        """End it; it is not counted any more."""
        self._address = None
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Go on, and see whether a request has begun or its head is still to come."""
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Go on with what came already of the next request."""
        self._answers.ended()
        super().on_response_complete()
        self._look()

    def pause_writing(self) -> None:
        """Wait until the caller takes what is sent to him, but not for ever."""
        super().pause_writing()
        self._full_since = self.loop.time()
        self._await_taking()

    def resume_writing(self) -> None:
        """Go on."""
        self._taken()
        super().resume_writing()

    def _await_taking(self) -> None:
        self._unsent = self._not_taken()
        self._taking = self.loop.call_later(self.limits.answer_s, self._see_taking)

    def _see_taking(self) -> None:
        if self._not_taken() < self._unsent:
            self._await_taking()
            return
        self._taking = None
        self.limits.refused("no answer taken within the time")
        self.transport.abort()

    def _not_taken(self) -> int:
        """Return how many bytes wait here, and in the system: of these it tells only once a third of many is gone."""
        waiting = bytearray(4)
        with suppress(OSError):
            fcntl.ioctl(self.transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, waiting)
        return int(self.transport.get_write_buffer_size()) + int.from_bytes(waiting, sys.byteorder)

    def _taken(self) -> None:
        self._full_since = None
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def _begins_answer(self) -> bool:
        # A word before the answer (100 Continue) leaves it as it is, and must not wait.
        return self.conn.our_state is h11.SEND_BODY

    def _look(self) -> None:
        if self.conn.their_state is not h11.SEND_BODY:
            self._body_since = None
        elif self._body_since is None:
            self._body_since = self.loop.time()
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._watch()
        else:
            self._unwatch()

    def _watch(self) -> None:
        if self._waiting is None:
            self._waiting = self.loop.call_later(self.limits.header_s, self._give_up)

    def _unwatch(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.limits.refused("no request within the time")
        self.transport.abort()


def protocol_with(limits: ConnectionLimits) -> type[LimitedProtocol]:
    """Return the server's protocol for one connection, within limits."""
    return type("LimitedConnection", (LimitedProtocol,), {"limits": limits})


def room_for(most: int) -> int:
    """Ask the system for as many open files as connections need; return for how many connections there is room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Each caller's connection may need one to the model server.
    wanted = 2 * most + RESERVED_FILES
    if soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return max(1, min(most, (soft - RESERVED_FILES) // 2))
