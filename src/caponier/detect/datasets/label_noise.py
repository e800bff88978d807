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
from caponier.detect.label_models.aimed_pairs import AimedPair, learned_pairs, one_way_pairs
from caponier.detect.label_models.out_of_fold import FOLDS, OutOfFold, least_probability
from caponier.detect.label_models.source_labels import CERTAIN, Mover, movers, rows_of
from caponier.detect.label_models.source_shares import source_shares
from caponier.detect.label_models.strange_rows import strange_pairs
from caponier.detect.label_models.usual_errors import FEWEST, not_overlap, said_once, wrong_share
from caponier.matrix.technique import TechniqueId
from caponier.telemetry.labelled_data.dataset import Dataset

MIN_EXAMPLES: Final = 16
"""Rows of a class below which nothing is said about it: two a fold."""
MAX_ROWS: Final = 200_000
NOTABLE: Final = 0.02
"""Share flagged up to which the usual slips of annotators explain it; public benchmarks have 0.15 to 10 % wrong labels,
3.3 % on average (Northcutt, Athalye, Mueller 2021), so a low confidence says just that."""
AIMED_SHARE: Final = 0.05
AIMED_ROWS, AIMED_MIN = 8, 5
AIMED_EXCESS: Final = 4.0
AIMED_MOST: Final = 0.8
"""Share of a class, and least rows of it, whose labels point to one other class, which is worth a finding however small
it is among all rows: targeted flips are few. They must be several times as many as each pair of classes has on average,
or, where there are few pairs, most of all flagged rows."""
OVERLAP: Final = 1.4
"""Share of what a model confuses by itself, divided by the number of classes, up to which wrong labels are not notable
either: of two classes that overlap much some rows look like none that bear their label, of many only the likeliest
others are confused."""
RULED_OUT, DOUBTED = 0.15, 0.3
"""How likely a label may be, beside an even guess, that is ruled out by a model that learned from trusted rows, and by
one that learned from all: where a model confuses next to nothing else, it is wrong, also in copies."""
TELLING: Final = 0.55
"""Share of the errors of always giving the most frequent label that wrong ones may be, or nothing tells them."""
LEARNABLE: Final = 0.3
"""Share of the errors of always giving the most frequent label that a model must save, or it has no say in labels."""
UNTOLD: Final = "the features hardly tell the labels, so they cannot contradict any"
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
    """Share of wrong labels that is no more than what such a set has."""
    wrong: float = 1.0
    """Share of labels that are wrong at least, also of those that cannot be told; 1 where it was not asked."""
    aimed: tuple[tuple[int, int], ...] = ()
    """Pairs of classes, the row's own and the one that it was given, at which somebody aimed."""
    untold: bool = False
    """Whether the features tell too little to contradict a label, and only sources were compared."""

    @property
    def notable(self) -> bool:
        """Whether more labels are wrong than such a set has, and the rows are told."""
        return self.wrong > self.usual and float(self.flagged.mean()) > NOTABLE


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
        judgement = _rounds(dataset.x[judged], y, len(names), *_folds(dataset, judged), sources)
        if judgement is None:
            return _nothing(len(dataset), UNTOLD)
        verdict, shares = judgement
        verdict = replace(verdict, aimed=tuple((int(names[own]), int(names[given])) for own, given in verdict.aimed))
        silent = tuple(
            f"class {dataset.classes[small]!r}: {counts[small]} rows, and {MIN_EXAMPLES} are needed"
            for small in np.flatnonzero(~speaks & (counts > 0))
        )
        if verdict.untold:
            silent = (f"all rows, each by itself: {UNTOLD}; sources were compared", *silent)
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
        reasons, confidence = self._reasons(dataset, flagged, suggested, verdict, shares)
        summary = (
            f"{int(flagged.sum()):,} of {len(judged):,} labels ({share:.1%}) look wrong: models that were trained on "
            "the other rows predict another label"
        )
        return Analysis(
            scores=scores,
            flagged=flagged,
            suggested=suggested,
            summary="; ".join([summary, *reasons[1 if verdict.notable else 0 :]]),
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
        verdict: _Verdict,
        shares: tuple[SourceShare, ...],
    ) -> tuple[tuple[str, ...], float]:
        """Say what is more than the slips that every data set has, and how sure a finding can be."""
        loud = [part for part in shares if part.stands_out]
        reasons = [f"more than {verdict.usual:.0%} of the labels do not fit their rows"] if verdict.notable else []
        reasons += [
            f"{part.flagged:,} of the {part.rows:,} rows from source {part.source!r} are among them"
            if part.flagged
            else f"source {part.source!r} labels rows differently from the other sources, though no row is certain"
            for part in loud
        ]
        reasons += [part.advice for part in loud if part.advice]
        confidence = self.max_confidence.cap if reasons else Confidence.LOW.cap
        sizes = np.bincount(np.where(flagged, suggested, dataset.y), minlength=len(dataset.classes))
        flows, ways = _flows(dataset, flagged, suggested), len(sizes) * (len(sizes) - 1)
        aimed = int(flagged.sum()) * min(AIMED_EXCESS / ways, AIMED_MOST)
        for (given, wanted), rows in flows:
            # Of two classes, one is always contradicted more.
            many = ways > 2 and rows >= max(AIMED_ROWS, aimed, AIMED_SHARE * sizes[wanted])
            if many or ((wanted, given) in verdict.aimed and rows >= AIMED_MIN):
                names = dataset.classes[wanted], dataset.classes[given]
                reasons.append(f"{rows:,} rows labelled {names[1]!r} look like {names[0]!r}")
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


