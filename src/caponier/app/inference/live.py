"""Findings from events as they come: the same that `scan_inference` makes of their log."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.app.inference.accounts import keys_joined
from caponier.app.inference.findings import CallerFacts, OwnFindings, finding_of
from caponier.app.inference.plan import (
    DetectionSettings,
    Diagnostics,
    ModelDetection,
    levels_of,
    plan_for,
    refuse_other_input,
    unavailable,
)
from caponier.detect.detector import Column, Enriched, Subject
from caponier.detect.registry import event_detectors
from caponier.detect.similarity.cells import Cells
from caponier.engines.cells import by_cell
from caponier.engines.columns import Read, lone_answers, number_of, raw_type
from caponier.engines.judge import Detection
from caponier.engines.live import MOST_SUBJECTS, LiveScan
from caponier.engines.spool import SEPARATOR
from caponier.errors import InputError
from caponier.guard.events import Row
from caponier.records.accused import BUCKET
from caponier.records.event import UNAUTHENTICATED
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec
from caponier.records.skip import Skip
from caponier.telemetry.features import Encoder

NAMELESS_SUBJECTS: Final = 1_000
"""Addresses and sessions that are remembered beside the principals: whoever changes them for each query can push out
others without a name, but nobody with one."""
MOST_DOUBTED: Final = 20
"""Findings of one subject that are remembered as doubted, the last ones."""
MOST_SENDERS: Final = 50_000
"""Events of which it is remembered who sent them."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def microseconds(moment: datetime) -> int:
    """Return a moment as whole microseconds since the epoch."""
    return (moment - EPOCH) // _MICROSECOND


def subject_of(row: Row) -> str | None:
    """Name whom an event is attributed to, as a scan does; None if the event names nobody.

    Whoever the model server does not know is nobody here: callers who never authenticate hold no memory.
    """
    if row.get("status") in UNAUTHENTICATED:
        return None
    if row.get("principal"):
        return f"principal{SEPARATOR}{row['principal']}"
    if row.get("session"):
        return f"session{SEPARATOR}{row['session']}{SEPARATOR}{row.get('source_ip') or ''}"
    if row.get("source_ip"):
        return f"address{SEPARATOR}{row['source_ip']}{SEPARATOR}{row.get('user_agent') or ''}"
    return None


Failed = Callable[[str, str, Exception], None]
"""Told on which model, and in which detector or what else, something failed that is survived."""
Result = TypeVar("Result")


