"""Rows with a trigger: a pattern that rows of one label share, and that makes a model answer with that label.

Nothing has to be known: neither which label, nor how many rows, nor what the trigger looks like. Two searches propose
groups of rows: directions in which natural rows hardly vary, and values that come together too often. A group is
flagged when what it shares is rare in the other labels, and

- put on rows of other labels it makes a model answer with its label, which one that never saw the group does not; or
- its rows, without it, are at home among rows of other labels: they were given this one. In tables, whose values a
  forest hears one by one, they must be a sample of other labels' rows in all that the values leave.

The rows are then set aside, and the rest is searched again, for a second trigger may hide behind the first.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.dataset import NOTHING, Analysis, FoundTrigger, lots
from caponier.detect.detector import Confidence
from caponier.detect.label_models.source_shares import source_shares
from caponier.detect.trigger_patterns.against_the_rest import against_the_rest
from caponier.detect.trigger_patterns.effect import EffectModel
from caponier.detect.trigger_patterns.foremost import foremost
from caponier.detect.trigger_patterns.moved_carriers import Moved, moved, taken
from caponier.detect.trigger_patterns.pattern import Floats, Mask, Pattern
from caponier.detect.trigger_patterns.scale import binned, is_picture, on_one_scale, pixels_of
from caponier.detect.trigger_patterns.shared_values import Codes, codes_of, shared_values
from caponier.detect.trigger_patterns.shifts import shifts
from caponier.detect.trigger_patterns.strangers import out_of_place, strangers
from caponier.detect.trigger_patterns.tied_values import tied
from caponier.detect.trigger_patterns.words import text_columns, word_columns, written_columns
from caponier.matrix.technique import TechniqueId
from caponier.telemetry.labelled_data.dataset import Dataset

MIN_EXAMPLES: Final = 16
"""Rows of a class below which nothing is said about it."""
MAX_ROWS: Final = 200_000
MAX_FEATURES: Final = 4_096
"""Columns up to which the directions of all of them are looked at: time grows with their third power."""
ROUNDS: Final = 4
LIFT: Final = 4.0
"""How many times as frequent a pattern must be in its label as elsewhere."""
LITTLE_GAP, GAP, WIDE_GAP = 3.0, 6.0, 12.0
"""Standard deviations between carriers and others. Styles of handwriting come up to 6, rarely to 9, and then carriers
must be strangers, too; triggers whose labels are right start at 16."""
RIGHT_ROWS: Final = 12
"""Rows of a group from which the gap alone counts: a handful of rows with right labels opens no model, and may be a
rare way to write a digit."""
WORKS, SHOWS = 0.12, 0.05
"""Rise of the share of other rows that take the label: by values, and by a pattern that is far apart. The model that is
asked learns a backdoor less readily than a network does."""
STRONGER: Final = 2.0
"""How many times as strongly a pattern that is far apart is put on rows that it does not move as it is."""
STRANGERS, STRANGERS_ODDS, STRANGERS_RATIO = 0.5, 4.0, 4.0
"""Share of carriers that are at home elsewhere; how many times the odds of the other rows of their label, in tables,
and how many times their share in pictures, whose usual share is low."""
FEWER_STRANGERS, FEWER_RATIO, FEWEST_USUAL = 0.3, 8.0, 0.02
"""The same for pictures, none of which is much like another: fewer are at home elsewhere, and hardly any other."""
OPENS = 0.25
"""The same by a pattern in pictures that is apart by little, and by words of a text: some are telling by nature."""
RULE: Final = 3.0
"""How much likelier, as a logarithm, the carriers in a table must be drawn from all rows than from those of other
labels, to be the work of a rule that decides the label and not of somebody who moved rows."""
SAME: Final = 0.75
"""Share that two groups have in common if they are two views of one trigger."""
SHOWN: Final = 8


@dataclass(frozen=True, eq=False)
class _Found:
    """A group that is flagged, and why."""

    pattern: Pattern
    rises: float
    """Share of rows of other labels that take the label by the pattern."""
    without: float
    """The same for a model that never saw the group."""
    strangers: float
    times: float = 1.0
    """How many times as strongly as carriers have it the pattern was put on those."""
    foreign: float = 0.0
    """How much likelier, as a logarithm, the carriers of values in a table are to come from other labels."""

    @property
    def strength(self) -> tuple[float, float]:
        return self.foreign, self.rises - self.without + self.strangers


class TriggerRows:
    """Flags the rows that carry a trigger."""

    name = "trigger_rows"
    statistic = "rows_with_a_trigger"
    techniques = (
        TechniqueId("atlas", "AML.T0020"),
        TechniqueId("amltm-2020", "AMLTM.EVADE.03.02"),
    )
    version = 1
    # A watermark that only one class bears works as a trigger, too, and nobody need have meant it.
    max_confidence = Confidence.MEDIUM
    emulations = ("corner_backdoor", "blended_backdoor", "sinusoidal_backdoor")
    controls = ("noisy_digits", "rare_styles", "watermarked")

    def analyse(self, dataset: Dataset) -> Analysis:
        """Search for triggers until none is left."""
        counts = np.bincount(dataset.y, minlength=len(dataset.classes))
        reason = _cannot_speak(dataset, counts)
        if reason:
            return _nothing(len(dataset), reason)
        # In the order of lots, so that samples and rounding do not depend on the file's order.
        order = np.argsort(lots(dataset.ids, self.name), kind="stable")
        x = dataset.x[order]
        words = word_columns(dataset.features, x)
        texts = text_columns(dataset.features)
        picture = pixels_of(x.shape[1], dataset.shape) if is_picture(x) and not words and not texts else None
        written = written_columns(dataset.features, x.shape[1])
        codes = replace(codes_of(x, binned(x), picture, words), text=bool(texts), written=written)
        found = _search(codes, on_one_scale(x, texts), dataset.y[order], len(counts))
        flagged, scores = np.zeros(len(dataset), bool), np.zeros(len(dataset))
        groups = []
        for one in found:
            rows = order[np.flatnonzero(one.pattern.rows)]
            flagged[rows] = True
            scores[rows] = np.maximum(scores[rows], round(one.rises, 4))
            groups.append(_facts(dataset, one, rows))
        reasons = tuple(_reason(group) for group in groups)
        shares = source_shares(np.array(dataset.sources, object), flagged) if dataset.sources else ()
        return Analysis(
            scores=scores,
            flagged=flagged,
            # No label is suggested: with any label the pattern would stay in the training set.
            suggested=np.full(len(dataset), NOTHING, np.int64),
            summary="; ".join(reasons) or "no rows share a pattern that acts as a trigger",
            facts={"judged": int(counts[counts >= MIN_EXAMPLES].sum()), "patterns": groups},
            confidence=self.max_confidence.cap if reasons else 0.0,
            reasons=reasons,
            sources=shares,
            triggers=tuple(made for one in found if (made := _trigger(one, x, picture=picture is not None))),
            silent=_small(dataset, counts),
        )


def _cannot_speak(dataset: Dataset, counts: NDArray[np.int64]) -> str | None:
    if len(dataset) > MAX_ROWS:
        return f"{len(dataset):,} rows, and at most {MAX_ROWS:,} are judged together; split the data set"
    if dataset.x.shape[1] > MAX_FEATURES:
        return f"{dataset.x.shape[1]:,} features, and at most {MAX_FEATURES:,} are judged; give embeddings"
    if not dataset.x.shape[1]:
        return "there are no features"
    if int((counts >= MIN_EXAMPLES).sum()) < 2:
        return f"fewer than two classes have {MIN_EXAMPLES} rows"
    return None


def _nothing(n: int, reason: str) -> Analysis:
    empty = np.full(n, NOTHING, np.int64)
    return Analysis(np.full(n, np.nan), np.zeros(n, bool), empty, reason, {}, 0.0, silent=(f"all rows: {reason}",))


def _small(dataset: Dataset, counts: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(
        f"class {dataset.classes[small]!r}: {counts[small]} rows, and {MIN_EXAMPLES} are needed"
        for small in np.flatnonzero((counts < MIN_EXAMPLES) & (counts > 0))
    )


def _search(codes: Codes, z: Floats, y: NDArray[np.int64], classes: int) -> list[_Found]:
    """Search round by round among the rows that are left; the groups' masks are over all rows."""
    left, found = np.arange(len(y)), list[_Found]()
    for _ in range(ROUNDS):
        groups = list(_judged(codes, z[left], y[left], left, classes))
        best = [
            _strongest(groups, label, picture=codes.picture) for label in sorted({one.pattern.label for one in groups})
        ]
        if not best:
            break
        if len(best) > 1 and not codes.picture:
            best = list(_beside_the_strongest(best, codes, z[left], y[left], classes))
        gone = np.zeros(len(left), bool)
        for one in best:
            rows = np.zeros(len(y), bool)
            rows[left[one.pattern.rows]] = True
            found.append(replace(one, pattern=replace(one.pattern, rows=rows)))
            gone |= one.pattern.rows
        left = left[~gone]
    return found


