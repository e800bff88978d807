"""Find every enrichment: ours by looking into the folder, others by entry point."""

from collections.abc import Iterable
from functools import cache
from typing import Final

from caponier.detect import enrichments
from caponier.detect.detector import Column
from caponier.detect.enrichment import Enrichment
from caponier.errors import InputError, MissingExtraError
from caponier.plugins import Plugin, plugins, unavailable

ATTRIBUTE: Final = "enrichment"
ENTRY_POINTS: Final = "caponier.enrichments"
TAKEN: Final = (*Column, "unique", "squared", "flip", "score")
"""Signals that mean something else."""


@cache
def all_enrichments() -> dict[str, Enrichment]:
    """Return the enrichments by name, in alphabetical order.

    Raises:
        PluginError: If one is none, or has the name of another one or of another signal.
    """
    found: dict[str, Enrichment] = {}
    for plugin in plugins(enrichments, ATTRIBUTE, ENTRY_POINTS):
        _add(found, plugin)
    return dict(sorted(found.items()))


def absent_enrichments() -> dict[str, MissingExtraError]:
    """Return the enrichments that lack an extra."""
    return unavailable(enrichments, ATTRIBUTE, ENTRY_POINTS)


def chosen_enrichments(names: Iterable[str]) -> list[Enrichment]:
    """Return the enrichments of these names, or all of them if none is named.

    Raises:
        InputError: If there is none of a name.
        MissingExtraError: If one that is named lacks an extra.
    """
    known, wanted = all_enrichments(), list(names)
    for name in wanted:
        if name not in known and name in (absent := absent_enrichments()):
            raise absent[name]
        if name not in known:
            raise InputError(f"there is no enrichment {name!r}", mend=f"Known enrichments: {', '.join(known)}")
    return [enrichment for name, enrichment in known.items() if not wanted or name in wanted]


def _add(found: dict[str, Enrichment], plugin: Plugin) -> None:
    enrichment, name = plugin.value, plugin.name
    if not isinstance(enrichment, Enrichment) or enrichment.name != name or not name.isidentifier():
        raise plugin.refused("is no enrichment, or has another name than its file or entry point")
    if name in found or name in TAKEN:
        raise plugin.refused("has the name of another enrichment or signal")
    found[name] = enrichment