class _Model:
    """One model: what is run over its events, and the state of its subjects."""

    def __init__(self, case: ModelDetection, failed: Failed | None, alpha: float, between: Callable[[], None]) -> None:
        self.case = case
        self._sure = levels_of(case.section, alpha) if case.section else {}
        """Evidence that at most as many benign subjects reach as may be responded to by mistake."""
        self._doubted: OrderedDict[str, deque[Finding]] = OrderedDict()
        """By subject: what was told of it while more of them reach its evidence; the oldest are forgotten."""
        self._confirmed: OrderedDict[str, None] = OrderedDict()
        """Subjects of whom like queries are sure, without a finding of their own; likewise."""
        self._doubted_no_more: list[Finding] = []
        self.size = case.plan.encoder.size
        by_caller, *by_cell = case.plan.parts()
        told = partial(failed, case.plan.model) if failed else None
        self._named = LiveScan(by_caller, MOST_SUBJECTS, told, between)
        self._nameless = LiveScan(by_caller, NAMELESS_SUBJECTS, told, between)
        self._cells = [LiveScan(plan, MOST_SUBJECTS, told, between) for plan in by_cell if plan.cells and self.size]

    def __len__(self) -> int:
        return len(self._named) + len(self._nameless)

    def is_sure(self, found: Detection, finding: Finding) -> bool:
        """Tell whether what was detected is rare enough for a response."""
        kind = Subject.BUCKET if found.kind == BUCKET else Subject.PRINCIPAL
        return found.strength >= self._sure.get(kind, 0) or finding.evidence.share is None

    def doubt(self, found: Detection, trigger: Row, finding: Finding) -> None:
        """Remember a finding that nobody may be responded to for yet."""
        name = f"{BUCKET}{SEPARATOR}{found.subject}" if found.kind == BUCKET else subject_of(trigger) or ""
        if name in self._confirmed:
            self._doubted_no_more.append(finding)
            return
        self._doubted.setdefault(name, deque(maxlen=MOST_DOUBTED)).append(finding)
        if len(self._doubted) > MOST_SUBJECTS:
            self._doubted.popitem(last=False)

    def confirm(self, who: str) -> None:
        """Doubt no finding of a caller any more: what like queries tell of him alone is sure."""
        name = f"principal{SEPARATOR}{who}"
        self._confirmed[name] = None
        if len(self._confirmed) > MOST_SUBJECTS:
            self._confirmed.popitem(last=False)
        self._doubted_no_more += self._doubted.pop(name, ())

    def certain(self) -> Iterator[Finding]:
        """Yield what was doubted, and is no longer since some events of its subject came."""
        while self._doubted_no_more:
            yield self._doubted_no_more.pop(0)
        for kind, scans in ((Subject.PRINCIPAL, (self._named, self._nameless)), (Subject.BUCKET, self._cells)):
            came: set[str] = set()
            came.update(*(scan.came() for scan in scans))
            # Only theirs may have become more: to ask for all that are doubted would cost more with each of them.
            for name in self._doubted.keys() & came:
                if max(scan.strength(name) for scan in scans) >= self._sure[kind]:
                    yield from self._doubted.pop(name)

    @property
    def has_cells(self) -> bool:
        """Whether anything is to be run over what callers ask together."""
        return bool(self._cells)

    def of_callers(self, rows: Sequence[Row]) -> Iterator[Callable[[], list[Detection]]]:
        """Yield what is to be run over the events of each caller; one that fails costs no other what it finds."""
        fitting = [row if self._fits(row) else row | {"input": None} for row in rows]
        for scan, named in ((self._named, True), (self._nameless, False)):
            own = [row for row in fitting if bool(row.get("principal")) is named]
            if own:
                yield partial(self._by_caller, scan, own)

    def forget(self, is_meant: Callable[[str], bool]) -> int:
        """Drop the state of some subjects; cells hold queries of many, and of nobody by name."""
        for name in [name for name in (*self._doubted, *self._confirmed) if is_meant(name)]:
            self._doubted.pop(name, None)
            self._confirmed.pop(name, None)
        return sum(scan.forget(is_meant) for scan in (self._named, self._nameless))

    def of_cells(self, rows: Sequence[Row]) -> Iterator[Callable[[], list[Detection]]]:
        """Yield what is to be run over events of like queries, whoever asked."""
        plan = self.case.plan
        with_input = [row for row in rows if self._fits(row) and row.get("input") is not None]
        for scan in self._cells if with_input else ():
            if plan.cells:
                yield partial(self._by_cell, scan, plan.cells, with_input)

    def _by_caller(self, scan: LiveScan, rows: Sequence[Row]) -> list[Detection]:
        return scan.feed(_batch(rows, self.size, scan.columns))

    def _by_cell(self, scan: LiveScan, cells: Cells, rows: Sequence[Row]) -> list[Detection]:
        return scan.feed(by_cell(_batch(rows, self.size, scan.columns), cells, self.case.plan.encoder))

    def _fits(self, row: Row) -> bool:
        """Tell whether an event can be looked at as it is; another one still counts as an event of its caller."""
        return not self.size or row.get("input") is None or len(row["input"]) == self.size