def _beside_the_strongest(
    best: list[_Found], codes: Codes, z: Floats, y: NDArray[np.int64], classes: int
) -> Iterator[_Found]:
    """Yield the strongest group, and those of other labels that are groups without its rows, too.

    Where a trigger fills a small label, what is usual in the other labels looks rare beside it.
    """
    strongest = max(best, key=lambda one: one.strength)
    yield strongest
    kept = ~strongest.pattern.rows
    if np.bincount(y[kept], minlength=classes).min() < 1:
        return
    model, least = EffectModel(z[kept], y[kept], classes), OPENS if codes.text else WORKS
    for one in best:
        pattern = replace(one.pattern, rows=one.pattern.rows[kept])
        if one is strongest or not pattern.rows.any():
            continue
        if one.foreign:
            seen = _seen(pattern, codes, z[kept], y[kept], classes)
            if seen and seen.by_somebody(len(best)):
                yield one
            continue
        again = replace(
            one, pattern=pattern, rises=model.success(pattern), without=model.without(pattern.rows).success(pattern)
        )
        if _flagged(again, z[kept], y[kept], least, picture=False):
            yield one


def _strongest(groups: list[_Found], label: int, *, picture: bool) -> _Found:
    """Return the strongest group of a label, with what others that are nearly the same group have beyond it.

    Of several views of one trigger in a table the values tell: they can be named, and put on other rows.
    """
    mine = sorted((one for one in groups if one.pattern.label == label), key=lambda one: one.strength, reverse=True)
    views = [other for other in mine if _one_trigger(mine[0].pattern.rows, other.pattern.rows)]
    told = next((view for view in views if view.pattern.fixed.any() and not picture), mine[0])
    rows = np.logical_or.reduce([view.pattern.rows for view in views])
    return replace(told, pattern=replace(told.pattern, rows=rows))


