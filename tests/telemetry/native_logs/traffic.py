"""One small traffic that every native log tells in its own words, and what each of them can say of it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np

ROWS: Final = 60
CALLERS: Final = 5
COLUMNS: Final = ("age", "amount", "duration", "rate")
CLASSES: Final = ("fraud", "ok")
START: Final = datetime(2026, 1, 5, 9, 30, 0, 250_000, tzinfo=UTC)


@dataclass(frozen=True)
class Query:
    """What one caller asked, and what he was told."""

    at: int
    time: datetime
    caller: str
    address: str
    request_id: str
    x: tuple[float, ...]
    """(4,) numbers, each held by float32."""
    city: str
    scores: tuple[float, float]
    took_ms: float
    status: int = 200

    @property
    def label(self) -> str:
        """The class with the higher score."""
        return CLASSES[int(np.argmax(self.scores))]

    @property
    def named(self) -> dict[str, float]:
        """The numbers by their columns."""
        return dict(zip(COLUMNS, self.x, strict=True))

    @property
    def iso(self) -> str:
        """The time as RFC 3339 has it."""
        return self.time.isoformat().replace("+00:00", "Z")

    @property
    def epoch(self) -> float:
        """Seconds since 1970."""
        return self.time.timestamp()


def traffic(rows: int = ROWS) -> list[Query]:
    """Return some queries, the same each time."""
    draw = np.random.default_rng(17)
    made = []
    for at in range(rows):
        score = int(draw.integers(1, 255)) / 256
        made.append(
            Query(
                at=at,
                time=START + timedelta(milliseconds=7_250 * at),
                caller=f"client-{at % CALLERS}-secret",
                address=f"203.0.113.{10 + at % CALLERS}",
                request_id=f"0f8fad5b-d9cb-469f-a165-{at:012d}",
                x=tuple((draw.integers(-4_000, 4_000, 4) / 64).tolist()),
                city=("Bern", "Köln", "Oslo")[at % 3],
                scores=(score, 1 - score),
                took_ms=float(draw.integers(2, 40)),
            )
        )
    return made
