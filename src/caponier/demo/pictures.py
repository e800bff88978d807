"""Pictures of queries: small images as data URIs, and the strip of what an attacker asked up to the alarm and on."""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.demo.replay import Queries
from caponier.demo.result import Attacker
from caponier.emulate.images import SIDE, Images
from caponier.extras import needs

FIRST: Final = 12
"""Queries shown at least."""
AFTER: Final = 6
BEFORE: Final = 4


@dataclass(frozen=True)
class Tile:
    """One query of a strip.

    Args:
        ordinal: Which different query it was, from 1.
        image: Data URI.
        answer: What the model answered.
        flips: Whether the query before it was answered otherwise.
        alarms: Titles of the detectors whose first finding it triggered.
        skipped: Queries left out before it.
    """

    ordinal: int
    image: str
    answer: str
    flips: bool
    alarms: tuple[str, ...]
    skipped: int


@dataclass(frozen=True)
class PictureChange:
    """What an attack did to an image: before, after, and the difference."""

    original: str
    adversarial: str
    difference: str
    strongest: float
    """The largest change of one pixel, as a share of the whole range."""


def ink(image: Images) -> str:
    """Return the data URI of an image (64,) with values in 0..1, drawn as ink on paper."""
    return _png(np.rint(255 * (1 - np.clip(image, 0, 1))))


def difference(before: Images, after: Images) -> str:
    """Return the data URI of what was changed: grey where nothing was, dark where ink was added, light where taken.

    The largest change is drawn as black or white, since the true ones are hard to see.
    """
    changed = after - before
    largest = float(np.abs(changed).max()) or 1.0
    return _png(np.rint(127.5 * (1 - changed / largest)))


def change(attacker: Attacker) -> PictureChange | None:
    """Picture what an attack achieved; None if it never found an adversarial image."""
    outcome = attacker.evasion
    if outcome is None or outcome.adversarial is None:
        return None
    return PictureChange(
        original=ink(outcome.original),
        adversarial=ink(outcome.adversarial),
        difference=difference(outcome.original, outcome.adversarial),
        strongest=float(np.abs(outcome.adversarial - outcome.original).max()),
    )


def strip(attacker: Attacker, queries: Queries, titles: Mapping[str, str]) -> tuple[Tile, ...]:
    """Choose and picture an attacker's queries: the first ones, and those around each detector's first finding."""
    shown = sorted(_shown(attacker, len(queries.labels)))
    tiles = []
    before = 0
    for ordinal in shown:
        answer = queries.labels[ordinal - 1]
        tiles.append(
            Tile(
                ordinal=ordinal,
                image=ink(queries.inputs[ordinal - 1]),
                answer=answer,
                flips=ordinal > 1 and queries.labels[ordinal - 2] != answer,
                alarms=tuple(titles[name] for name, at in attacker.noticed.items() if at == ordinal),
                skipped=ordinal - before - 1,
            )
        )
        before = ordinal
    return tuple(tiles)


def _shown(attacker: Attacker, asked: int) -> set[int]:
    shown = set(range(1, FIRST + 1))
    for at in attacker.noticed.values():
        shown |= set(range(at - BEFORE, at + AFTER + 1))
    if attacker.first_noticed is not None and attacker.first_noticed <= 3 * FIRST:
        # A gap would save nothing here, and the way to the alarm is the point of the picture.
        shown |= set(range(1, attacker.first_noticed))
    return {ordinal for ordinal in shown if 1 <= ordinal <= asked}


def _png(values: NDArray[Any]) -> str:
    with needs("emulate", "A picture"):
        from PIL import Image
    file = io.BytesIO()
    Image.fromarray(values.reshape(SIDE, SIDE).astype(np.uint8)).save(file, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