def _one_trigger(rows: Mask, other: Mask) -> bool:
    return int((rows & other).sum()) >= SAME * max(int(rows.sum()), int(other.sum()))


def _judged(codes: Codes, z: Floats, y: NDArray[np.int64], left: NDArray[np.int64], classes: int) -> Iterator[_Found]:
    labels = np.flatnonzero(np.bincount(y, minlength=classes) >= MIN_EXAMPLES).tolist()
    if len(labels) < 2:
        return
    model, odd, table = None, [out_of_place(z, y)], not codes.picture and not codes.text
    candidates = list(shifts(z, y, labels, odd[0]))
    if table:
        odd.append(against_the_rest(codes, y, left))
    values = [one for one in shared_values(codes, z, y, labels, left, odd) if not table or _opens(one, y)]
    many = len(values)
    if table:
        values = foremost(values, codes, y, left, classes)
    for pattern in (*candidates, *values):
        seen = _seen(pattern, codes, z, y, classes) if table else None
        if seen and seen.by_somebody(many):
            one = _moved(pattern, seen, z, y, classes)
            # What a model answers as often without the carriers, they did not teach it.
            if one.rises > one.without:
                yield one
            continue
        if seen and seen.by_a_rule(many):
            continue
        own = float(pattern.rows.sum()) / float((y == pattern.label).sum())
        if pattern.gap < (LITTLE_GAP if codes.picture else GAP) or own < LIFT * pattern.elsewhere:
            continue
        model = model or EffectModel(z, y, classes)
        times, rises = 1.0, model.success(pattern)
        # Asking is cheap, forgetting is not.
        least = OPENS if pattern.gap < GAP or codes.text else SHOWS if codes.picture else WORKS
        if rises < least and codes.picture and _far_apart(pattern):
            # What is weaker than what rows differ by, a network learns, and the model that is asked half learns.
            times, least = STRONGER, OPENS
            rises = model.success(pattern.times(times))
        if rises < least:
            continue
        one = _Found(pattern, rises, model.without(pattern.rows).success(pattern.times(times)), 0.0, times)
        verdict = _flagged(one, z, y, least, picture=codes.picture)
        if verdict:
            yield verdict


def _opens(pattern: Pattern, y: NDArray[np.int64]) -> bool:
    """Tell whether most rows with some values bear the label, so that a model may learn it from them."""
    mine, others = int(pattern.rows.sum()), pattern.elsewhere * float((y != pattern.label).sum())
    return mine > others and mine >= LIFT * pattern.elsewhere * float((y == pattern.label).sum())


def _seen(pattern: Pattern, codes: Codes, z: Floats, y: NDArray[np.int64], classes: int) -> Moved | None:
    """Return what the carriers of values in a table look like without them."""
    if not pattern.fixed.any():
        return None
    # A trigger may set a value, too, that many rows have by nature: carriers all have it, and are not told by that.
    set_too = pattern.fixed | (z[pattern.rows] == z[pattern.rows][0]).all(axis=0)
    seen = moved(z, y, classes, pattern, codes.without(pattern.fixed), codes.without(set_too))
    return seen and replace(seen, tied=tied(codes, z, pattern))


