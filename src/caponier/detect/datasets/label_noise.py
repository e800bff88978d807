"""Labels that do not belong to their rows: confident learning, out of fold, in two rounds, and per source.

A row is flagged when a model that has not seen it is as sure of another label as it is, on average, of rows that bear
that label (Northcutt, Jiang, Chuang 2021: class-conditional thresholds, so that a class that is hard as a whole is not
flagged as a whole). The second round learns from the rows that the first one left standing, and judges all of them
again; a contributor who stands out teaches nothing there, so that its own rows cannot vouch for each other. A model
that has learnt from fewer wrong labels is surer of everything, which raises the mean that it must reach: so the lower
threshold of the two rounds counts.
"""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.dataset import NOTHING, Analysis, SourceShare, lots
from caponier.detect.detector import Confidence
from caponier.detect.label_models.out_of_fold import FOLDS, OutOfFold
from caponier.detect.label_models.source_labels import CERTAIN, Mover, movers
from caponier.detect.label_models.source_shares import source_shares
from caponier.detect.label_models.usual_errors import not_overlap
from caponier.matrix.technique import TechniqueId
from caponier.telemetry.labelled_data.dataset import Dataset

MIN_EXAMPLES: Final = 16
"""Rows of a class below which nothing is said about it: two a fold."""
MAX_ROWS: Final = 200_000
NOTABLE: Final = 0.02
"""Share flagged up to which the usual slips of annotators explain it; public benchmarks have 0.15 to 10 % wrong labels,
3.3 % on average (Northcutt, Athalye, Mueller 2021), so a low confidence says just that."""
AIMED_SHARE: Final = 0.05
AIMED_ROWS: Final = 8
AIMED_EXCESS: Final = 4.0
AIMED_MOST: Final = 0.8
"""Share of a class, and least rows of it, whose labels point to one other class, which is worth a finding however small
it is among all rows: targeted flips are few. They must be several times as many as each pair of classes has on average,
or, where there are few pairs, most of all flagged rows."""
ONE_WAY: Final = 4.0
"""How many times as many labels must go from one class to another as back, to be no overlap of the two."""
OVERLAP: Final = 0.8
"""Part of the share that overlapping classes contradict, up to which the rest is not notable either."""
LEARNABLE: Final = 0.2
"""Share of the errors of always giving the most frequent label that a model must save, or it has no say in labels."""
SHOWN: Final = 10

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Verdict:
    flagged: Mask
    suggested: NDArray[np.int64]
    scores: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    """(classes,) how sure of each class is sure enough."""
    usual: float = NOTABLE
    """Share flagged that is no more than what such a set has."""


