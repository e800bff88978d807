"""Discovery: somebody finds out what a model is, by everything that its server answers and not by predictions alone.

Who uses a model settles soon: a few questions about it, a few mistakes in one or two ways, and then work. Who explores
it goes on finding new ways of being refused when it long knows the right one, and asks for metadata and explanations
besides. So of a principal's last 100 requests two things are counted; rows of the same moment, operation and status
are one request, for many logs tell no moment more exactly than by the second. What newcomers have of each is learned
where benign ones fail at all.

*Variety*: in how many ways requests failed, an operation with a group of HTTP statuses being one way, and none counting
more than four times, so that a job that fails all night in one way has the variety of four mistakes. What fails
within the server counts once an operation, for whoever sends a batch again until it is taken does not explore. Failures
before the first good prediction are learning and count half. Refused explanations count extra: hardly anybody asks for
them who does not know how. From that is taken what a newcomer may have, and one for each 15 requests of plain work.

*Interest*: metadata and explanations that were given, up to a number each, and answers never seen before beyond what
benign callers bring out, above what a newcomer may have.

The score is variety x (interest + variety), so that neither reading metadata at each start, nor explaining every
decision, nor failing says anything by itself.

Nothing here is a rate: a probe that takes a week scores as one that takes a minute.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.detect.batch import EventBatch, label_place
from caponier.detect.detector import (
    OPERATIONS,
    Column,
    Confidence,
    Counts,
    Explanation,
    Params,
    Scores,
    Signal,
    State,
    Structure,
    Subject,
)
from caponier.detect.windows import previous
from caponier.matrix.technique import TechniqueId

WINDOW: Final = 100
"""Requests of a principal that count."""
KEPT: Final = 64
"""Of these, the last ones that are other than plain work."""
REPEATS: Final = 4
"""Most failures of one way that count."""
UNEXPLAINED: Final = 3
"""Added to the variety where an explanation was refused to somebody who knew how to ask for a prediction."""
METADATA, EXPLANATIONS, ANSWERS = 4, 8, 8
"""Most metadata, explanations and unusually many answers that count."""
VARIETY_ALLOWED, INTEREST_ALLOWED = 3, 3
"""What a newcomer may have of each, where too few benign callers fail to learn it from."""
WORK: Final = 15
"""Requests of plain work that make up for one failure, likewise, and at least."""
FLOOR, COLD_START = 20, 40
"""The least threshold with a baseline, and the one without."""
ALLOWED: Final = "allowed"
"""Parameter (4,): variety, interest and work as above, and the amount that counts as `FLOOR`."""
TAKEN: Final = (VARIETY_ALLOWED, INTEREST_ALLOWED, WORK, FLOOR)
FAILING: Final = 5
"""Benign principals that must fail for a log to tell what newcomers do: some logs hold good answers alone."""
SLIP: Final = 1
"""Of variety and interest that anybody may have, whatever the log says."""
LEAST: Final = 5
"""Amount that counts as `FLOOR` at least: two failures and two questions too many, or so."""
USUAL: Final = "usual_answers"
"""Parameter (1,): different answers that benign callers get within the window."""
MANY: Final = 20
"""Usual answers where no benign principal tells."""
SHARE: Final = 0.99
"""Of the benign callers get no more different answers than are usual."""

GROUPS: Final = {"predict": 0, "explain": 1, "metadata": 2}
"""Operations that are told apart; all others are a fourth group."""
WAYS: Final[tuple[tuple[int, ...], ...]] = (
    (400, 409, 422),
    (404, 410),
    (405, 501),
    (411, 413, 414, 431),
    (406, 412, 415, 416, 417),
    (402, 403, 451),
    (500, 505),
)
"""Groups of statuses. Not among them are those that say nothing about the caller, such as outages and limits."""
EACH: Final = (len(GROUPS) + 1) * len(WAYS)
"""Ways to fail: `EACH` while a caller is learning, and as many afterwards."""
FAILURES: Final = 2 * EACH
TOLD, EXPLAINED, ANSWER = FAILURES + 1, FAILURES + 2, FAILURES + 3
"""Kinds of requests beside 0 (plain work) and the failures 1 to `FAILURES`: metadata, explanations, new answers."""
MOST_TIMES: Final = np.tile([REPEATS] * (len(WAYS) - 1) + [1], FAILURES // len(WAYS))
"""(FAILURES,) how often each way to fail counts at most; the last group of statuses are the server's own failures."""
REFUSED: Final = slice(EACH + GROUPS["explain"] * len(WAYS), EACH + (GROUPS["explain"] + 1) * len(WAYS))
"""Explanations that failed after the first good prediction, among the failures counted from 0."""