class LiveFindings:
    """Looks for attacks in events as they come.

    Args:
        terms: What to go by. The models that are watched are those of the baselines, and those whose features the
            inventory describes with a range; a caller cannot make up others.
        event_id_of: From an event's `seq` to its id: findings name events that are long gone from memory.
        failed: Takes failures that are survived: of one detector over one caller's events, which is asked again with
            the caller's next ones, or of all that is run over one model's. Nothing else is touched. Without it failures
            are raised.
        alpha: Share of benign callers whom nobody else asks before they are responded to, see `certain`.
        between: Called between two steps of a look, see `engines.subjects.SubjectPass`.
    """

    def __init__(
        self,
        terms: DetectionSettings,
        event_id_of: Callable[[int], str],
        failed: Failed | None = None,
        alpha: float = 1.0,
        between: Callable[[], None] = lambda: None,
    ) -> None:
        self.remarks = Diagnostics(unavailable(event_detectors, terms.workspace))
        self._failed = failed
        self._joined = keys_joined(terms.workspace)
        self._workspace, self._budget, self._event_id = terms.workspace, terms.budget, event_id_of
        names = _named(terms)
        cases = cases_of(terms, self.remarks)
        self._models = {name: _Model(case, failed, alpha, between) for name, case in cases.items()}
        # Also of those that are not watched yet: their log is what a baseline will be learned from.
        self._takes = {
            name: spec for name in names if (spec := terms.spec(name)) and (spec.columns or name in self._models)
        }
        self._senders: OrderedDict[int, str] = OrderedDict()
        self._certain: list[Finding] = []
        self._together: dict[str, list[Row]] = defaultdict(list)
        """Events, by model, that were looked at by caller and are still to be looked at by cell."""
        self._own = OwnFindings(MOST_SUBJECTS)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that are watched."""
        return tuple(self._models)

    @property
    def subjects(self) -> int:
        """How many subjects are remembered, over all models."""
        return sum(len(model) for model in self._models.values())

    def feed(self, rows: Sequence[Row]) -> list[Finding]:
        """Take the next events, and return what they trigger; see `by_caller`."""
        return [*self.by_caller(rows), *self.by_cell()]

    def by_caller(self, rows: Sequence[Row]) -> list[Finding]:
        """Take the next events, and return what they trigger of each caller.

        What many callers did together waits for `by_cell`: it costs half as much again for each look, and nothing is
        lost by looking at more of it together.

        Args:
            rows: Columns by name; `seq` grows from row to row, and so does `time` within each subject.
        """
        by_model: dict[str, list[Row]] = defaultdict(list)
        for sent in rows:
            one = self._joined.get(sent.get("principal") or "")
            row = sent if one is None else sent | {"principal": one}
            if row["model"] in self._models and subject_of(row) is not None:
                by_model[row["model"]].append(row)
                self._remember(row)
        for name, own in by_model.items():
            if self._models[name].has_cells:
                self._together[name] += own
        runs = [(name, own, run) for name, own in by_model.items() for run in self._models[name].of_callers(own)]
        return self._found(runs)

    def by_cell(self) -> list[Finding]:
        """Return what the events trigger together that were looked at by caller since the last time."""
        waiting, self._together = self._together, defaultdict(list)
        return self._found(
            [(name, own, run) for name, own in waiting.items() for run in self._models[name].of_cells(own)]
        )

    def forget(self, is_meant: Callable[[str], bool]) -> int:
        """Drop what is known of some callers; return of how many something was.

        Args:
            is_meant: Tells of a principal whether it is one of them.
        """

        def is_theirs(subject: str) -> bool:
            kind, _, name = subject.partition(SEPARATOR)
            return kind == "principal" and is_meant(name)

        self._senders = OrderedDict((seq, who) for seq, who in self._senders.items() if not is_meant(who))
        for name, rows in self._together.items():
            self._together[name] = [row for row in rows if not is_meant(row.get("principal") or "")]
        self._own.forget(is_meant)
        self._certain = [
            one for one in self._certain if not is_theirs(f"{one.subject.kind}{SEPARATOR}{one.subject.id}")
        ]
        return sum(model.forget(is_theirs) for model in self._models.values())

    @property
    def waiting(self) -> int:
        """How many events wait for `by_cell`."""
        return sum(map(len, self._together.values()))

    def _found(self, runs: Iterable[tuple[str, Sequence[Row], Callable[[], list[Detection]]]]) -> list[Finding]:
        found: list[Finding] = []
        for name, own, run in runs:
            by_seq = {row["seq"]: row for row in own}
            for detection in self._tried(name, run) or ():
                finding = self._tried(name, partial(self._finding, self._models[name], by_seq, detection))
                found += [finding] if finding else []
            self._certain += self._tried(name, partial(list, self._models[name].certain())) or []
        return found

    def certain(self) -> list[Finding]:
        """Return findings whose subjects have come as high as a share `alpha` of benign ones since they were told.

        What is so rare when it is told is never among them. Each is returned once.
        """
        certain, self._certain = self._certain, []
        return certain

    def _tried(self, model: str, work: Callable[[], Result]) -> Result | None:
        """Do something for one model; what fails there costs no other model, and no other part of it, anything."""
        try:
            return work()
        except Exception as failure:
            if self._failed is None:
                raise
            self._failed(model, "all", failure)
            return None

    def size(self, model: str | None) -> int | None:
        """Return how many values an input of a model holds; None where that is not known."""
        known = self._models.get(model or "")
        return None if known is None else known.size or None

    def takes(self, model: str | None) -> FeatureSpec | None:
        """Return what a model takes; None where that is not known."""
        return self._takes.get(model or "")

    def coarse(self, model: str, row: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Return an input of a model rounded to the levels on which it is compared; None where that is not known."""
        known = self._models.get(model)
        if known is None or len(row) != known.size:
            return None
        rounded = known.case.plan.encoder.coarse(row[None, :])
        return None if rounded is None else rounded[0]

    def _remember(self, row: Row) -> None:
        """Keep who sent an event: what many callers did together is found when most of it is long gone."""
        if row.get("principal"):
            self._senders[row["seq"]] = row["principal"]
            if len(self._senders) > MOST_SENDERS:
                self._senders.popitem(last=False)

    def _finding(self, model: _Model, by_seq: Mapping[int, Row], found: Detection) -> Finding | None:
        trigger = by_seq[found.trigger[1]]
        places = sorted({*found.evidence, found.trigger})
        caller = CallerFacts(
            trigger_id=trigger["event_id"],
            event_ids=tuple(self._event_id(seq) for _, seq in places),
            first_time=EPOCH + found.began * _MICROSECOND,
            last_time=trigger["time"],
            system=trigger.get("system"),
            version=trigger.get("model_version"),
            senders=tuple(who for _, seq in places if (who := self._senders.get(seq))),
        )
        finding = finding_of(found, model.case, caller, self._workspace, self._budget)
        sure = model.is_sure(found, finding)
        self._own.add(found, trigger["time"])
        if self._own.tell(found, caller):
            if sure:
                # It is told as the caller's own, and so is its certainty.
                model.confirm(caller.searcher or "")
            return None
        if not sure:
            model.doubt(found, trigger, finding)
        return finding


