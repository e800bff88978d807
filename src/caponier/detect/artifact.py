"""What an artifact detector is: something that turns the bytes of a file into a verdict, without ever loading it."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from caponier.detect.detector import Confidence
from caponier.matrix.technique import TechniqueId


class Verdict(StrEnum):
    """What is known of a file. Unknown is not clean."""

    CLEAN = "clean"
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"

    @property
    def rank(self) -> int:
        """Position in the order clean < unknown < unsafe, from 0: the worst part of a file decides for all of it."""
        return {"clean": 0, "unknown": 1, "unsafe": 2}[self.value]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much work one file may cause; whatever goes beyond is unknown, never clean."""

    held_bytes: int = 5 << 30
    """Most bytes of a file that are held, and as many again of what it expands to. Models are usually written in pieces
    of five billion bytes."""
    mapped_bytes: int | None = None
    """Most bytes of a file that is mapped instead of held; None if as many as may be held."""
    expanded_bytes: int = 256 << 20
    """Most bytes that all compressed parts of a file may expand to, plus `expansion` times the file."""
    expansion: int = 10
    depth: int = 6
    """Archives inside archives."""
    members: int = 20_000
    """Parts of a file, at all depths together."""
    opcodes: int = 3_000_000
    """Pickle instructions, over all pickles of a file."""
    stack: int = 1_000_000
    """Values that one pickle may hold at once, on its stacks and in its memo."""
    text_bytes: int = 16 << 20
    """Longest text that is read as such: a line of a pickle, a header, a JSON document."""

    def budget(self, size: int) -> int:
        """Return how many bytes a file of this size may expand to."""
        return min(self.expanded_bytes + self.expansion * size, self.held_bytes)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on one file, with reasons in plain words and the figures behind them."""

    verdict: Verdict
    kind: str
    """What the content is, such as `pickle` or `zip`; told by the content, never by the name."""
    reasons: tuple[str, ...] = ()
    """Worst first; empty only for clean files."""
    confidence: float = 0.0
    """From 0 to 1, how sure it is that an unsafe file is harmful; 0 for others."""
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """The reasons on one line."""
        return "; ".join(self.reasons)


@runtime_checkable
class ArtifactDetector(Protocol):
    """A detector over model files: one file in `detect/artifacts`, found by the registry under `name`."""

    name: str
    statistic: str
    """What a finding counts."""
    techniques: tuple[TechniqueId, ...]
    """What a finding may be a trace of: ATLAS first, then the 2020 matrix."""
    version: int
    """Grows whenever the same file may get another verdict."""
    max_confidence: Confidence
    emulations: tuple[str, ...]
    """Files that it must call unsafe."""
    controls: tuple[str, ...]
    """Files that it must call clean."""

    def judge(self, content: memoryview, limits: Limits) -> Judgement:
        """Judge the content of one file; MUST NOT load, import or write anything, and MUST keep the limits."""
        ...
