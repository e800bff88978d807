"""Chaff: near copies of a few rows, in numbers that no honest collection has (the mutants of the VirusTotal case).

A row is crowded when many rows are near copies of it and all come from its own source; where no sources are known, when
far more are than nearly any row of the other labels has. Copies of what is crowded belong to it. One row of each crowd
may be as good as any, but which one is not to be told: all are flagged, and none gets another label.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.dataset import NOTHING, Analysis, SourceShare, lots
from caponier.detect.detector import Confidence
from caponier.detect.label_models.source_shares import source_shares
from caponier.detect.near_copies.crowds import Crowds, Mask
from caponier.matrix.technique import TechniqueId
from caponier.telemetry.labelled_data.dataset import Dataset

MIN_ROWS: Final = 64
MAX_ROWS: Final = 200_000
CROWD: Final = 12
"""Copies of a row from which it may be crowded; careful people augment each picture a few times."""
OUT_OF_PROPORTION: Final = 8.0
"""How many times as many copies as the most crowded hundredth of the other labels."""
CROWDED: Final = 0.99
OWN: Final = 0.8
"""Share of a row's copies that must come from its own source."""
LARGE_SOURCE: Final = 0.5
"""Share of all rows from which a source cannot be told from the collection."""
NOTABLE: Final = 0.01
"""Share of all rows from which chaff is worth a finding."""


class ChaffRows:
    """Flags floods of near copies."""

    name = "chaff_rows"
    statistic = "near_copies"
    techniques = (
        TechniqueId("atlas", "AML.T0020"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.03"),
    )
    version = 1
    # Video frames and simulators look the same.
    max_confidence = Confidence.MEDIUM
    emulations = ("mutant_flood",)
    controls = ("noisy_digits", "rare_styles", "watermarked", "augmented")

    def analyse(self, dataset: Dataset) -> Analysis:
        """Count the near copies of every row."""
        n = len(dataset)
        reason = (
            f"{n:,} rows, and at most {MAX_ROWS:,} are judged together; split the data set" if n > MAX_ROWS
            else f"only {n} rows; at least {MIN_ROWS} are needed" if n < MIN_ROWS
            else None
        )  # fmt: skip
        nothing = np.full(n, NOTHING, np.int64)
        if reason:
            return Analysis(
                np.full(n, np.nan), np.zeros(n, bool), nothing, reason, {}, 0.0, silent=(f"all rows: {reason}",)
            )
        order = np.argsort(lots(dataset.ids, self.name), kind="stable")
        names = None if dataset.sources is None else np.array(dataset.sources, object)[order]
        numbers = None if names is None else np.unique(names.astype(str), return_inverse=True)[1].ravel()
        crowds = Crowds.of(dataset.x[order], dataset.y[order], numbers)
        chaff = crowds.around(_cores(crowds, dataset.y[order], numbers))
        flagged, scores = np.zeros(n, bool), np.zeros(n)
        flagged[order], scores[order] = chaff, crowds.near / crowds.sampled
        shares = source_shares(np.array(dataset.sources, object), flagged) if dataset.sources else ()
        reasons = _reasons(flagged, shares)
        return Analysis(
            scores=np.round(scores, 1),
            flagged=flagged,
            suggested=nothing,
            summary="; ".join(reasons) or f"{int(flagged.sum()):,} of {n:,} rows are near copies of other rows",
            facts=_facts(dataset, flagged, crowds, shares),
            confidence=self.max_confidence.cap if reasons else 0.0,
            reasons=reasons,
            sources=shares,
        )


def _cores(crowds: Crowds, y: NDArray[np.int64], sources: NDArray[np.int64] | None) -> Mask:
    if sources is not None:
        parts = np.bincount(sources)[sources] / len(sources)
        # What comes from everybody is how such things look.
        alone = (crowds.near_own >= CROWD) & (crowds.near_own >= OWN * crowds.near) & (parts < LARGE_SOURCE)
        return alone & crowds.speaks
    cores = np.zeros(len(y), bool)
    for label in np.unique(y):
        own, others = y == label, crowds.near[(y != label) & crowds.speaks]
        usual = float(np.quantile(others, CROWDED)) if others.size else 0.0
        cores |= own & (crowds.near >= max(CROWD, OUT_OF_PROPORTION * usual))
    return cores & crowds.speaks


def _reasons(flagged: Mask, shares: tuple[SourceShare, ...]) -> tuple[str, ...]:
    share = float(flagged.mean())
    reasons = [f"{int(flagged.sum()):,} rows ({share:.1%}) are near copies of a few"] if share >= NOTABLE else []
    reasons += [
        f"{part.flagged:,} of the {part.rows:,} rows from source {part.source!r} are near copies"
        for part in shares
        if part.stands_out
    ]
    return tuple(reasons)


def _facts(dataset: Dataset, flagged: Mask, crowds: Crowds, shares: tuple[SourceShare, ...]) -> dict[str, Any]:
    by_label = np.bincount(dataset.y[flagged], minlength=len(dataset.classes)).tolist()
    facts: dict[str, Any] = {
        "judged": int(crowds.speaks.sum()),
        "flagged": int(flagged.sum()),
        "by_given_label": {name: rows for name, rows in zip(dataset.classes, by_label, strict=True) if rows},
        "compared_with": round(crowds.sampled, 4),
    }
    if shares:
        facts["by_source"] = [
            {"source": part.source, "rows": part.rows, "flagged": part.flagged, "stands_out": part.stands_out}
            for part in shares
        ]
    return facts


detector = ChaffRows()
