"""Find every enrichment: ours by looking into the folder, others by entry point."""

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Final

from caponier.detect import enrichments
from caponier.detect.detector import Column
from caponier.detect.enrichment import Enrichment
from caponier.errors import CaponierError, InputError

ENTRY_POINTS: Final = "caponier.enrichments"
TAKEN: Final = (*Column, "unique", "squared", "flip", "score")
"""Signals that mean something else."""


@cache
def all_enrichments() -> dict[str, Enrichment]:
    """Return the enrichments by name, in alphabetical order.

    Raises:
        CaponierError: If one is none, or has the name of another one or of another signal.
    """
    found: dict[str, Enrichment] = {}
    for module in pkgutil.iter_modules(enrichments.__path__):
        _add(found, import_module(f"{enrichments.__name__}.{module.name}").enrichment, module.name)
    for entry in entry_points(group=ENTRY_POINTS):
        _add(found, entry.load(), entry.name)
    return dict(sorted(found.items()))


def chosen_enrichments(names: Iterable[str]) -> list[Enrichment]:
    """Return the enrichments of these names, or all of them if none is named.

    Raises:
        InputError: If there is none of a name.
    """
    known, wanted = all_enrichments(), list(names)
    for name in wanted:
        if name not in known:
            raise InputError(f"there is no enrichment {name!r}", mend=f"Known enrichments: {', '.join(known)}")
    return [enrichment for name, enrichment in known.items() if not wanted or name in wanted]


def _add(found: dict[str, Enrichment], enrichment: object, name: str) -> None:
    if not isinstance(enrichment, Enrichment) or enrichment.name != name or not name.isidentifier():
        raise CaponierError("is no enrichment, or has another name than its file or entry point", where=name)
    if name in found or name in TAKEN:
        raise CaponierError("another enrichment or signal has this name", where=name)
    found[name] = enrichment
