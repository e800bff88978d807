"""Follow inference logs as they grow: findings into the store, incidents and responses with them, and none twice."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Final, Protocol

from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.inference.accounts import keys_joined
from caponier.app.inference.findings import CallerFacts, OwnFindings, finding_of
from caponier.app.inference.live import EPOCH, cases_of
from caponier.app.inference.plan import DetectionSettings, Diagnostics, ModelDetection, unavailable
from caponier.app.inference.read_options import ReadOptions
from caponier.app.inference.reading import Reading
from caponier.app.stream.checkpoint import Checkpoint, StreamPosition
from caponier.app.stream.parse import NEVER, Parsed, Parsing
from caponier.app.stream.respond import respond_to
from caponier.detect.registry import event_detectors
from caponier.engines.live import MOST_SUBJECTS
from caponier.engines.resumable import TracedDetection
from caponier.engines.shards import SHARDS, LookTask, ShardPlan, ShardResult
from caponier.errors import CaponierError, InputError
from caponier.formats.walk_files import shown
from caponier.records.finding import Finding
from caponier.records.inventory import FeatureSpec, Workspace

ACTOR: Final = "caponier stream"
LATENESS_S: Final = 5.0
PATIENCE_S: Final = 120.0
"""For how long a store that does not answer is asked again, before the stream ends; it goes on from there."""
APART_US: Final = 3_600 * 1_000_000
"""An event that is so much later than all others waits for another one that agrees."""
MOST_REASONS: Final = 100
OTHERS: Final = "other models are not watched"
_AGAIN_S: Final = 1.0
_SECOND: Final = 1_000_000

Tell = Callable[[str], None]


class StreamEngine(Protocol):
    """Does the work of a look, wherever it has room for it."""

    def parsed(self, frame: Any, parse: Callable[[Any], Parsed]) -> list[Parsed]:
        """Parse what is new, part by part."""
        ...

    def looked(self, plan: ShardPlan, step: LookTask, files: Sequence[str]) -> list[ShardResult | str]:
        """Deal rows out to their shards, and look at them; see `engines.shards.look`."""
        ...


@dataclass
class _Look:
    """What came of one look."""

    found: list[TracedDetection] = field(default_factory=list)
    results: list[ShardResult] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


class EventStream:
    """Findings from logs that grow.

    Args:
        workspace: Inventory, baselines, salt, store, lake and playbooks.
        checkpoint: Where it stands.
        lateness: Seconds by which an event may come later than others of its time; each waits for so long.
        enforce: Do what the playbooks want done and needs no approval, within the limit of `[respond]`.
        lake: Folder that is followed; the workspace's by default.
        shards: Into which subjects are dealt, for a checkpoint that begins.
        tell: Says what happened, in a line.

    Raises:
        InputError: If no model can be watched, or the checkpoint is of other detectors.
    """

    def __init__(
        self,
        workspace: Workspace,
        checkpoint: Checkpoint,
        *,
        lateness: float = LATENESS_S,
        enforce: bool = False,
        lake: Path | None = None,
        shards: int = SHARDS,
        tell: Tell = lambda _: None,
    ) -> None:
        self._workspace, self._checkpoint, self._tell = workspace, checkpoint, tell
        self._terms = DetectionSettings.of(workspace)
        self.remarks = Diagnostics(unavailable(event_detectors, workspace))
        self._cases: dict[str, ModelDetection] = cases_of(self._terms, self.remarks)
        if not self._cases:
            reasons = "; ".join(f"{skip.what}: {skip.reason}" for skip in self.remarks.skipped)
            raise InputError(
                f"no model can be watched{f' ({reasons})' if reasons else ''}",
                where=str(workspace.file),
                hint="Name a baseline for it under [[model]] in caponier.toml; see caponier baseline build",
            )
        self._lateness, self._enforce = int(lateness * _SECOND), enforce
        self.lake = (lake or Path(workspace.lake)).absolute()
        self.position = checkpoint.read(self._cases, shards)
        checkpoint.sweep(self.position)
        plans = {model: tuple(case.plan.parts()) for model, case in self._cases.items()}
        self.plan = ShardPlan(plans, checkpoint.state, self.position.shards)
        self._own = OwnFindings.restored(self.position.own, MOST_SUBJECTS)
        self._lock, self._closed = Lock(), False
        self.came = time.monotonic()
        """When something came last."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models that are watched."""
        return tuple(self._cases)

    def take(self, engine: StreamEngine, frame: Any, batch: int) -> None:
        """Take a micro-batch; one that is in the checkpoint already changes nothing.

        Raises:
            InputError: If those before it are not all in the checkpoint.
            CaponierError: If the stream was closed: a batch that is not taken must come again.
        """
        with self._lock:
            if self._closed:
                raise CaponierError("the stream has ended")
            if batch <= self.position.batch:
                return
            if batch > self.position.batch + 1:
                raise InputError(
                    f"batch {batch} comes, and {self.position.batch} was the last that was looked at",
                    where=str(self._checkpoint.folder),
                    hint="Its parts are of different times: begin anew with --rebuild",
                )
            parts = engine.parsed(frame, self._parsing().parsed)
            if any(part.dealt.events for part in parts):
                self.came = time.monotonic()
            left_out = self._told_of(parts)
            before, came = self.position, max([part.last for part in parts], default=NEVER)
            # The second latest, so that one wrong clock makes nobody late.
            agreed = max([before.agreed, min(before.last, came), *(part.agreed for part in parts)])
            due = before.released if agreed == NEVER else max(before.released, min(agreed, _now()) - self._lateness)
            files = [part.file for part in parts if part.file]
            after = replace(before, agreed=agreed, last=max(before.last, came), batch=batch, left_out=left_out)
            self._step(engine, files, due, after)

    def close(self) -> None:
        """Finish the look that was begun, and begin none on anything new."""
        with self._lock:
            self._closed = True

    def flush(self, engine: StreamEngine, *, at_once: bool = False) -> bool:
        """Look at what still waits, if nothing has come for as long as anything may be late; tell whether that was so.

        Args:
            engine: Does it.
            at_once: Whether nothing more is waited for.
        """
        with self._lock:
            if not self.position.waiting or not (at_once or time.monotonic() - self.came > self._lateness / _SECOND):
                return False
            last, agreed, now = self.position.last, self.position.agreed, _now()
            if not at_once and last - agreed > APART_US:
                # It may be a wrong clock's.
                last = agreed
            due = max(self.position.released, min(last + 1, now if at_once else now - self._lateness))
            if due <= self.position.released:
                return False
            self._step(engine, [], due, self.position)
            return True

    def _parsing(self) -> Parsing:
        # What reads on other machines needs no detectors for it.
        known = replace(self._terms, detectors=[])

        def spec_of(model: str) -> FeatureSpec | None:
            return known.spec(model)

        reading = Reading(ReadOptions(reader="events"), self._terms.salt, spec_of)
        joined, name = keys_joined(self._workspace), f"{self.position.step + 1:09d}"
        return Parsing(self.plan, reading, joined, self.lake, self.position.released, name)

    def _step(self, engine: StreamEngine, files: list[str], due: int, after: StreamPosition) -> None:
        """Look at what is due, keep what was found, and only then say that it was looked at."""
        before = self.position
        shards = {int(shard): names for shard, names in before.files.items()}
        step = LookTask(before.step + 1, due, before.released, shards)
        look = _Look()
        for given in engine.looked(self.plan, step, [*before.waiting, *files]):
            if isinstance(given, str):
                look.waiting.append(given)
            else:
                look.results.append(given)
                look.found += given.found
        findings = list(self._findings(look.found))
        if findings:
            self._kept(findings, sum(result.callers for result in look.results))
        left_out = Counter(after.left_out)
        left_out["late"] += sum(result.overtaken for result in look.results)
        left_out["duplicate"] += sum(result.repeated for result in look.results)
        self.position = replace(
            after,
            step=step.number,
            released=due,
            files={**before.files, **{str(result.shard): result.files for result in look.results}},
            subjects={**before.subjects, **{str(result.shard): result.subjects for result in look.results}},
            waiting=tuple(look.waiting),
            own=self._own.kept(),
            events=before.events + sum(result.events for result in look.results),
            findings=before.findings + len(findings),
            left_out={reason: count for reason, count in left_out.items() if count},
        )
        self._checkpoint.write(self.position)

    def _findings(self, found: Iterable[TracedDetection]) -> Iterable[Finding]:
        """Write findings as a scan does: those of callers first, for what one sent alone is told once."""
        ordered = sorted(found, key=lambda one: _order(one))
        for one in ordered:
            self._own.add(one.detection, _moment(one.last_time))
        for one in ordered:
            caller = CallerFacts(
                trigger_id=one.trigger_id,
                event_ids=one.event_ids,
                first_time=_moment(one.first_time),
                last_time=_moment(one.last_time),
                system=one.system,
                version=one.version,
                senders=one.senders,
            )
            if not self._own.tell(one.detection, caller):
                case = self._cases[one.detection.model]
                yield finding_of(one.detection, case, caller, self._workspace, self._terms.budget)

    def _kept(self, findings: Sequence[Finding], callers: int) -> None:
        """Keep findings and answer them; a store that does not answer is asked again for a while."""
        _patiently(partial(keep_findings, self._workspace, findings, actor=ACTOR), self._tell)
        for finding in findings:
            said = f"{finding.severity.value} finding {finding.finding_id}: {finding.summary}"
            self._tell(f"{said} ({finding.subject.in_words}, model {finding.model})")
        if self._enforce:
            # By what was found, not by what is new in the store: whoever was cut off in between has it there already.
            ids = [finding.finding_id for finding in findings]
            _patiently(partial(respond_to, self._workspace, ids, callers, ACTOR, self._tell), self._tell)

    def _told_of(self, parts: Sequence[Parsed]) -> Counter[str]:
        """Count what could not be used by now, and name the first of what is new."""
        left_out = Counter(self.position.left_out)
        for part in parts:
            left_out += part.rejected.reasons
            left_out["nobody is named"] += part.dealt.nobodys
            left_out["input of the wrong length"] += len(part.dealt.wrong)
            for model, count in part.dealt.unwatched.items():
                reason = f"{model} is not watched"
                # Whoever asks for made-up models fills no checkpoint with their names.
                left_out[reason if reason in left_out or len(left_out) < MOST_REASONS else OTHERS] += count
            for one in part.rejected.first:
                self._tell(f"rejected: {shown(Path(one.file))}:{one.line}: {one.reason}")
        return left_out


def _order(one: TracedDetection) -> tuple[str, str, str, tuple[int, int], str]:
    found = one.detection
    return found.model, found.kind, found.subject, found.trigger, found.detector


def _patiently(work: Callable[[], Any], tell: Tell) -> Any:
    """Do something with the store, again if it does not answer.

    Raises:
        CaponierError: If it does not for `PATIENCE_S`.
    """
    until, told = time.monotonic() + PATIENCE_S, False
    while True:
        try:
            return work()
        except InputError:
            raise
        except CaponierError as failed:
            if time.monotonic() > until:
                raise
            if not told:
                tell(f"warning: {failed.what}; it is asked again for {PATIENCE_S:.0f} s")
                told = True
        time.sleep(_AGAIN_S)


def _moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def _now() -> int:
    return int(datetime.now(UTC).timestamp() * _SECOND)