def _named(terms: DetectionSettings) -> set[str]:
    names = {section.model for section in terms.baseline.models} if terms.baseline else set()
    return names | ({model.name for model in terms.workspace.models} if terms.workspace else set())


def cases_of(terms: DetectionSettings, remarks: Diagnostics) -> dict[str, ModelDetection]:
    """Return what is run over events as they come, by model: those of the baselines, and those that are described."""
    cases = {name: _spared_case(name, terms, remarks) for name in sorted(_named(terms))}
    return {name: case for name, case in cases.items() if case}


def _spared_case(name: str, terms: DetectionSettings, remarks: Diagnostics) -> ModelDetection | None:
    """Return what to run over a model's events; a description that does not fit costs no other model its guard."""
    try:
        return _case(name, terms, remarks)
    except InputError as wrong:
        remarks.skipped.append(Skip(name, wrong.what))
        return None


def _case(name: str, terms: DetectionSettings, remarks: Diagnostics) -> ModelDetection | None:
    section = terms.section(name, None)
    known = terms.described(name)
    if section is not None:
        encoder = Encoder(section.spec, section.knots)
        if known is not None:
            refuse_other_input(
                section, known if known.shape else known.model_copy(update={"shape": section.spec.shape})
            )
    elif known is not None and _is_whole(known):
        try:
            encoder = Encoder.fit(known, np.zeros((0, known.size or 0), np.float32))
        except InputError as unfit:
            remarks.skipped.append(Skip(name, unfit.what))
            return None
    else:
        lack = "needs a baseline, or features with shape, minimum and maximum in the inventory"
        remarks.skipped.append(Skip(name, lack))
        return None
    return plan_for(remarks, name, section.version if section else None, encoder, terms.detectors, terms)