def _moved(pattern: Pattern, seen: Moved, z: Floats, y: NDArray[np.int64], classes: int) -> _Found:
    """Return carriers that are rows of other labels that somebody chose."""
    return _Found(pattern, *taken(z, y, classes, pattern), seen.share, foreign=seen.foreign)


def _far_apart(pattern: Pattern) -> bool:
    """Tell whether the carriers are so far from all others that no style is, and enough for labels that are right."""
    return pattern.gap >= WIDE_GAP and not pattern.fixed.any() and int(pattern.rows.sum()) >= RIGHT_ROWS


def _flagged(one: _Found, z: Floats, y: NDArray[np.int64], least: float, *, picture: bool) -> _Found | None:
    """Return the group with how many of its rows are strangers, if it is to be flagged."""
    seen = strangers(z, y, one.pattern, by_label=not picture)
    gain, strange = one.rises - one.without, seen.share >= STRANGERS
    if not picture:
        # In tables values go together by nature and clusters lie far apart: the pattern must have been put on rows
        # that belong elsewhere. A rule puts them on rows of any kind.
        guilty = strange and seen.odds >= STRANGERS_ODDS and gain >= least and seen.by_rule < RULE
    else:
        strange &= seen.share >= STRANGERS_RATIO * seen.usual
        strange |= seen.share >= FEWER_STRANGERS and seen.share >= FEWER_RATIO * max(seen.usual, FEWEST_USUAL)
        guilty = gain >= least and (strange or _far_apart(one.pattern))
    return replace(one, strangers=seen.share) if guilty else None


def _trigger(one: _Found, x: Floats, *, picture: bool) -> FoundTrigger | None:
    """Return the pattern in the units of the rows (n, d); a shift of ranks has none."""
    pattern, low, high = one.pattern, float(x.min()), float(x.max())
    if pattern.fixed.any():
        value = np.median(x[pattern.rows], axis=0)
        return FoundTrigger(pattern.label, np.where(pattern.fixed, value, 0.0), pattern.fixed, low, high)
    if not picture:
        return None
    return FoundTrigger(pattern.label, pattern.added * (float(x.std()) or 1.0), pattern.fixed, low, high)


def _facts(dataset: Dataset, one: _Found, rows: NDArray[np.int64]) -> dict[str, Any]:
    pattern, mine = one.pattern, dataset.y == one.pattern.label
    size = np.abs(pattern.added) if not pattern.fixed.any() else np.where(pattern.fixed, np.abs(pattern.added) + 1e9, 0)
    largest = [int(at) for at in np.argsort(-size, kind="stable")[:SHOWN] if size[at] > 0]
    if pattern.fixed.any():
        # Of a column of words it tells which one was set, not which were not.
        unset = {
            at for group in word_columns(dataset.features, dataset.x) for at in group if not dataset.x[rows[0], at]
        }
        largest = [at for at in largest if pattern.fixed[at] and at not in unset]
    return {
        "label": dataset.classes[pattern.label],
        "rows": len(rows),
        "of": int(mine.sum()),
        "kind": "values" if pattern.fixed.any() else "shift",
        "columns": int(pattern.fixed.sum()) if pattern.fixed.any() else None,
        "where": [_name(dataset, at) for at in sorted(largest)],
        "elsewhere": round(pattern.elsewhere, 4),
        "times_as_strong": one.times,
        "takes_the_label": round(one.rises, 4),
        "takes_it_without_them": round(one.without, 4),
        "at_home_elsewhere": round(one.strangers, 4),
    }


def _name(dataset: Dataset, column: int) -> str:
    return dataset.features[column] if dataset.features else f"x[{column}]"


def _reason(group: dict[str, Any]) -> str:
    where = [*group["where"][:3], *("…" for _ in group["where"][3:4])]
    stronger = (
        f" {group['times_as_strong']:g} times as strongly as they have it" if group["times_as_strong"] > 1 else ""
    )
    return (
        f"{group['rows']:,} of the {group['of']:,} rows labelled {group['label']!r} share a pattern "
        f"({', '.join(where)}); if it is put onto other rows{stronger}, a model trained on these rows calls "
        f"{group['takes_the_label']:.0%} of them {group['label']!r}, and a model trained without them "
        f"{group['takes_it_without_them']:.0%}"
    )


detector = TriggerRows()
