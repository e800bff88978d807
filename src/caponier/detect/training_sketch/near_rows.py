"""Inputs that are nearly a row of the training set, told by keyed digests that reveal no row.

Random planes (Charikar 2002), keyed by the workspace's salt and as often +1 as -1, so that more light on the whole
picture moves nothing. On which sides of some planes an input lies is a band (Indyk and Motwani 1998); each band of each
training row is kept as a SipHash-2-4 (Aumasson and Bernstein 2012) of 64 bits. An input that differs from a row by a
little noise shares bands with it. Which bands are of one row is kept nowhere, or the row could be guessed from them.

The key is never kept beside the digests: whoever has the workspace's salt opens the sketch with it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from math import isqrt
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch
from caponier.detect.similarity.nearest_query import RING
from caponier.detect.windows import windowed_sum

DIGESTS: Final = "training_bands"
"""Name of the digests of the bands among a detector's parameters, ascending."""
CUTS: Final = "training_cuts"
"""Name of the cuts: an input lies beyond a plane if its product is above. They are the middle of benign queries."""
USUAL: Final = "training_usual"
"""Name of how many rows benign callers hit by chance, one number for each level."""
KEY: Final = "training_key"
"""Name of the key while a sketch is open; it is in no file."""

PLANES: Final = 128
BANDS: Final = 16
BITS: Final = 24
"""Planes of a band: their code, a whole number below 2**24, comes out of one float32 product."""
BLOCK: Final = 4_096
"""Rows that are worked through at a time, so that a large training set takes little memory."""
LEVELS: Final = (12, 4)
"""Bands in common from which on an input is *close* to training rows, and from which on it is *near*."""
KNOWN: Final = 4
"""A hit is of a row that was hit already if more than one in so many of its bands were."""
MOST: Final = 0.98
"""Share of the benign callers whose hits are the usual ones; whoever hits more is to be judged, not learned from."""
SPARE: Final = 6
"""Hits that are spared beyond what chance adds to the usual ones."""

WINDOW: Final = RING
"""Different queries over which hits are counted: as many as similarity remembers, so that no query counts twice."""
HITS: Final = 56
"""Hits of a subject that are remembered."""
MEMORY: Final = np.dtype([("ago", np.int16, (HITS,)), ("places", np.int32, (HITS, BANDS))])
"""What is remembered of a subject: how many different queries ago it hit, from 1 (0: nothing), and which bands."""

Sketch = Mapping[str, NDArray[Any]]


def banded(rows: NDArray[np.uint8], benign: NDArray[np.uint8], salt: bytes) -> dict[str, NDArray[Any]]:
    """Make the digests of the bands of training rows.

    Args:
        rows: (n, width) quantised rows.
        benign: (m, width) quantised benign queries, through whose middle the planes go.
        salt: Of the workspace.

    Returns:
        The digests, each once and in ascending order, and the cuts. The sketch is closed.
    """
    key = _key(salt)
    planes, _ = _planes(key.tobytes(), rows.shape[1])
    products = benign.astype(np.float32) @ planes
    cuts = np.floor(np.median(products, axis=0)).astype(np.int64) if len(benign) else np.zeros(PLANES, np.int64)
    return {DIGESTS: np.unique(_digests(rows, cuts, key)), CUTS: cuts}


def opened(params: Sketch, salt: bytes) -> dict[str, NDArray[Any]]:
    """Return parameters with the key, without which no near row is found."""
    return {**params, KEY: _key(salt)} if DIGESTS in params else dict(params)


