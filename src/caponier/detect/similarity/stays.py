"""Stays: which queries a caller asks around one and the same input, however many others it asks in between.

A query that is near to one of the caller's last 200 different queries goes on with the stay of that one. Any other
begins an *entry*, and so does now and then one of a stay that goes on: it is kept as a sketch of 48 bits (which side of
random planes it lies on; Charikar 2002), together with the last few hundred entries before it. An entry like one of
them that has left the ring of 200 returns to its stay, so that who goes round hundreds of inputs is followed as well as
who takes one after the other.

Of each stay little is kept: the answer that it is about, how many visits it had, and the lowest score that this answer
got. It is about the answer that it began with, until another comes three times on end: who begins around each input
with something else hides nothing. So a caller's whole past takes less than four kilobytes. A stay whose entry is
overwritten goes on in one that all such stays of a caller share.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch, label_place
from caponier.detect.detector import Params
from caponier.detect.similarity.nearest_query import FAR, RING

ENTRIES: Final = 288
"""Entries of a subject that are kept: what a detector keeps must fit into 4 kB."""
SHARED: Final = ENTRIES
"""Place of what is kept of stays whose entry was overwritten."""
PLANES: Final = 48
SEED: Final = 20_201_103
HIGHEST: Final = 2**16 - 1
"""No answer yet: everything is lower."""
UNTOLD: Final = HIGHEST - 1
"""An answer without a score: whether the next is lower, nobody knows."""
MANY: Final = 2**6 - 1
"""Visits that are counted at most."""
STEADY: Final = 3
"""Answers on end that are the same, from which on a stay is about that answer, whatever it began with."""
WALK: Final = 3
"""Steps on end, each from the last query around an input, that are counted at most."""
ALONE: Final = 1
"""Earlier queries about as near as the nearest, up to which somebody walks; where each step changes one feature alone,
however many: steps smaller than a quantised unit lie together, and so do those in one small number after the other."""
BLOCK: Final = 256
"""Rows whose sketches are compared at a time, so that they stay in the cache."""
RENEWED: Final = 64
"""Queries after which a stay that is still asked around begins another entry: others in between do not push it out."""
ALIKE: Final = 5
"""Planes between which two sketches may lie to be of one stay."""
NONE: Final = -(2**40)
MARKED: Final = 2**9
"""What a query's age is below; the mark of one that brought a new low stands above."""