class LabelNoise:
    """Flags rows whose label a model that has not seen them confidently contradicts."""

    name = "label_noise"
    statistic = "contradicted_labels"
    techniques = (
        TechniqueId("atlas", "AML.T0020"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.01"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.04"),
    )
    version = 1
    # Slips of annotators look the same: by itself this says which labels are wrong, not that somebody meant it.
    max_confidence = Confidence.MEDIUM
    emulations = ("uniform_flips", "pair_flips", "targeted_flips")
    controls = ("noisy_digits", "rare_styles")

    def analyse(self, dataset: Dataset) -> Analysis:
        """Judge every row of a data set whose classes are large enough."""
        counts = np.bincount(dataset.y, minlength=len(dataset.classes))
        speaks = counts >= MIN_EXAMPLES
        reason = _cannot_speak(dataset, counts, speaks)
        if reason:
            return _nothing(len(dataset), reason)
        # In the order of lots: folds, landmarks and rounding then depend on the ids alone.
        judged = np.flatnonzero(speaks[dataset.y])
        judged = judged[np.argsort(lots(tuple(dataset.ids[row] for row in judged), self.name), kind="stable")]
        names = np.flatnonzero(speaks)
        y = np.searchsorted(names, dataset.y[judged])
        sources = None if dataset.sources is None else np.array(dataset.sources, object)[judged]
        judgement = _rounds(dataset.x[judged], y, len(names), _folds(dataset, judged), sources)
        if judgement is None:
            return _nothing(len(dataset), "the features hardly tell the labels, so they cannot contradict any")
        verdict, shares = judgement
        silent = tuple(
            f"class {dataset.classes[small]!r}: {counts[small]} rows, and {MIN_EXAMPLES} are needed"
            for small in np.flatnonzero(~speaks & (counts > 0))
        )
        return self._analysis(dataset, judged, names, verdict, shares, silent)

    def _analysis(
        self,
        dataset: Dataset,
        judged: NDArray[np.int64],
        names: NDArray[np.int64],
        verdict: _Verdict,
        shares: tuple[SourceShare, ...],
        silent: tuple[str, ...],
    ) -> Analysis:
        scores = np.full(len(dataset), np.nan)
        flagged, suggested = np.zeros(len(dataset), bool), np.full(len(dataset), NOTHING, np.int64)
        scores[judged], flagged[judged] = verdict.scores, verdict.flagged
        suggested[judged] = np.where(verdict.flagged, names[verdict.suggested], NOTHING)
        share = float(verdict.flagged.mean())
        reasons, confidence = self._reasons(dataset, flagged, suggested, share, verdict.usual, shares)
        summary = (
            f"{int(flagged.sum()):,} of {len(judged):,} labels do not fit their rows ({share:.1%}; judged by models "
            "that learned from other rows)"
        )
        return Analysis(
            scores=scores,
            flagged=flagged,
            suggested=suggested,
            summary="; ".join([summary, *reasons[1 if share > verdict.usual else 0 :]]),
            facts=_facts(dataset, flagged, suggested, len(judged), shares),
            confidence=confidence,
            reasons=reasons,
            sources=shares,
            silent=silent,
        )

    def _reasons(
        self,
        dataset: Dataset,
        flagged: Mask,
        suggested: NDArray[np.int64],
        share: float,
        usual: float,
        shares: tuple[SourceShare, ...],
    ) -> tuple[tuple[str, ...], float]:
        """Say what is more than the slips that every data set has, and how sure a finding can be."""
        loud = [part for part in shares if part.stands_out]
        reasons = [f"more than {usual:.0%} of the labels do not fit their rows"] if share > usual else []
        reasons += [
            f"source {part.source!r} brought {part.flagged:,} of them among its {part.rows:,} rows" for part in loud
        ]
        confidence = self.max_confidence.cap if reasons else Confidence.LOW.cap
        sizes = np.bincount(np.where(flagged, suggested, dataset.y), minlength=len(dataset.classes))
        flows, pairs = _flows(dataset, flagged, suggested), len(sizes) * (len(sizes) - 1)
        aimed = int(flagged.sum()) * min(AIMED_EXCESS / pairs, AIMED_MOST)
        for (given, wanted), rows in flows:
            if rows >= max(AIMED_ROWS, aimed, AIMED_SHARE * sizes[wanted]):
                names = dataset.classes[wanted], dataset.classes[given]
                reasons.append(f"{rows:,} rows that look like {names[0]!r} are labelled {names[1]!r}")
        return tuple(reasons[: 1 + SHOWN]), confidence if reasons else 0.0


def _cannot_speak(dataset: Dataset, counts: NDArray[np.int64], speaks: Mask) -> str | None:
    present = int((counts > 0).sum())
    if len(dataset) > MAX_ROWS:
        return f"{len(dataset):,} rows, and at most {MAX_ROWS:,} are judged together; split the data set"
    if not dataset.x.shape[1]:
        return "there are no features"
    if present < 2:
        return "there is only one class"
    if present == len(dataset) or not speaks.any():
        return f"no class has {MIN_EXAMPLES} rows; is the label a number to predict, or an id?"
    if int(speaks.sum()) < 2:
        return f"only one class has {MIN_EXAMPLES} rows"
    return None