def matches(params: Sketch, queries: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Find the bands that queries have in common with training rows.

    Args:
        params: An open sketch; without bands, or closed, nothing is found, and nothing is worked out.
        queries: (n, width) quantised.

    Returns:
        (n, BANDS) the place of each band's digest among those of the training rows, from 1; 0 where it is not there.
    """
    if KEY not in params or not len(params.get(DIGESTS, ())) or not len(queries):
        return np.zeros((len(queries), BANDS), np.int32)
    known = params[DIGESTS]
    digests = _digests(queries, params[CUTS], params[KEY]).ravel()
    # In ascending order the search goes through the memory once.
    order = np.argsort(digests)
    at = np.empty(len(digests), np.int64)
    at[order] = np.minimum(np.searchsorted(known, digests[order]), len(known) - 1)
    places = np.where(known[at] == digests, at + 1, 0).astype(np.int32)
    return places.reshape(-1, BANDS)


def new_hits(
    places: NDArray[np.int32], offsets: NDArray[np.int64], memory: NDArray[Any] | None = None
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    """Tell which queries hit training rows that their subject did not hit just before.

    Args:
        places: (n, BANDS) from `matches`, rows sorted by subject.
        offsets: (s + 1,) where each subject's rows begin.
        memory: (s,) rows of `MEMORY`, the hits in front of these rows; none by default.

    Returns:
        (levels, n) booleans, and the new memory. At each level a walk around one row is one hit within `WINDOW` queries
        and `HITS` hits; hits at a lower level are no reason to pass over one at a higher.
    """
    subjects = len(offsets) - 1
    after = np.zeros(subjects, MEMORY)
    found = np.zeros((len(LEVELS), len(places)), bool)
    shared = (places > 0).sum(axis=1)
    rows = np.flatnonzero(shared >= LEVELS[-1])
    owner = np.repeat(np.arange(subjects), np.diff(offsets))[rows]
    hits = _Hits(owner, rows - offsets[owner], places[rows])
    held = _Hits.held(memory) if memory is not None else hits.take(np.zeros(0, np.int64))
    hits = held.then(hits)
    if not len(hits.who):
        return found, after
    ordinal = hits.ordinals()
    shared = (hits.places > 0).sum(axis=1)
    for level, least in enumerate(LEVELS):
        there = np.flatnonzero(shared >= least)
        fresh = hits.take(there).again(ordinal[there]) * KNOWN <= shared[there]
        new = there[fresh & (there >= len(held.who))] - len(held.who)
        found[level, rows[new]] = True
    hits.keep(after, ordinal, np.diff(offsets))
    return found, after


@dataclass(frozen=True, eq=False)
class _Hits:
    """Some hits: whose, which query of the subject counted from these rows' first one, and (m, BANDS) places."""

    who: NDArray[np.int64]
    when: NDArray[np.int64]
    places: NDArray[np.int32]

    @classmethod
    def held(cls, memory: NDArray[Any]) -> Self:
        """Return what is remembered, with queries before these rows counted downwards from -1."""
        known = np.flatnonzero(memory["ago"][:, -1])
        own, slot = np.nonzero(memory["ago"][known])
        own = known[own]
        return cls(own, -memory["ago"][own, slot].astype(np.int64), memory["places"][own, slot])

    def take(self, at: NDArray[np.int64]) -> Self:
        return replace(self, who=self.who[at], when=self.when[at], places=self.places[at])

    def then(self, others: Self) -> Self:
        names = ("who", "when", "places")
        return replace(self, **{name: np.concatenate([getattr(self, name), getattr(others, name)]) for name in names})

    def ordinals(self) -> NDArray[np.int64]:
        """Return which hit of its subject each one is."""
        order = np.lexsort((self.when, self.who))
        who = self.who[order]
        ordinal = np.empty(len(who), np.int64)
        ordinal[order] = np.arange(len(who)) - np.searchsorted(who, who)
        return ordinal

    def again(self, ordinal: NDArray[np.int64]) -> NDArray[np.int64]:
        """Count, for each hit, the places that the same subject had shortly before."""
        row, band = np.nonzero(self.places)
        place = self.places[row, band]
        order = np.lexsort((self.when[row], place, self.who[row]))
        row, place = row[order], place[order]
        same = (np.diff(place) == 0) & (np.diff(self.who[row]) == 0)
        same &= (np.diff(self.when[row]) < WINDOW) & (np.diff(ordinal[row]) <= HITS)
        return np.bincount(row[1:][same], minlength=len(self.who))

    def keep(self, after: NDArray[Any], ordinal: NDArray[np.int64], counts: NDArray[np.int64]) -> None:
        """Write each subject's last hits into its memory, the last one at the end."""
        total = np.bincount(self.who, minlength=len(after))
        slot = HITS - total[self.who] + ordinal
        ago = counts[self.who] - self.when
        # What is too long ago lies in front of what is not.
        stays = (slot >= 0) & (ago < WINDOW)
        after["ago"][self.who[stays], slot[stays]] = ago[stays]
        after["places"][self.who[stays], slot[stays]] = self.places[stays]


def usual(params: Sketch, benign: EventBatch, exact: NDArray[np.bool_], least: int) -> dict[str, Any]:
    """Learn how many training rows benign callers hit by chance among `WINDOW` different queries.

    Args:
        params: An open sketch.
        benign: Different queries of benign callers.
        exact: (n,) which of the queries are training rows; they are hits at every level.
        least: So many are usual for anybody.

    Returns:
        Under `USUAL`, (levels,) counts up to which hits say nothing: what all but the busiest fiftieth of the callers
        keep below, and twice its root and six more, so that strangers do too.
    """
    new, _ = new_hits(matches(params, benign.query), benign.offsets)
    blank = np.broadcast_to(np.int32(0), (benign.subjects, WINDOW))
    learned = np.full(len(LEVELS), least, np.int64)
    counts = np.diff(benign.offsets)
    filled = counts > 0
    for level, hits in enumerate((new | exact).astype(np.int64)):
        sums, _ = windowed_sum(hits, benign.offsets, blank)
        if filled.any():
            most = np.maximum.reduceat(sums, benign.offsets[:-1][filled])
            # Who asked for less than a window would have hit as much more in a whole one.
            most = -(-most * WINDOW // np.minimum(counts[filled], WINDOW))
            often = int(np.quantile(most, MOST, method="higher"))
            # One benign caller above would raise the threshold for exact rows as well.
            learned[level] = max(least, often + 2 * isqrt(often) + SPARE if often > 1 else 0)
    return {USUAL: learned}


def _key(salt: bytes) -> NDArray[np.uint64]:
    """Derive (4,) words from a salt, from which it cannot be found again."""
    derived = hashlib.blake2b(digest_size=32, key=salt, person=b"caponier.bands")
    return np.frombuffer(derived.digest(), "<u8").astype(np.uint64)


@lru_cache(maxsize=16)
def _planes(key: bytes, width: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw (width, PLANES) planes of +1 and -1 in equal number, and the (PLANES, BANDS) weights of bands in codes."""
    drawn = np.frombuffer(hashlib.shake_256(key).digest(4 * PLANES * (width + BANDS)), "<u4")
    # By rank in a keyed order, so that the signs balance; of an odd number one value counts for nothing.
    ranks = drawn[: PLANES * width].reshape(PLANES, width).argsort(axis=1, kind="stable").argsort(axis=1)
    half = width // 2
    planes = (ranks < half).astype(np.float32) - ((ranks >= half) & (ranks < 2 * half)).astype(np.float32)
    chosen = drawn[PLANES * width :].reshape(BANDS, PLANES).argsort(axis=1, kind="stable")[:, :BITS]
    weights = np.zeros((PLANES, BANDS), np.float32)
    weights[chosen, np.arange(BANDS)[:, None]] = 2.0 ** np.arange(BITS)
    return np.ascontiguousarray(planes.T), weights


def _digests(queries: NDArray[np.uint8], cuts: NDArray[np.int64], key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the (n, BANDS) keyed digests of the bands of queries (n, width).

    All products are whole numbers below 2**24, exact in float32 in whatever order they are added.
    """
    if len(queries) > BLOCK:
        starts = range(0, len(queries), BLOCK)
        return np.concatenate([_digests(queries[start : start + BLOCK], cuts, key) for start in starts])
    planes, weights = _planes(key.tobytes(), queries.shape[1])
    beyond = queries.astype(np.float32) @ planes > cuts
    codes = (beyond.astype(np.float32) @ weights).astype(np.uint64)
    return _siphash(codes | (np.arange(BANDS, dtype=np.uint64) << np.uint64(BITS)), key[:2])


def _siphash(words: NDArray[np.uint64], key: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return SipHash-2-4 of messages of one word of eight bytes each, under a key (2,) of two words."""
    start = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v = [np.full(words.shape, np.uint64(word) ^ key[at % 2]) for at, word in enumerate(start)]
    # The message, then a block that holds its length alone.
    for block in (words, np.uint64(8 << 56)):
        v[3] ^= block
        _rounds(v, 2)
        v[0] ^= block
    v[2] ^= np.uint64(0xFF)
    _rounds(v, 4)
    digest: NDArray[np.uint64] = v[0] ^ v[1] ^ v[2] ^ v[3]
    return digest


def _rounds(v: list[NDArray[np.uint64]], n: int) -> None:
    """Mix the four words of a SipHash state n times, in place."""
    for _ in range(n):
        for into, other, turn, back in ((0, 1, 13, True), (2, 3, 16, False), (0, 3, 21, False), (2, 1, 17, True)):
            v[into] += v[other]
            v[other] = _turned(v[other], turn)
            v[other] ^= v[into]
            if back:
                v[into] = _turned(v[into], 32)


def _turned(words: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    turned: NDArray[np.uint64] = (words << np.uint64(bits)) | (words >> np.uint64(64 - bits))
    return turned