STAYS: Final = np.dtype(
    [
        ("asked", np.int32),
        ("begun", np.int32),
        ("age", np.uint16, (RING,)),
        ("walk", np.uint8, (RING // 4,)),
        ("sketch", np.uint8, (ENTRIES, PLANES // 8)),
        ("low", np.uint16, (ENTRIES + 1,)),
        ("held", np.uint32, (ENTRIES + 1,)),
    ]
)
"""What is kept of a subject, the newest last: queries asked; entries begun; of each of the last 200 queries, how many
entries ago its own was, and one, or 0 if it began one, with its mark; and of each entry its sketch, the lowest score of
its stay, and, in 32 bits, the `HELD`."""
HELD: Final = {"label": (0, 8), "again": (8, 1), "first": (9, 9), "visits": (18, 6), "last": (24, 6), "run": (30, 2)}
"""First bit and number of bits: the answer that the stay is about, 0 if there was none; whether its last visit was a
new low; the first kept entry of the same stay; its visits since it is about that answer; and its last answer, in short,
and how often that came on end."""
KNOWN: Final = ("label", "again", "visits", "last", "run")


@dataclass(frozen=True)
class Followed:
    """What is told of n different queries."""

    stay: NDArray[np.int64]
    """(n,) number of the query's stay, among those of all subjects."""
    visit: NDArray[np.int64]
    """(n,) how many queries had an answer since the stay is about its own, this one included; 0 where it has none."""
    low: NDArray[np.bool_]
    """(n,) that answer's score is lower than ever before in the stay."""
    again: NDArray[np.bool_]
    """(n,) so it was at the answer before in the stay."""
    other: NDArray[np.bool_]
    """(n,) the answer is not the one that the stay is about."""
    turned: NDArray[np.bool_]
    """(n,) it is the first in its stay that is not."""
    returned: NDArray[np.bool_]
    """(n,) it returns to a stay after more than 200 different queries."""
    fresh: NDArray[np.bool_]
    """(n,) it is near none of the last 200."""
    choice: NDArray[np.bool_]
    """(n,) the answer before in the stay was no new low, so that where to go on from was to be chosen."""
    loyal: NDArray[np.bool_]
    """(n,) it is nearest to the query that brought the lowest score of the stay, which was not the stay's first."""
    onward: NDArray[np.bool_]
    """(n,) it goes on from the last query around its input, of which the score is known."""
    heedless: NDArray[np.bool_]
    """(n,) so it does although that was no low, or as the third on end: whatever the answers are."""


def learned(query: NDArray[np.uint8]) -> dict[str, NDArray[Any]]:
    """Learn the planes of sketches, each through the middle of rows (n, width)."""
    planes = np.random.default_rng(SEED).choice(np.array([-1, 1], np.int8), (query.shape[1], PLANES))
    products = query.astype(np.float32) @ planes.astype(np.float32)
    cuts = np.floor(np.median(products, axis=0)).astype(np.int64) if len(query) else np.zeros(PLANES, np.int64)
    return {"planes": planes, "cuts": cuts}


def follow(
    params: Params, state: NDArray[Any], queries: EventBatch, near: NDArray[np.bool_], sureness: NDArray[np.int64]
) -> tuple[Followed, NDArray[Any]]:
    """Tell of each query which stay it belongs to.

    Args:
        params: From `learned`.
        state: (s,) rows of `STAYS`.
        queries: n different queries of s subjects, with similarity signals.
        near: (n,) whether each is near the nearest of the 200 before it.
        sureness: (n,) scores of the answers in their order, from 0 to 65,534; negative where there is none.

    Returns:
        What is told, and the (s,) new state.
    """
    trail = _Trail(state, queries, near)
    entries = _Entries(params, state, queries, trail)
    stay = np.where(trail.alive, entries.stay[entries.place(trail.entry)], len(entries.stay) + queries.subject)
    data = _Data(state, entries, queries, stay, sureness)
    after = np.zeros(len(state), STAYS)
    best = trail.marked(np.where(data.low & ~data.other, _mark(data.lowest), 0), _mark(data.before))
    choice = ~trail.fresh & ~data.again & (data.visit > 2) & (data.before > 0) & (data.before < UNTOLD)
    walk = trail.walked(state, best)
    onward = (walk > 0) & (data.visit > 2) & (data.before < UNTOLD) & (sureness >= 0)
    # Whoever tries this and that around one place has the others' company: on a walk, the way back is longer.
    alone = (queries.signals["crowd"] <= ALONE) | (queries.signals["moved"] == 1)
    heedless = onward & alone & (~best | (walk == WALK))
    trail.keep(state, after, queries)
    data.keep(after)
    entries.keep(after)
    seen = (data.visit, data.low, data.again, data.other, data.turned, entries.returned, trail.fresh)
    return Followed(stay, *seen, choice, best & choice, onward, heedless), after


class _Trail:
    """The entry of each query: its own, or that of the earlier query that it is near to."""

    def __init__(self, state: NDArray[Any], queries: EventBatch, near: NDArray[np.bool_]) -> None:
        counts, self.subject = np.diff(queries.offsets), queries.subject
        held = np.minimum(state["asked"], RING).astype(np.int64)
        whose = np.repeat(np.arange(len(state)), held + counts)
        self._begins = np.concatenate([[0], np.cumsum(held + counts)])
        self._place = np.arange(len(whose)) - self._begins[whose]
        at = np.arange(len(queries)) + np.cumsum(held)[self.subject]
        old = np.ones(len(whose), bool)
        old[at] = False
        age, root = np.zeros(len(whose), np.int64), np.arange(len(whose))
        kept = state["age"][whose[old], RING - held[whose[old]] + self._place[old]].astype(np.int64)
        self._mark = np.zeros(len(whose), np.int64)
        age[old], self._mark[old] = kept % MARKED, kept // MARKED
        back = queries.signals["back"].astype(np.int64)
        # Where this detector failed for a while, similarity remembers more than it does.
        near = near & (queries.signals["squared"] != FAR) & (back <= self._place[at])
        self.fresh = ~near
        ordinal = (state["asked"] - held)[self.subject] + self._place[at]
        self.renewed = near & (ordinal // RENEWED != (ordinal - back) // RENEWED)
        self.begins = self.fresh | self.renewed
        begins_one, age = age == 0, np.maximum(age - 1, 0)
        begins_one[at] = self.begins
        total = np.cumsum(begins_one)
        # How many entries the subject had begun with each of its queries.
        begun = np.concatenate([[0], total])[self._begins[:-1] + held]
        self._number = total + (state["begun"] - begun)[whose]
        self._parent = at - np.where(near, back, 0)
        root[at[~self.begins]] -= back[~self.begins]
        self._entry = np.where(age < ENTRIES, self._number - age, NONE)[_roots(root)]
        self._whose, self._at, self._begun = whose, at, begins_one
        self.entry, self.number = self._entry[at], self._number[at]
        self.alive = self.number - self.entry < ENTRIES
        self.before = self._entry[self._parent]
        self._old, self._walk = old, np.zeros(len(old), np.int64)

    def walked(self, state: NDArray[Any], best: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Return with how many steps on end each query (n,) came, WALK at most.

        A step is one from the last query of its entry, or from the one before that if it is not the best: steps that
        are smaller than a quantised unit come to lie by the one or by the other.

        Args:
            state: (s,) rows of `STAYS`.
            best: (n,) whether each is near to what has the lowest score so far.
        """
        old, rows = self._old, np.arange(len(self._old))
        whose = self._whose[old]
        slot = RING - np.minimum(state["asked"], RING).astype(np.int64)[whose] + self._place[old]
        pairs = np.unpackbits(state["walk"], axis=1).reshape(len(state), RING, 2)[whose, slot]
        self._walk[old] = pairs @ np.array([2, 1])
        parent, lesser = rows.copy(), np.zeros(len(old), bool)
        parent[self._at], lesser[self._at] = self._parent, ~best
        order = np.lexsort((self._entry, self._whose))
        own, last, before = parent[order], np.roll(order, 1), np.roll(order, 2)
        same = self._entry[own] == self._entry[order]
        onward = same & (own < order) & ((own == last) | ((own == before) & lesser[order])) & (self._entry[order] >= 0)
        broken = np.maximum.accumulate(np.where(onward, 0, rows))
        self._walk[order] = np.minimum(rows - broken + self._walk[order[broken]], WALK)
        walk: NDArray[np.int64] = self._walk[self._at]
        return walk

    def _slot(self) -> NDArray[np.int64]:
        """Return where each query (m,) stands among the last of its subject; below 0 if it is older."""
        slot: NDArray[np.int64] = RING - (self._begins[self._whose + 1] - self._begins[self._whose]) + self._place
        return slot

    def marked(self, mark: NDArray[np.int64], sought: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Mark the queries (n,), and tell which of them are near to one that is marked as they seek (n,)."""
        self._mark[self._at] = mark
        found: NDArray[np.bool_] = ~self.fresh & (self._mark[self._parent] == sought)
        return found

    def left(self) -> NDArray[np.int64]:
        """Return the number (n,) of the last entry whose query has left the ring when each query comes; 0 if none."""
        gone = self._at - RING - 1
        first = self._begins[self.subject]
        inside = gone >= first
        before = self._number[first] - self._begun[first]
        # What was begun before the oldest query that is remembered.
        left: NDArray[np.int64] = np.where(inside, self._number[np.where(inside, gone, 0)], before)
        return left

    def keep(self, state: NDArray[Any], after: NDArray[Any], queries: EventBatch) -> None:
        """Write what goes on."""
        after["asked"] = state["asked"] + np.diff(queries.offsets)
        after["begun"] = state["begun"] + np.bincount(self.subject[self.begins], minlength=len(state))
        slot = self._slot()
        rows = np.flatnonzero(slot >= 0)
        age = np.minimum(self._number - self._entry, ENTRIES) + 1
        after["age"][self._whose[rows], slot[rows]] = (np.where(self._begun, 0, age) + MARKED * self._mark)[rows]
        pairs = np.zeros((len(state), RING, 2), bool)
        pairs[self._whose[rows], slot[rows]] = self._walk[rows, None] & np.array([2, 1])
        after["walk"] = np.packbits(pairs.reshape(len(state), 2 * RING), axis=1)


class _Entries:
    """The kept entries of each subject, oldest first, and behind them its new ones."""

    def __init__(self, params: Params, state: NDArray[Any], queries: EventBatch, trail: _Trail) -> None:
        rows = np.flatnonzero(trail.begins)
        new = np.bincount(trail.subject[rows], minlength=len(state))
        begun = state["begun"].astype(np.int64)
        held = np.minimum(begun, ENTRIES)
        self._begins = np.concatenate([[0], np.cumsum(held + new)])
        self.whose = np.repeat(np.arange(len(state)), held + new)
        # Place of a subject's entry is its number and this.
        self._shift = self._begins[:-1] + held - begun - 1
        self._subject, at = trail.subject, self._shift[trail.subject[rows]] + trail.number[rows]
        self.old = np.ones(len(self.whose), bool)
        self.old[at] = False
        own = self.whose[self.old]
        self.slot = ENTRIES - held[own] + np.flatnonzero(self.old) - self._begins[own]
        self._sketch = np.zeros(len(self.whose), np.uint64)
        self._sketch[self.old] = _widened(state["sketch"][own, self.slot])
        self._sketch[at] = _sketches(params, queries.query[rows])
        stay = np.arange(len(self.whose))
        stay[self.old] = self._begins[own] + _held(state["held"][own, self.slot], "first") - (ENTRIES - held[own])
        # The last place of those that are no longer kept.
        fresh, lost = trail.fresh[rows], (begun - held)[trail.subject[rows]]
        found = np.where(trail.number[rows] - trail.before[rows] < ENTRIES, self.place(trail.before)[rows], -1)
        found[fresh] = self._found(at[fresh], trail, rows[fresh], lost[fresh])
        stay[at] = np.where(found >= 0, found, at)
        self.returned = np.zeros(len(queries), bool)
        self.returned[rows] = fresh & (found >= 0)
        self.stay = _roots(stay)
        ends = self._begins[1:][self.whose]
        self.rows = np.flatnonzero(ends - np.arange(len(self.whose)) <= ENTRIES)
        """Places of the entries that are kept, and `at` where."""
        self.at = (self.whose[self.rows], ENTRIES - (ends[self.rows] - self.rows))

    def place(self, entry: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the place of each query's entry; anywhere where it is no longer kept."""
        place: NDArray[np.int64] = np.maximum(self._shift[self._subject] + entry, 0)
        return place

    def _found(
        self, at: NDArray[np.int64], trail: _Trail, rows: NDArray[np.int64], lost: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return the place of the last entry most like each new one, among those that left the ring; -1 if none is."""
        found = np.full(len(at), -1)
        number = trail.number[rows]
        # Entries `least` to `most` stand at the front of the ENTRIES places before the new one.
        least = np.maximum(number - ENTRIES, lost + 1)
        most = trail.left()[rows]
        looked = np.flatnonzero(most >= least)
        if not looked.size:
            return found
        windows = sliding_window_view(np.concatenate([np.zeros(ENTRIES, np.uint64), self._sketch]), ENTRIES)
        for start in range(0, len(looked), BLOCK):
            some = looked[start : start + BLOCK]
            begin, end = (edge[some] - number[some] + ENTRIES for edge in (least, most))
            apart = np.bitwise_count(windows[at[some]] ^ self._sketch[at[some], None])
            places = np.arange(ENTRIES)
            apart[(places < begin[:, None]) | (places > end[:, None])] = PLANES
            best = ENTRIES - 1 - apart[:, ::-1].argmin(axis=1)
            alike = apart[np.arange(len(some)), best] <= ALIKE
            found[some] = np.where(alike, at[some] - ENTRIES + best, -1)
        return found

    def keep(self, after: NDArray[Any]) -> None:
        """Write what goes on, over what is known of the stays."""
        after["sketch"][self.at] = self._sketch[self.rows].view(np.uint8).reshape(-1, 8)[:, : PLANES // 8]
        _, first, of = np.unique(self.stay[self.rows], return_index=True, return_inverse=True)
        after["held"][self.at] |= (self.at[1][first][of] << HELD["first"][0]).astype(np.uint32)


class _Data:
    """What is known of each stay, before and after each of its queries."""

    def __init__(
        self,
        state: NDArray[Any],
        entries: _Entries,
        queries: EventBatch,
        stay: NDArray[np.int64],
        sureness: NDArray[np.int64],
    ) -> None:
        kept, subjects = len(entries.stay), len(state)
        whose, slot = entries.whose[entries.old], entries.slot
        self._entries, self._subjects = entries, subjects
        self._of = {}
        for name in ("low", *KNOWN):
            values = np.zeros(kept + subjects, np.int64)
            for rows, at in ((np.flatnonzero(entries.old), (whose, slot)), (slice(kept, None), (slice(None), SHARED))):
                values[rows] = state[name][at] if name == "low" else _held(state["held"][at], name)
            self._of[name] = values
        # Zeros are what nobody has written yet.
        self._of["low"][self._of["visits"] == 0] = HIGHEST
        order = np.argsort(stay, kind="stable")
        told = self._told(stay[order], queries.label[order], sureness[order])
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        self.visit, self.low, self.again, self.other, self.turned, self.before, self.lowest = (
            column[place] for column in told
        )

    def _told(
        self, stay: NDArray[np.int64], label: NDArray[np.uint64], sureness: NDArray[np.int64]
    ) -> tuple[NDArray[Any], ...]:
        """Return what is told of queries in the order of their stays, and go on with what is known.

        The first columns are those of `Followed`; then come the lowest score before each query, and with it.
        """
        if not len(stay):
            return (stay, *(np.zeros(0, bool),) * 4, stay, stay)
        short = np.where(label != 0, np.maximum(label_place(label), 1), 0)
        rows = np.flatnonzero(short != 0)
        flags, values = (np.zeros((4, len(stay)), bool), np.zeros((3, len(stay)), np.int64))
        found = (values[0], *flags, *values[1:])
        if rows.size:
            for column, values in zip(found, self._answered(stay[rows], short[rows], sureness[rows]), strict=True):
                column[rows] = values
        return found

    def _answered(
        self, stay: NDArray[np.int64], short: NDArray[np.int64], sureness: NDArray[np.int64]
    ) -> tuple[NDArray[Any], ...]:
        """Return the same for queries that had an answer, each in short."""
        begins = np.flatnonzero(np.diff(stay, prepend=-1))
        lengths = np.diff(begins, append=len(stay))
        group, which, ends = np.repeat(np.arange(len(begins)), lengths), stay[begins], begins + lengths - 1
        held = {name: self._of[name][which] for name in ("low", *KNOWN)}
        last, run = _runs(short, begins, group, held)
        # What a stay is about: the answer that last came so often on end, or else the one that it began with.
        origin = np.where(held["label"] != 0, held["label"], short[begins])
        about = _latest(short, run >= STEADY, begins, group, origin)
        before = np.roll(about, 1)
        before[begins] = origin
        anew = about != before
        parts = np.flatnonzero(anew | (np.diff(stay, prepend=-1) != 0))
        part = np.repeat(np.arange(len(parts)), np.diff(parts, append=len(stay)))
        goes_on = ~anew[parts]
        of = {name: np.where(goes_on, held[name][group[parts]], 0) for name in ("low", "again", "visits")}
        of["low"] = np.where(goes_on & (of["visits"] > 0), of["low"], HIGHEST)
        other = short != about
        value = np.where(other, 0, np.where(sureness < 0, UNTOLD, np.minimum(sureness + 1, UNTOLD - 1)))
        lowest, lower = _lowest_before(value, parts, part, of["low"])
        visits = np.minimum(np.arange(len(stay)) - parts[part] + 1 + of["visits"][part], MANY)
        low = (value < lowest) & (visits > 1) & ((lowest < UNTOLD) | other)
        again = np.roll(low, 1)
        again[parts] = of["again"] > 0
        kept = {"low": lower, "label": about, "again": low, "visits": visits, "last": last, "run": run}
        for name, values in kept.items():
            self._of[name][which] = values[ends]
        return visits, low, again, other, low & other, lowest, lower

    def keep(self, after: NDArray[Any]) -> None:
        """Write what goes on: all entries of a stay say the same."""
        kept = len(self._entries.stay)
        packed = np.bitwise_or.reduce([self._of[name] << HELD[name][0] for name in KNOWN])
        for name, values in (("low", self._of["low"]), ("held", packed)):
            after[name][self._entries.at] = values[self._entries.stay[self._entries.rows]]
            after[name][:, SHARED] = values[kept:]


def _lowest_before(
    value: NDArray[np.int64], begins: NDArray[np.int64], group: NDArray[np.int64], held: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the lowest value before each row of its group, and with it; `held` (g,) was the lowest before all rows."""
    # Each group lies below the ones before it, so that one running minimum serves all of them.
    apart = (len(begins) - group) * (HIGHEST + 1)
    lowest = np.minimum(np.minimum.accumulate(value + apart) - apart, held[group])
    before = np.roll(lowest, 1)
    before[begins] = held
    return before, lowest


def _mark(low: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return short marks of the lowest scores (n,), from 1."""
    return low % (HIGHEST // MARKED) + 1


def _runs(
    short: NDArray[np.int64], begins: NDArray[np.int64], group: NDArray[np.int64], held: dict[str, NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each answer, shorter still, and how often it has come on end in its group, STEADY at most."""
    last = short % (2 ** HELD["last"][1] - 1) + 1
    other = np.diff(last, prepend=0) != 0
    other[begins] = last[begins] != held["last"]
    rows = np.arange(len(last))
    begun = np.maximum.accumulate(np.where(other, rows, -1))
    inside = begun >= begins[group]
    run = np.where(inside, rows - begun + 1, rows - begins[group] + 1 + held["run"][group])
    return last, np.minimum(run, STEADY)


def _latest(
    values: NDArray[np.int64],
    chosen: NDArray[np.bool_],
    begins: NDArray[np.int64],
    group: NDArray[np.int64],
    held: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the value of the last chosen row of its group up to each row; what was `held` (g,) where there is none."""
    latest = np.maximum.accumulate(np.where(chosen, np.arange(len(values)), -1))
    found: NDArray[np.int64] = np.where(latest >= begins[group], values[latest], held[group])
    return found


def _roots(earlier: NDArray[np.int64]) -> NDArray[np.int64]:
    """Follow places (m,), each of an earlier one or of itself, to where they begin."""
    while True:
        further = earlier[earlier]
        if np.array_equal(further, earlier):
            return earlier
        earlier = further


def _sketches(params: Params, query: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return on which sides of the planes rows (n, width) lie, a bit each."""
    # Whole numbers below 2**24, exact in float32 in whatever order they are added.
    products = query.astype(np.float32) @ params["planes"].astype(np.float32)
    return _widened(np.packbits(products > params["cuts"], axis=1))


def _widened(sketch: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return the bytes (n, PLANES / 8) of sketches as one number each."""
    wide = np.zeros((len(sketch), 8), np.uint8)
    wide[:, : PLANES // 8] = sketch
    return wide.view(np.uint64).ravel()


def _held(packed: NDArray[np.uint32], name: str) -> NDArray[np.int64]:
    """Return one of the numbers that are packed together."""
    first, bits = HELD[name]
    number: NDArray[np.int64] = (packed.astype(np.int64) >> first) & (2**bits - 1)
    return number