WAY: Final = np.array([next((n for n, way in enumerate(WAYS, 1) if status in way), 0) for status in range(600)])
"""Number of the group of each status, 0 for none."""
GROUP: Final = np.array([GROUPS.get(operation, len(GROUPS)) for operation in OPERATIONS])


class SchemaProbe:
    """Weighs how variously a principal's requests failed against what it asked about the model."""

    name = "schema_probe"
    statistic = "exploration"
    techniques = (
        TechniqueId("atlas", "AML.T0013"),
        TechniqueId("atlas", "AML.T0014"),
        TechniqueId("amltm-2020", "AMLTM.RECON.02.01"),
        TechniqueId("amltm-2020", "AMLTM.RECON.02.02"),
    )
    subject = Subject.PRINCIPAL
    counts = Counts.EVENTS
    needs = frozenset({Signal.PRINCIPAL, Signal.STATUS})
    columns = frozenset({Column.OPERATION, Column.STATUS})
    state = np.dtype(
        [
            ("requests", np.int64),
            ("time", np.int64),
            ("what", np.int32),
            ("place", np.int64, (KEPT,)),
            ("kind", np.uint8, (KEPT,)),
            ("answers", np.uint64, (4,)),
            ("worked", np.bool_),
        ]
    )
    state_version = 3
    floor = FLOOR
    suspect = float(COLD_START)
    shows = Structure.PROBING
    max_confidence = Confidence.HIGH
    emulations = ("api_crawl", "family_fingerprint")
    controls = (
        "first_day",
        "health_check",
        "ab_tester",
        "sdk_client",
        "outage_retrier",
        "wrong_schema_job",
        "auditor",
        "service_key",
    )

    def fit(self, benign: EventBatch) -> Params:
        """Learn how many different answers benign callers get."""
        place = np.arange(len(benign)) - np.repeat(benign.offsets[:-1], np.diff(benign.offsets))
        early = np.flatnonzero((place < WINDOW) & (benign.label != 0))
        pairs = np.unique(benign.subject[early] * 256 + label_place(benign.label[early]))
        counts = np.bincount(pairs // 256, minlength=benign.subjects)
        told = counts[counts > 0]
        usual = int(np.quantile(told, SHARE, method="higher")) if told.size else MANY
        return {USUAL: np.array([usual], np.int64), ALLOWED: self._allowed(benign, usual)}

    def _allowed(self, benign: EventBatch, usual: int) -> NDArray[np.int64]:
        """Learn what benign callers have of variety and interest, how they work for a failure, and amount to."""
        state = np.zeros(benign.subjects, self.state)
        kind = _kinds(benign, state)
        failed = (kind > 0) & (kind <= FAILURES)
        if len(np.unique(benign.subject[failed])) < FAILING:
            return np.array(TAKEN, np.int64)
        work = int(np.clip(len(kind) // failed.sum(), WORK, WINDOW))
        blank = np.zeros(benign.subjects, self.state)
        raw = {USUAL: np.array([usual]), ALLOWED: np.array([0, 0, work, FLOOR])}
        reached = [
            max(SLIP, _usually(self._amounts(raw, blank, benign, part)[1], benign)) for part in (_variety, _interest)
        ]
        allowed = np.array([*reached, work, FLOOR], np.int64)
        amounts = self._amounts({**raw, ALLOWED: allowed}, blank, benign, _amount)[1]
        allowed[-1] = np.clip(_usually(amounts, benign), LEAST, FLOOR)
        return allowed

    def priors(self) -> tuple[Params, float] | None:
        """Take it that a newcomer is alike everywhere."""
        return {USUAL: np.array([MANY], np.int64), ALLOWED: np.array(TAKEN, np.int64)}, COLD_START

    def score(self, params: Params, state: State, batch: EventBatch) -> tuple[State, Scores]:
        """Score, at each request that is more than plain work, what its principal's last 100 requests amount to."""
        after, amounts = self._amounts(params, state, batch, _amount)
        return after, amounts * FLOOR // int(params[ALLOWED][-1])

    def _amounts(
        self, params: Params, state: State, batch: EventBatch, amount: "_Amount"
    ) -> tuple[State, NDArray[np.int64]]:
        """Return an amount at each request that is more than plain work (n,), 0 at others, and the new state."""
        after = state.copy()
        kind = _kinds(batch, after)
        kind[_new_answers(batch, after) & (kind == 0)] = ANSWER
        begins, place = _requests(batch, after)
        scores = np.zeros(len(batch), np.int64)
        rows = np.flatnonzero(begins & (kind > 0))
        if rows.size:
            subject = batch.subject[rows]
            trails = _Trails(state, subject, place[rows], kind[rows])
            scores[rows] = trails.scores(lambda counts, work: amount(counts, work, params))
            after["place"][trails.subjects], after["kind"][trails.subjects] = trails.newest()
        return after, scores

    def explain(self, params: Params, events: EventBatch) -> Explanation:
        """Say what kind of caller this is, and with which request it became clear."""
        score = int(events.signals["score"][-1])
        operation = OPERATIONS[int(events.signals.get(Column.OPERATION, np.zeros(1, np.uint8))[-1])]
        status = int(events.signals.get(Column.STATUS, np.zeros(1, np.int64))[-1])
        summary = (
            "One caller sent requests that failed in many different ways, or asked much about the model itself (its "
            f"last {WINDOW} requests score {score}; newcomers score at most {FLOOR})"
        )
        facts = {
            "score": score,
            "newcomers_at_most": FLOOR,
            "requests": WINDOW,
            "operation": operation,
            "status": status,
        }
        return Explanation(summary, facts, np.array([len(events) - 1]))


class _Trails:
    """The telling requests of some subjects: those that are remembered, and behind them those of a batch.

    Args:
        state: (s,) of all subjects.
        subject: (m,) of each telling request of the batch, ascending.
        place: (m,) how many requests its subject sent before it.
        kind: (m,) from 1.
    """

    def __init__(
        self, state: State, subject: NDArray[np.int64], place: NDArray[np.int64], kind: NDArray[np.int64]
    ) -> None:
        self.subjects, first, own, counts = np.unique(
            subject, return_index=True, return_inverse=True, return_counts=True
        )
        begins = first + KEPT * np.arange(len(self.subjects))
        self._ends = begins + KEPT + counts
        self._rows = np.arange(len(subject)) + KEPT * (own + 1)
        known = (begins[:, None] + np.arange(KEPT)).ravel()
        remembered = state[self.subjects]
        self._kind = np.zeros(len(subject) + len(known), np.int64)
        self._kind[known], self._kind[self._rows] = remembered["kind"].ravel(), kind
        self._place = np.zeros(len(self._kind), np.int64)
        self._place[known], self._place[self._rows] = remembered["place"].ravel(), place
        self._own = np.repeat(np.arange(len(self.subjects)), KEPT + counts)

    def newest(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return place and kind of each subject's last telling requests, (subjects, KEPT) each."""
        last = self._ends[:, None] - KEPT + np.arange(KEPT)
        return self._place[last], self._kind[last]

    def scores(self, amount: "_Weighed") -> NDArray[np.int64]:
        """Return the score at each telling request of the batch; subjects without any failure have none."""
        failed = np.bincount(self._own, (self._kind > 0) & (self._kind <= FAILURES), minlength=len(self.subjects)) > 0
        told = np.flatnonzero(failed[self._own[self._rows]])
        scores = np.zeros(len(self._rows), np.int64)
        if told.size:
            scores[told] = self._exploration(told, failed, amount)
        return scores

    def _exploration(self, told: NDArray[np.int64], failed: NDArray[np.bool_], amount: "_Weighed") -> NDArray[np.int64]:
        """Return the score at some requests, of subjects that failed."""
        # Where no kind is remembered, there never was a request.
        kept = failed[self._own] & (self._kind > 0)
        present, column = np.unique(self._kind[kept], return_inverse=True)
        total = np.zeros((len(column) + 1, len(present)), np.int32)
        total[np.arange(1, len(total)), column] = 1
        np.cumsum(total, axis=0, out=total)
        at = (np.cumsum(kept) - 1)[self._rows[told]]
        own, place = self._own[kept], self._place[kept]
        # One number that rises with subject and place, so that one search finds where each window begins.
        begin = np.searchsorted((own << 44) + place, (own[at] << 44) + np.maximum(place[at] - WINDOW + 1, 0))
        begin = np.maximum(begin, at - KEPT + 1)
        counts = np.zeros((len(at), ANSWER), np.int32)
        counts[:, present - 1] = total[at + 1] - total[begin]
        window = np.minimum(place[at] + 1, WINDOW)
        return amount(counts, window - counts[:, : ANSWER - 1].sum(axis=1))


_Weighed = Callable[[NDArray[np.int32], NDArray[np.int64]], NDArray[np.int64]]
"""What (m, kinds) counts amount to beside (m,) requests of plain work."""
_Amount = Callable[[NDArray[np.int32], NDArray[np.int64], Params], NDArray[np.int64]]
"""The same, by what was learned."""


def _variety(counts: NDArray[np.int32], work: NDArray[np.int64], params: Params) -> NDArray[np.int64]:
    """Return in how many ways requests failed, beyond what is allowed."""
    failures = np.minimum(counts[:, :FAILURES], MOST_TIMES)
    variety = failures[:, :EACH].sum(axis=1) // 2 + failures[:, EACH:].sum(axis=1)
    allowed, _, each, _ = params[ALLOWED]
    variety = variety + UNEXPLAINED * failures[:, REFUSED].any(axis=1) - allowed - work // each
    beyond: NDArray[np.int64] = np.maximum(variety, 0).astype(np.int64)
    return beyond


def _interest(counts: NDArray[np.int32], work: NDArray[np.int64], params: Params) -> NDArray[np.int64]:
    """Return what was asked about the model, beyond what is allowed."""
    interest = np.minimum(counts[:, TOLD - 1], METADATA) + np.minimum(counts[:, EXPLAINED - 1], EXPLANATIONS)
    interest = interest + np.clip(counts[:, ANSWER - 1] - int(params[USUAL][0]), 0, ANSWERS) - int(params[ALLOWED][1])
    beyond: NDArray[np.int64] = np.maximum(interest, 0).astype(np.int64)
    return beyond


def _amount(counts: NDArray[np.int32], work: NDArray[np.int64], params: Params) -> NDArray[np.int64]:
    variety = _variety(counts, work, params)
    return variety * (_interest(counts, work, params) + variety)


def _usually(values: NDArray[np.int64], benign: EventBatch) -> int:
    """Return what but a few of the benign callers never exceed."""
    highest = np.zeros(benign.subjects, np.int64)
    np.maximum.at(highest, benign.subject, values)
    return int(np.quantile(highest, SHARE, method="higher"))


def _requests(batch: EventBatch, after: State) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tell the rows that begin a request, and how many requests their subject sent before; count on in the state."""
    sent = after["requests"].copy()
    earlier, after["time"] = previous(batch.time, batch.offsets, after["time"])
    earlier_what, after["what"] = previous(_what(batch), batch.offsets, after["what"])
    first = np.zeros(len(batch), bool)
    first[batch.offsets[:-1][batch.offsets[1:] > batch.offsets[:-1]]] = True
    begins = (batch.time != earlier) | (_what(batch) != earlier_what) | (first & (sent[batch.subject] == 0))
    total = np.concatenate([[0], np.cumsum(begins)])
    after["requests"] += np.diff(total[batch.offsets])
    return begins, total[1:] - 1 - np.repeat(total[batch.offsets[:-1]] - sent, np.diff(batch.offsets))


def _what(batch: EventBatch) -> NDArray[np.int64]:
    """Number operation and status (n,) together: rows of one request have both in common."""
    operation = batch.signals.get(Column.OPERATION, np.zeros(len(batch), np.uint8))
    status = batch.signals.get(Column.STATUS, np.zeros(len(batch), np.int64))
    what: NDArray[np.int64] = np.clip(status, -1, len(WAY)) * len(OPERATIONS) + operation
    return what


def _kinds(batch: EventBatch, after: State) -> NDArray[np.int64]:
    """Return the kind of each event by operation and status, and note in the state who has worked; 0 is plain work."""
    operation = batch.signals.get(Column.OPERATION, np.zeros(len(batch), np.uint8))
    status = batch.signals.get(Column.STATUS, np.zeros(len(batch), np.int64))
    good = (status >= 200) & (status < 300)
    way = WAY[np.where((status >= 0) & (status < len(WAY)), status, 0)]
    works = good & (operation == OPERATIONS.index("predict"))
    total = np.concatenate([[0], np.cumsum(works)])
    worked = (total[:-1] > total[batch.offsets[batch.subject]]) | after["worked"][batch.subject]
    after["worked"] |= np.diff(total[batch.offsets]) > 0
    kind = np.where(way > 0, GROUP[operation] * len(WAYS) + way + EACH * worked, 0)
    kind[good & (operation == OPERATIONS.index("metadata"))] = TOLD
    kind[good & (operation == OPERATIONS.index("explain"))] = EXPLAINED
    return kind


def _new_answers(batch: EventBatch, after: State) -> NDArray[np.bool_]:
    """Tell the events with an answer that their subject never got before, and note the answers in the state."""
    bit, subject = label_place(batch.label), batch.subject
    word, flag = bit >> 6, np.uint64(1) << (bit & 63).astype(np.uint64)
    unseen = np.flatnonzero((batch.label != 0) & (after["answers"][subject, word] & flag == 0))
    _, first = np.unique(subject[unseen] * 256 + bit[unseen], return_index=True)
    rows = unseen[first]
    np.bitwise_or.at(after["answers"], (subject[rows], word[rows]), flag[rows])
    new = np.zeros(len(batch), bool)
    new[rows] = True
    return new


detector = SchemaProbe()