def _nothing(n: int, reason: str) -> Analysis:
    empty = np.full(n, NOTHING, np.int64)
    return Analysis(np.full(n, np.nan), np.zeros(n, bool), empty, reason, {}, 0.0, silent=(f"all rows: {reason}",))


def _folds(dataset: Dataset, judged: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return (m,) folds by row id; equal rows share one, or a copy in another fold would vouch for its twin."""
    drawn = lots(tuple(dataset.ids[row] for row in judged), "label_noise folds")
    _, twins = np.unique(dataset.x[judged], axis=0, return_inverse=True)
    smallest = np.full(int(twins.max()) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, twins.ravel(), drawn)
    folds: NDArray[np.int64] = (smallest[twins.ravel()] % np.uint64(FOLDS)).astype(np.int64)
    return folds


def _rounds(
    x: NDArray[np.float64],
    y: NDArray[np.int64],
    classes: int,
    folds: NDArray[np.int64],
    sources: NDArray[np.object_] | None,
) -> tuple[_Verdict, tuple[SourceShare, ...]] | None:
    models, everyone = OutOfFold(x, y, classes, folds), np.ones(len(y), bool)
    blind = models.probabilities(everyone)
    first = _contradicted(blind, y, classes)
    others = everyone if sources is None else ~_loud(blind, y, first, sources)
    # Only as long as the others know every class well enough.
    enough = np.bincount(y[others], minlength=classes).min() >= MIN_EXAMPLES
    told = _can_tell(blind, y, everyone)
    if not told and enough and not others.all():
        # A source that moves many labels may be why; then the others' rows tell them.
        told = _can_tell(models.probabilities(others), y, others)
    if not told:
        return None
    trusted = ~first.flagged
    if np.bincount(y[trusted & others], minlength=classes).min() >= MIN_EXAMPLES:
        trusted &= others
    if np.bincount(y[trusted], minlength=classes).min() < MIN_EXAMPLES // 2:
        return first, () if sources is None else source_shares(sources, first.flagged)
    probabilities = models.probabilities(trusted)
    second = _contradicted(probabilities, y, classes, first.thresholds)
    return _beside_what_is_usual(second, probabilities, y, sources, trusted)


def _can_tell(probabilities: NDArray[np.float64], y: NDArray[np.int64], rows: Mask) -> bool:
    """Tell whether models that have not seen some rows (n,) save enough of the errors of the most frequent label."""
    errors = float((probabilities[rows].argmax(axis=1) != y[rows]).mean())
    return errors <= (1 - LEARNABLE) * (1 - float(np.bincount(y[rows]).max()) / int(rows.sum()))


def _loud(blind: NDArray[np.float64], y: NDArray[np.int64], first: _Verdict, sources: NDArray[np.object_]) -> Mask:
    """Return the rows (n,) of contributors who stand out."""
    loud = [part.source for part in source_shares(sources, first.flagged) if part.stands_out]
    return np.isin(sources.astype(str), loud + [source for source, _ in _movers(blind, y, sources)])


def _movers(
    probabilities: NDArray[np.float64], y: NDArray[np.int64], sources: NDArray[np.object_]
) -> list[tuple[str, Mover]]:
    names, numbers = np.unique(sources.astype(str), return_inverse=True)
    return [(str(names[one.source]), one) for one in movers(probabilities, y, numbers.ravel())]


def _beside_what_is_usual(
    verdict: _Verdict,
    probabilities: NDArray[np.float64],
    y: NDArray[np.int64],
    sources: NDArray[np.object_] | None,
    trusted: Mask,
) -> tuple[_Verdict, tuple[SourceShare, ...]]:
    """Leave out what overlapping classes explain, and add what a source moved that the others would not have."""
    moved = [] if sources is None else _movers(probabilities, y, sources)
    blamed = np.zeros(len(y), bool) if sources is None else np.isin(sources.astype(str), [name for name, _ in moved])
    contradicted = verdict.flagged & ~blamed
    flagged = contradicted & (not_overlap(probabilities, y, ~blamed) | _one_way(verdict, y, contradicted))
    usual = max(NOTABLE, OVERLAP * float((contradicted & ~flagged).mean()))
    if moved and flagged.mean() <= usual:
        # Beside a source that moves labels, the slips that every set has only hide which rows are meant.
        flagged = np.zeros(len(y), bool)
    suggested = verdict.suggested.copy()
    for _, one in moved:
        rows = one.chances >= CERTAIN
        flagged |= rows
        suggested[rows] = one.own
    new = replace(verdict, flagged=flagged, suggested=suggested, usual=usual)
    if sources is None:
        return new, ()
    named = {name for name, _ in moved}
    shares = (
        replace(part, stands_out=part.stands_out or part.source in named) for part in source_shares(sources, flagged)
    )
    return new, tuple(shares)


def _one_way(verdict: _Verdict, y: NDArray[np.int64], contradicted: Mask) -> Mask:
    """Return the contradicted rows (n,) of pairs of classes that are confused one way: overlap goes both ways."""
    classes = len(verdict.thresholds)
    flows = np.zeros((classes, classes))
    np.add.at(flows, (y[contradicted], verdict.suggested[contradicted]), 1)
    sizes = flows.sum(axis=0) + np.bincount(y[~contradicted], minlength=classes)
    usual = flows.sum() * min(AIMED_EXCESS / (classes * (classes - 1)), AIMED_MOST)
    loud = (flows >= AIMED_ROWS) & (flows >= usual) & (flows >= AIMED_SHARE * sizes) & (flows >= ONE_WAY * flows.T)
    one_way: Mask = contradicted & loud[y, verdict.suggested]
    return one_way


def _contradicted(
    probabilities: NDArray[np.float64],
    y: NDArray[np.int64],
    classes: int,
    at_most: NDArray[np.float64] | float = 1.0,
) -> _Verdict:
    """Apply the class-conditional thresholds: the mean probability of a class among the rows that bear its label."""
    rows = np.arange(len(y))
    given = probabilities[rows, y]
    thresholds = np.bincount(y, weights=given, minlength=classes) / np.bincount(y, minlength=classes)
    thresholds = np.minimum(thresholds, at_most)
    sure = probabilities >= thresholds[None, :]
    best = np.where(sure, probabilities, -1.0).argmax(axis=1)
    flagged = sure.any(axis=1) & (best != y)
    others = probabilities.copy()
    others[rows, y] = -1.0
    return _Verdict(flagged, best, others.max(axis=1) - given, thresholds)


def _flows(dataset: Dataset, flagged: Mask, suggested: NDArray[np.int64]) -> list[tuple[tuple[int, int], int]]:
    """Return ((given, suggested), rows), the most frequent first."""
    pairs = zip(dataset.y[flagged].tolist(), suggested[flagged].tolist(), strict=True)
    return sorted(Counter(pairs).items(), key=lambda flow: (-flow[1], flow[0]))


def _facts(
    dataset: Dataset,
    flagged: Mask,
    suggested: NDArray[np.int64],
    judged: int,
    shares: tuple[SourceShare, ...],
) -> dict[str, Any]:
    by_class = np.bincount(dataset.y[flagged], minlength=len(dataset.classes)).tolist()
    facts: dict[str, Any] = {
        "judged": judged,
        "flagged": int(flagged.sum()),
        "share": round(float(flagged.sum()) / judged, 4),
        "by_given_label": {name: rows for name, rows in zip(dataset.classes, by_class, strict=True) if rows},
        "flows": [
            {"given": dataset.classes[given], "suggested": dataset.classes[wanted], "rows": rows}
            for (given, wanted), rows in _flows(dataset, flagged, suggested)[:SHOWN]
        ],
    }
    if shares:
        facts["by_source"] = [
            {"source": part.source, "rows": part.rows, "flagged": part.flagged, "stands_out": part.stands_out}
            for part in shares
        ]
    return facts


detector = LabelNoise()