def _is_whole(spec: FeatureSpec) -> bool:
    """Tell whether inputs can be compared by what the inventory says alone."""
    return spec.kind in ("image", "numeric") and bool(spec.shape) and None not in (spec.minimum, spec.maximum)


def _batch(rows: Sequence[Row], size: int, columns: Iterable[Read]) -> pa.RecordBatch:
    """Return rows of one model as the live engine takes them, sorted by subject and order."""
    ordered = sorted(((subject_of(row) or "", row["seq"], row) for row in rows), key=lambda one: one[:2])
    n = len(ordered)
    seqs = pa.array([seq for _, seq, _ in ordered], pa.int64())
    inputs = [row.get("input") if size else None for _, _, row in ordered]
    there = [values for values in inputs if values is not None]
    flat = np.concatenate(there) if there else np.zeros(0, np.float32)
    # A list that is absent is as long as the one before ends.
    ends = np.cumsum([0 if values is None else size for values in inputs])
    offsets = pa.array(np.concatenate([[0], ends]).astype(np.int32))
    missing = pa.array([values is None for values in inputs])
    further = {str(column): _raw(column, [row for _, _, row in ordered]) for column in columns}
    return pa.record_batch(
        {
            "subject": pa.array([subject for subject, _, _ in ordered], pa.string()),
            "time": pa.array([microseconds(row["time"]) for _, _, row in ordered], pa.int64()),
            "source": pa.array(np.zeros(n, np.int32)),
            "seq": seqs,
            "line": seqs,
            "input": pa.ListArray.from_arrays(offsets, pa.array(flat, pa.float32()), mask=missing),
            "label": pa.array([_answer(row) for _, _, row in ordered], pa.string()),
            **further,
        }
    )


def _answer(row: Row) -> str | None:
    """Return what was answered, as a scan of a log takes it (`engines.columns.with_answers`)."""
    label, scores = row.get("label"), row.get("scores")
    return lone_answers(scores)[0] if label is None and scores is not None and len(scores) == 1 else label


def _raw(column: Read, rows: Sequence[Row]) -> pa.Array:
    """Return a column of events as `engines.columns` takes it."""
    if column in (Column.TOP_SCORE, Column.SURENESS):
        tops = _tops([row.get("scores") for row in rows])
        if column is Column.SURENESS:
            tops = [number_of(row.get("label")) if top is None else top for top, row in zip(tops, rows, strict=True)]
        return pa.array(tops, raw_type(column))
    if isinstance(column, Enriched):
        return pa.array([dict(row.get("signals") or {}).get(column.name) for row in rows], raw_type(column))
    return pa.array([row.get(column.value) for row in rows], raw_type(column))


def _tops(scores: Sequence[NDArray[np.float32] | None]) -> list[float | None]:
    """Return the largest score of each event that is a number, as in a log; None where there is none."""
    there = [at for at, own in enumerate(scores) if own is not None and len(own)]
    tops: list[float | None] = [None] * len(scores)
    if there:
        held = [np.asarray(scores[at]) for at in there]
        begins = np.cumsum([0, *map(len, held[:-1])])
        for at, top in zip(there, np.fmax.reduceat(np.concatenate(held), begins).tolist(), strict=True):
            tops[at] = None if np.isnan(top) else top
    return tops
