"""When the releases of ATLAS came out, and which number and which month name the same release."""

import datetime
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field

from caponier.matrix.shipped import Shape, read


@dataclass(frozen=True, slots=True)
class AtlasRelease:
    """One release of ATLAS."""

    version: str
    """`5.6.0`, or `2026.09` where releases have no other number."""
    released: datetime.date
    month: str | None = None
    """What a release that has a number is called by its month: `2026.04` is 5.6.0."""
    tactics: int = 0
    techniques: int = 0
    """With sub-techniques; 0 where it is not known, here as for the other two."""
    studies: int = 0
    second_hand: bool = False
    """Known from public notes on the release, not from its file."""


class _ReleasesFile(Shape):
    schema_: Literal["caponier.atlas-releases/1"] = Field(alias="schema")
    releases: tuple[AtlasRelease, ...]


@cache
def releases() -> tuple[AtlasRelease, ...]:
    """Return every known release, the oldest first."""
    return read("atlas-releases.yaml", _ReleasesFile).releases


def find(version: str) -> AtlasRelease | None:
    """Return the release of a number or month, such as `5.6.0`, `2026.04` or `atlas-5.6.0`; None if it is unknown."""
    plain = version.removeprefix("atlas-")
    return next((known for known in releases() if plain in (known.version, known.month)), None)
