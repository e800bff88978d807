"""What a detector over security logs is: rules that match events, by themselves or several together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, NamedTuple, Protocol, Self, runtime_checkable

from caponier.detect.assets.inside import Inside
from caponier.detect.assets.scope import Asset, Scope
from caponier.matrix.technique import TechniqueRef
from caponier.telemetry.security_logs.events import LogEvent
from caponier.telemetry.security_logs.sources import LogSource


@dataclass(frozen=True, slots=True)
class LogRule:
    """What a user is told about a rule."""

    name: str
    """Name of the detector in findings: `sigma:` and the rule's name, id or file."""
    title: str
    level: str
    """informational, low, medium, high or critical."""
    techniques: tuple[TechniqueRef, ...]
    """ATT&CK and ATLAS first, the 2020 matrix after them."""
    description: str
    file: str
    falsepositives: tuple[str, ...] = ()
    quiet: float = 3600.0
    """Seconds without a match after which the next one is a new finding."""
    parts: tuple[str, ...] = ()
    """The rules that follow on each other in it, where all of them match by themselves, too."""
    about_asset: bool = False
    """Whether a finding is about the asset, since those who act are nobody in particular."""
    yields: bool = False
    """Whether it speaks only of ML systems, and only of events of which no other rule speaks."""
    news: Literal["act", "place", "always"] = "act"
    """What must be new in the light of the estate's past for a match to be told: the act or the place it is done from;
    the place alone, where it is the rule's whole point; or nothing, since it is nobody's work however often."""


class LogHit(NamedTuple):
    """One event that a rule matched, with what is needed to judge it."""

    time: int
    """Microseconds since the epoch, UTC."""
    event_id: str
    account: str | None
    host: str | None
    address: str | None
    assets: tuple[Asset, ...]
    """The assets of ML systems that it touches."""
    file: str
    line: int
    target: str | None = None
    """What it acts on, as `kind name`."""
    outside: bool = False
    """Whether it comes from outside, as `[inside]` has it."""
    port: str | None = None
    """The port that was reached, where the event is about one."""
    keys: tuple[str, ...] = ()
    """Ids of the long-lived keys with which it was done, and of those that it made."""


class Waiting(NamedTuple):
    """A matched event that a correlation may still need when the next log comes."""

    time: int
    event_id: str
    document: list[Any]
    """As JSON holds it; only the run that wrote it knows what it says."""


@dataclass(frozen=True, slots=True)
class LogMatch:
    """One rule that matched: once an event, or once a moment at which a correlation's condition holds."""

    rule: LogRule
    time: int
    hits: tuple[LogHit, ...]
    """The evidence, the last ones where there are many, in order of time."""
    trigger: LogHit
    systems: tuple[str, ...]
    """The ML systems concerned; empty for a match outside the inventory."""
    value: float = 1.0
    """What the condition measured: 1 for a single event."""
    threshold: float = 1.0
    statistic: str = "rule"
    about: str | None = None
    """`account` or `address` where a correlation groups by it, so that it is one and the same in all its events."""
    counted: str | None = None
    """The field whose different values a correlation counts, in lower case."""
    routine: bool = False
    """Whether it is one only as long as nobody's work is routine: it is told to nobody, and says what is usual."""


@runtime_checkable
class LogDetector(Protocol):
    """Rules that can be run over logs."""

    @property
    def name(self) -> str:
        """Name of the detector."""
        ...

    @property
    def rules(self) -> tuple[LogRule, ...]:
        """The rules that may match by themselves."""
        ...

    @property
    def categories(self) -> frozenset[str]:
        """The categories of log sources that the rules ask for."""
        ...

    def asks(self, origin: LogSource) -> bool:
        """Tell whether any rule asks for events of a log source."""
        ...

    def start(self, scope: Scope, salt: bytes = b"", inside: Inside | None = None) -> "LogRun":
        """Begin a run over logs, with nothing seen yet.

        Args:
            scope: The assets of the inventory.
            salt: The workspace's salt, for event ids.
            inside: Tells where events come from; by the private ranges, if none is given.
        """
        ...


class LogRun(Protocol):
    """One run. However the events are cut into batches, and in whatever order they come, the matches are the same."""

    def feed(self, events: Sequence[LogEvent]) -> None:
        """Take events, in any order."""
        ...

    def matches(self, before: int | None = None) -> Iterator[LogMatch]:
        """Yield the matches of all events, or of those before a moment (microseconds), in order of time.

        What was yielded is done with: an event that is older than `before` must not be fed afterwards.
        """
        ...

    def resume(self, waiting: Iterable[Waiting]) -> None:
        """Take what an earlier run left, after all events and before any match: it counts, and is not told again."""
        ...

    def waiting(self) -> list[Waiting]:
        """Return what a later run may need, once all matches were yielded."""
        ...

    @property
    def notes(self) -> list[str]:
        """What the user ought to know about the run."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
