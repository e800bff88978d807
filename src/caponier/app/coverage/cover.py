"""Work out which techniques are covered, from the detectors that are there and the trials that were recorded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from caponier import __version__
from caponier.app.coverage.detectors import DetectorKind, detectors
from caponier.coverage.heat_map import Cell, heat_map
from caponier.errors import InputError
from caponier.formats.strict_json import read_value
from caponier.records.inventory import Workspace
from caponier.records.trial import Trial
from caponier.store import trials as stored
from caponier.store.database import open_store

SCHEMA: Final = "caponier.trials/1"
MOST_BYTES: Final = 64 * 2**20


def cover(workspace: Workspace | None = None, trials: Sequence[Trial] = ()) -> tuple[Cell, ...]:
    """Return the heat-map of this version of Caponier.

    Args:
        workspace: Whose recorded trials count.
        trials: Others that count, too.
    """
    known = list(trials)
    if workspace:
        with open_store(workspace.store) as store, store.read() as connection:
            known += stored.search(connection, version=__version__)
    cards = detectors()
    return heat_map(cards, known, __version__, {card.name for card in cards if card.kind is DetectorKind.LOG})


def read_trials(path: Path) -> list[Trial]:
    """Read the trials that `caponier validate --out FILE` has written.

    Raises:
        InputError: If the file cannot be read, or holds something else.
    """
    hint = "Write one with: caponier validate --out trials.json"
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"larger than {MOST_BYTES:,} bytes", where=str(path), hint=hint)
        document = read_value(path.read_text("utf-8"), str(path), hint)
    except OSError as failed:
        raise InputError(f"cannot be read: {failed.strerror}", where=str(path), hint=hint) from failed
    except UnicodeDecodeError as broken:
        raise InputError("this is not JSON: it is not UTF-8", where=str(path), hint=hint) from broken
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f"is not a document of schema {SCHEMA}", where=str(path), hint=hint)
    try:
        return [Trial.from_dict(plain) for plain in document["trials"]]
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise InputError(f"holds a trial that cannot be read: {wrong!r}", where=str(path), hint=hint) from wrong
