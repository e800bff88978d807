"""Rows that are no longer what a manifest says they were: other labels, other features.

A row is known by its features, not by its place, so that rows may be sorted, left out and added. Who changed one is not
told, nor whether they meant well; that it was changed is certain. New rows are no finding: they are counted by source,
and a source that the manifest does not know is named.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Final

import numpy as np

from caponier.detect.dataset import NOTHING, Analysis
from caponier.detect.detector import Confidence
from caponier.detect.label_models.source_shares import source_shares
from caponier.detect.wording import how_many
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId
from caponier.telemetry.labelled_data.dataset import Columns, Dataset
from caponier.telemetry.labelled_data.manifest import Manifest, RecordedRow, digested_columns, row_digests

NAME: Final = "provenance"
SHOWN: Final = 5


class Provenance:
    """Compares a data set with what a manifest says; a detector over data sets, if there is a manifest.

    Args:
        manifest: What the rows were.
        columns: Of a table: which are label, source and id.
    """

    name = NAME
    statistic = "rows_changed_since_the_manifest"
    techniques: tuple[TechniqueId, ...] = (
        TechniqueId("atlas", "AML.T0020"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.02"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.04"),
    )
    version = 1
    # Somebody may have put a label right.
    max_confidence = Confidence.MEDIUM
    emulations: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()

    def __init__(self, manifest: Manifest, columns: Columns) -> None:
        self._manifest, self._columns = manifest, columns

    def analyse(self, dataset: Dataset) -> Analysis:
        """Find the rows that were changed.

        Raises:
            InputError: If the manifest is of a table with other columns.
        """
        now = digested_columns(dataset, self._columns)
        if now != self._manifest.columns:
            raise _other_columns(now, self._manifest)
        matched = _Matched(dataset, row_digests(dataset, self._columns), self._manifest.rows)
        flagged, suggested = np.zeros(len(dataset), bool), np.full(len(dataset), NOTHING, np.int64)
        place = {name: number for number, name in enumerate(dataset.classes)}
        for row, recorded in matched.relabelled.items():
            flagged[row], suggested[row] = True, place.get(recorded.label, NOTHING)
        flagged[list(matched.changed)] = True
        shares = source_shares(np.array(dataset.sources, object), flagged) if dataset.sources else ()
        reasons = tuple(_reasons(matched, dataset.sources))
        return Analysis(
            scores=flagged.astype(np.float64),
            flagged=flagged,
            suggested=suggested,
            summary="; ".join(reasons) or f"all rows are what {self._manifest.of} had",
            facts=_facts(dataset, matched, self._manifest),
            confidence=self.max_confidence.cap if reasons else 0.0,
            reasons=reasons,
            sources=shares,
        )


class _Matched:
    """Each row of a data set beside the row of the manifest that it was.

    Attributes:
        relabelled: Rows whose features are recorded with another label, and what was recorded.
        changed: Rows whose id is recorded with other features that are nowhere any more.
        moved: Rows that were recorded under another source.
        new: Rows of which nothing is recorded.
        gone: Recorded rows that are no longer there.
    """

    def __init__(self, dataset: Dataset, digests: Sequence[str], recorded: Sequence[RecordedRow]) -> None:
        self._left, self._free = dict.fromkeys(range(len(dataset))), dict.fromkeys(range(len(recorded)))
        given, ids = dataset.given, dataset.ids
        same: dict[int, RecordedRow] = {}
        # From the closest to the farthest, so that of equal rows none is taken for another.
        for own, known in (
            (lambda at: (digests[at], given[at], ids[at]), lambda row: (row.digest, row.label, row.id)),
            (lambda at: (digests[at], given[at]), lambda row: (row.digest, row.label)),
        ):
            same |= self._taken(own, known, recorded)
        self.relabelled = self._taken(lambda at: (digests[at], ids[at]), lambda row: (row.digest, row.id), recorded)
        self.relabelled |= self._taken(lambda at: digests[at], lambda row: row.digest, recorded)
        self.changed = self._taken(lambda at: ids[at], lambda row: row.id, recorded)
        sources = dataset.sources
        kept = same | self.relabelled
        self.moved = [at for at, row in kept.items() if sources and row.source and row.source != sources[at]]
        self.new, self.gone = list(self._left), [recorded[at] for at in self._free]

    def _taken(
        self,
        own: Callable[[int], Hashable],
        known: Callable[[RecordedRow], Hashable],
        recorded: Sequence[RecordedRow],
    ) -> dict[int, RecordedRow]:
        """Match what is left by a key, each recorded row with one row at most."""
        waiting: dict[Hashable, list[int]] = defaultdict(list)
        for at in reversed(self._free):
            waiting[known(recorded[at])].append(at)
        found = {}
        for at in list(self._left):
            if waiting.get(own(at)):
                free = waiting[own(at)].pop()
                found[at] = recorded[free]
                del self._left[at], self._free[free]
        return found


def notes_of(analysis: Analysis) -> list[str]:
    """Return what a comparison says beside its finding."""
    facts = analysis.facts
    notes = []
    if facts["new"]:
        unknown = ", ".join(f"{name!r} ({rows:,})" for name, rows in list(facts["new_sources"].items())[:SHOWN])
        from_them = f"; sources that it does not know: {unknown}" if unknown else ""
        notes.append(f"{how_many(facts['new'], 'row')} not in the manifest{from_them}")
    if facts["gone"]:
        notes.append(f"{how_many(facts['gone'], 'row')} of the manifest no longer there")
    if facts["moved"]:
        notes.append(f"{how_many(facts['moved'], 'row')} recorded under another source")
    return notes


def _reasons(matched: _Matched, sources: Sequence[str] | None) -> Iterable[str]:
    for rows, what in ((matched.relabelled, "another label"), (matched.changed, "other features")):
        if rows:
            by = Counter(sources[at] for at in rows).most_common(SHOWN) if sources else []
            whose = f", from {', '.join(f'{name!r} ({count:,})' for name, count in by)}" if by else ""
            yield f"{how_many(len(rows), 'row')} recorded with {what}{whose}"


def _facts(dataset: Dataset, matched: _Matched, manifest: Manifest) -> dict[str, Any]:
    known = {row.source for row in manifest.rows}
    of_new = Counter(dataset.sources[at] for at in matched.new) if dataset.sources else Counter[str]()
    return {
        "manifest_of": manifest.of,
        "manifest_sha256": manifest.sha256,
        "relabelled": len(matched.relabelled),
        "changed": len(matched.changed),
        "new": len(matched.new),
        "new_sources": {name: rows for name, rows in of_new.most_common() if name not in known},
        "gone": len(matched.gone),
        "moved": len(matched.moved),
    }


def _other_columns(now: tuple[str, ...], manifest: Manifest) -> InputError:
    more, less = sorted(set(now) - set(manifest.columns)), sorted(set(manifest.columns) - set(now))
    what = [f"has {', '.join(more[:SHOWN])} besides"] if more else []
    what += [f"lacks {', '.join(less[:SHOWN])}"] if less else []
    return InputError(
        f"the data set {' and '.join(what)}, compared with the manifest of {manifest.of}",
        hint="Name label, source and id as they were when it was written, or write a new manifest.",
    )