def _folds(dataset: Dataset, judged: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (m,) folds by row id, and a number that equal rows share: in other folds, copies would vouch for twins."""
    drawn = lots(tuple(dataset.ids[row] for row in judged), "label_noise folds")
    _, twins = np.unique(dataset.x[judged], axis=0, return_inverse=True)
    smallest = np.full(int(twins.max()) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, twins.ravel(), drawn)
    folds: NDArray[np.int64] = (smallest[twins.ravel()] % np.uint64(FOLDS)).astype(np.int64)
    return folds, twins.ravel()


def _rounds(
    x: NDArray[np.float64],
    y: NDArray[np.int64],
    classes: int,
    folds: NDArray[np.int64],
    twins: NDArray[np.int64],
    sources: NDArray[np.object_] | None,
) -> tuple[_Verdict, tuple[SourceShare, ...]] | None:
    models, everyone = OutOfFold(x, y, classes, folds), said_once(twins, y)
    if np.bincount(y[everyone], minlength=classes).min() < MIN_EXAMPLES:
        everyone = np.ones(len(y), bool)
    blind = models.probabilities(everyone)
    first = _contradicted(blind, y, classes)
    others = everyone if sources is None else everyone & ~_loud(blind, y, first, sources)
    # Only as long as the others know every class well enough.
    enough = np.bincount(y[others], minlength=classes).min() >= MIN_EXAMPLES
    told = _can_tell(blind, y, everyone)
    if not told and enough and (others != everyone).any():
        # A source that moves many labels may be why; then the others' rows tell them.
        told = _can_tell(models.probabilities(others), y, others)
    if not told:
        known = models.probabilities(others if enough else everyone)
        return None if sources is None else _sources_alone(known, y, first, sources)
    pairs, share = _aimed(blind, y, twins)
    trusted = everyone & ~first.flagged
    for pair in pairs:
        # Where many labels were flipped, right ones are contradicted by them.
        trusted |= everyone & (y == pair.own) & (first.suggested == pair.given)
    for pair in pairs:
        trusted &= ~pair.rows
    if np.bincount(y[trusted & others], minlength=classes).min() >= MIN_EXAMPLES:
        trusted &= others
    # A class of which hardly a row is left teaches with all that it has: nothing else says what is overlap there.
    rare = np.bincount(y[trusted], minlength=classes) < MIN_EXAMPLES // 2
    trusted |= everyone & rare[y]
    probabilities = models.probabilities(trusted)
    second = _contradicted(probabilities, y, classes, first.thresholds)
    moved = [] if sources is None else _movers(probabilities, y, sources)
    # Whoever aimed, the pair is told.
    second = replace(second, aimed=tuple((pair.own, pair.given) for pair in pairs))
    if moved and pairs and sources is not None:
        pairs, share = _aimed_by_others(models, y, twins, everyone & ~_sent_by(moved, sources))
    return _beside_what_is_usual(second, blind, probabilities, y, twins, sources, moved, pairs, share)


def _sources_alone(
    known: NDArray[np.float64], y: NDArray[np.int64], first: _Verdict, sources: NDArray[np.object_]
) -> tuple[_Verdict, tuple[SourceShare, ...]] | None:
    """Compare sources where no label can be contradicted by itself; None where no source moves any."""
    moved = _movers(known, y, sources)
    if not moved:
        return None
    flagged, suggested = np.zeros(len(y), bool), first.suggested.copy()
    chances = _add_moved(moved, known, y, sources, flagged, suggested)
    scores = np.where(_sent_by(moved, sources), first.scores, np.nan)
    verdict = replace(first, flagged=flagged, suggested=suggested, scores=scores, wrong=0.0, untold=True)
    return verdict, _named(sources, flagged, moved, chances)


def _add_moved(
    moved: list[tuple[str, Mover]],
    probabilities: NDArray[np.float64],
    y: NDArray[np.int64],
    sources: NDArray[np.object_],
    flagged: Mask,
    suggested: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Flag the rows (n,) that sources moved, in place; return (n,) the chance of each that it was."""
    _, numbers = np.unique(sources.astype(str), return_inverse=True)
    chances, own = rows_of([one for _, one in moved], probabilities, y, numbers.ravel())
    rows = chances >= CERTAIN
    flagged |= rows
    suggested[rows] = own[rows]
    return chances


def _sent_by(moved: list[tuple[str, Mover]], sources: NDArray[np.object_]) -> Mask:
    """Return the rows (n,) of sources that move labels."""
    return np.isin(sources.astype(str), [name for name, _ in moved])


def _named(
    sources: NDArray[np.object_], flagged: Mask, moved: list[tuple[str, Mover]], chances: NDArray[np.float64]
) -> tuple[SourceShare, ...]:
    """Return the share of each source; those that move labels stand out, with how many they moved."""
    names, by_row = {name for name, _ in moved}, sources.astype(str)
    named = []
    for part in source_shares(sources, flagged):
        if part.source in names:
            own = by_row == part.source
            all_told, untold = float(chances[own].sum()), float(chances[own & ~flagged].sum())
            part = replace(part, stands_out=True, moved=all_told, untold=untold)
        named.append(part)
    return tuple(named)


def _aimed(blind: NDArray[np.float64], y: NDArray[np.int64], twins: NDArray[np.int64]) -> tuple[list[AimedPair], float]:
    """Return the pairs of classes at which somebody aimed, each once, and the share of labels that go one way."""
    classes = blind.shape[1]
    learned = learned_pairs(blind, y, twins, least_probability(classes))
    known = {(pair.own, pair.given) for pair in learned}
    weak, share, at_least = one_way_pairs(blind, y, twins)
    usual = _confused(float((blind.argmax(axis=1) != y).mean()) - share, classes)
    share = share if at_least > usual else 0.0
    return learned + [pair for pair in weak if share and (pair.own, pair.given) not in known], share


def _aimed_by_others(
    models: OutOfFold, y: NDArray[np.int64], twins: NDArray[np.int64], others: Mask
) -> tuple[list[AimedPair], float]:
    """Return the pairs at which sources that are not accused aimed, too, and the share of their labels.

    What an accused source moved goes one way, and takes the labels with it that overlap there by nature.

    Args:
        models: Of all rows.
        y: (n,) given labels.
        twins: (n,) a number that equal rows share.
        others: (n,) the rows of those sources.
    """
    if np.bincount(y[others], minlength=int(y.max()) + 1).min() < MIN_EXAMPLES:
        return [], 0.0
    pairs, share = _aimed(models.probabilities(others)[others], y[others], twins[others])
    rows = np.flatnonzero(others)
    return [replace(pair, rows=np.isin(np.arange(len(y)), rows[pair.rows])) for pair in pairs], share


def _confused(share: float, classes: int) -> float:
    """Return the share of wrong labels that is no more than usual, where a model contradicts a share of others."""
    return max(NOTABLE, OVERLAP / classes * share)


def _can_tell(probabilities: NDArray[np.float64], y: NDArray[np.int64], rows: Mask) -> bool:
    """Tell whether models that have not seen some rows (n,) save enough of the errors of the most frequent label."""
    errors = float((probabilities[rows].argmax(axis=1) != y[rows]).mean())
    # Of few rows a model may seem to save more than it does.
    errors += float(np.sqrt(errors * (1 - errors) / int(rows.sum())))
    return errors <= (1 - LEARNABLE) * (1 - float(np.bincount(y[rows]).max()) / int(rows.sum()))


def _loud(blind: NDArray[np.float64], y: NDArray[np.int64], first: _Verdict, sources: NDArray[np.object_]) -> Mask:
    """Return the rows (n,) of contributors who stand out, or may: what they taught must not speak for them."""
    loud = [part.source for part in source_shares(sources, first.flagged) if part.stands_out]
    names, numbers = np.unique(sources.astype(str), return_inverse=True)
    loud += [str(names[source]) for source, _, _ in strange_pairs(blind, y, numbers.ravel())]
    return np.isin(sources.astype(str), loud + [source for source, _ in _movers(blind, y, sources)])


def _movers(
    probabilities: NDArray[np.float64], y: NDArray[np.int64], sources: NDArray[np.object_]
) -> list[tuple[str, Mover]]:
    names, numbers = np.unique(sources.astype(str), return_inverse=True)
    return [(str(names[one.source]), one) for one in movers(probabilities, y, numbers.ravel())]


def _beside_what_is_usual(
    verdict: _Verdict,
    blind: NDArray[np.float64],
    probabilities: NDArray[np.float64],
    y: NDArray[np.int64],
    twins: NDArray[np.int64],
    sources: NDArray[np.object_] | None,
    moved: list[tuple[str, Mover]],
    pairs: list[AimedPair],
    share: float,
) -> tuple[_Verdict, tuple[SourceShare, ...]]:
    """Leave out what overlapping classes explain, and add what a source moved that the others would not have."""
    blamed = np.zeros(len(y), bool) if sources is None else _sent_by(moved, sources)
    best, aimed = probabilities.argmax(axis=1), np.zeros(len(y), bool)
    for pair in pairs:
        aimed |= (y == pair.given) & (best == pair.own)
    aimed &= ~blamed
    blamed = blamed | aimed
    asked = ~blamed & said_once(twins, y)
    wrong, at_least = wrong_share(blind, y, asked, twins)
    guess = 1 - float(np.bincount(y[asked]).max()) / max(1, int(asked.sum()))
    if wrong > TELLING * guess:
        wrong = at_least = 0.0
    given, classes = (np.arange(len(y)), y), len(verdict.thresholds)
    ruled_out = (
        (best != y) & ~blamed & (probabilities[given] <= RULED_OUT / classes) & (blind[given] <= DOUBTED / classes)
    )
    # By one standard deviation fewer are wrong than it seems.
    surely = max((wrong + at_least) / 2, float(ruled_out[asked].mean()))
    confused = float((best != y)[asked].mean()) - surely
    usual = _confused(confused, classes)
    # Of a model that confuses much, only what it is as sure of as of other rows of that label counts.
    contradicted = (best != y if usual <= NOTABLE else verdict.flagged) & ~blamed
    by_lot = max(wrong, share - float(aimed.mean()))
    flagged = contradicted & not_overlap(probabilities, y, asked, by_lot, at_least)
    if at_least <= usual and usual > NOTABLE:
        # What the model confuses by itself is so much that these contradictions may be the same.
        flagged = np.zeros(len(y), bool)
    elif usual <= NOTABLE:
        flagged |= ruled_out & (ruled_out.sum() >= FEWEST)
    if moved and at_least <= usual:
        # Beside a source that moves labels, the slips that every set has only hide which rows are meant.
        flagged = np.zeros(len(y), bool)
    flagged |= aimed
    suggested = np.where(aimed | (usual <= NOTABLE), best, verdict.suggested)
    chances = np.zeros(len(y))
    if sources is not None:
        chances = _add_moved(moved, probabilities, y, sources, flagged, suggested)
    new = replace(
        verdict,
        flagged=flagged,
        suggested=suggested,
        usual=usual,
        wrong=at_least,
    )
    return new, () if sources is None else _named(sources, flagged, moved, chances)


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
            | ({"moved": round(part.moved)} if part.moved else {})
            for part in shares
        ]
    return facts


detector = LabelNoise()
