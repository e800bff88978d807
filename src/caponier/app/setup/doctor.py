"""What can be seen in a workspace and what not, what is stale or missing, and the next command for each."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from caponier.app.inference.load import feature_spec, lacking, load_events, seeing
from caponier.app.inference.log_gaps import missing
from caponier.app.inference.plan import Diagnostics, enabled, lines_for, refuse_other_input
from caponier.app.inference.read_options import USUAL, ReadOptions
from caponier.app.progress import Progress, Silent
from caponier.app.workspace.workspace import read_salt
from caponier.detect.calibration.baseline import Baseline, ModelBaseline, is_baseline
from caponier.detect.calibration.judging import FEWEST
from caponier.engines.spool import ModelSummary, Spool
from caponier.errors import CaponierError, InputError
from caponier.records.inventory import ModelSpec, Workspace
from caponier.telemetry.rejections import RejectedRows

OLD: Final = timedelta(days=90)
"""A baseline of this age has seen no season but its own."""
EXTRAS: Final = {
    "logs": ("sigma", "scan logs, with Sigma rules"),
    "serve": ("aiohttp", "guard"),
    "emulate": ("sklearn", "validate, emulate and the demo"),
}
"""Extra to a module of it, and what needs it."""
_MOST_FILES: Final = 100
"""Files in the workspace's folder that are looked at."""
_PATIENCE: Final = 2.0
"""Seconds for a model server to answer."""


class State(StrEnum):
    """How something is."""

    OK = "ok"
    LACKS = "incomplete"
    WRONG = "wrong"


@dataclass(frozen=True)
class Checkup:
    """One thing that was looked at."""

    about: str
    state: State
    says: str
    hint: str = ""
    """The next command, or what to do."""

    def to_dict(self) -> dict[str, str]:
        """Return it as JSON has it."""
        return {"about": self.about, "state": self.state.value, "says": self.says, "next": self.hint}


def examine(
    workspace: Workspace, logs: Sequence[Path] = (), options: ReadOptions = USUAL, progress: Progress | None = None
) -> list[Checkup]:
    """Look at a workspace. What is wrong with one part keeps no other from being looked at.

    Args:
        workspace: The workspace.
        logs: Logs to check; by default those in the lake.
        options: How they are to be read.
        progress: Told how far it is.
    """
    checks = [*_house(workspace), *_inventory(workspace)]
    for model in workspace.models:
        checks += _model(workspace, model)
    return checks + list(_logs(workspace, logs, options, progress or Silent()))


def _house(workspace: Workspace) -> Iterator[Checkup]:
    try:
        read_salt(workspace)
        yield Checkup(
            "salt",
            State.OK,
            "only you can read it",
            "Keep it in your backups (caponier backup includes it): without it, the same callers appear under other "
            "hashed names.",
        )
    except InputError as wrong:
        yield Checkup("salt", State.WRONG, wrong.what, wrong.hint or "")
    for extra, (module, use) in EXTRAS.items():
        if find_spec(module) is None:
            yield Checkup(
                f"extra {extra}", State.LACKS, f"not installed; needed for {use}", f"pip install 'caponier[{extra}]'"
            )
    upstream = workspace.guard.get("upstream")
    if isinstance(upstream, str):
        yield _reached(upstream)


def _reached(url: str) -> Checkup:
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), _PATIENCE):
            return Checkup("model server", State.OK, f"{parts.hostname}:{port} can be reached", "caponier guard")
    except (OSError, ValueError) as failed:
        return Checkup("model server", State.WRONG, f"cannot be reached: {failed}", "Correct upstream in [guard].")


def _inventory(workspace: Workspace) -> Iterator[Checkup]:
    if not workspace.models:
        hint = "Suggest them from a log: caponier init DIR --from LOG"
        yield Checkup(
            "models",
            State.LACKS,
            "no [[model]] is described, so scans use no baseline and do not know what kind of input a model takes",
            hint,
        )
    for model in workspace.models:
        if workspace.system_of(model.name) is None:
            hint = "Name it under models of a [[system]]: severity depends on the criticality of the system."
            yield Checkup(model.name, State.LACKS, "belongs to no system", hint)
    for system in workspace.systems:
        if not system.owner and not system.contact:
            yield Checkup(system.name, State.LACKS, "it has no owner", "Give owner or contact in [[system]].")


def _model(workspace: Workspace, model: ModelSpec) -> Iterator[Checkup]:
    build = f"caponier baseline build LOG --out {_free(workspace.root, model.name)}"
    if model.features is None:
        yield Checkup(
            model.name, State.LACKS, "its inputs are not described, so each scan infers them from the log", build
        )
    if model.baseline is None:
        says = "no baseline is set for it, so only detectors with built-in thresholds can run"
        at_hand = _at_hand(workspace.root, model.name)
        if at_hand:
            says += f"; {at_hand} in this folder is one of this model"
        hint = "" if at_hand else f"{build}; then "
        set_it = f'write baseline = "{at_hand or _free(workspace.root, model.name)}" under this [[model]]'
        yield Checkup(model.name, State.LACKS, says, f"{hint}{set_it}" if hint else f"{set_it[0].upper()}{set_it[1:]}")
        return
    try:
        baseline = Baseline.load(model.baseline)
    except CaponierError as wrong:
        yield Checkup(model.name, State.WRONG, f"its baseline cannot be used: {wrong.what}", build)
        return
    section = baseline.of(model.name, None)
    if section is None:
        held = ", ".join(sorted({one.model for one in baseline.models}))
        yield Checkup(model.name, State.WRONG, f"its baseline is of other models: {held}", build)
        return
    yield _fit(model, section, build)
    yield _age(model.name, section, build)


def _free(root: Path, name: str) -> str:
    """Return a name for a baseline, under which the workspace's folder has no file of another kind."""
    usual = root / f"{name}.safetensors"
    return usual.name if not usual.exists() or is_baseline(usual) else f"{name}-baseline.safetensors"


def _at_hand(root: Path, name: str) -> str | None:
    """Return the newest file in the workspace's folder that is a baseline of a model, though no setting names it."""
    found = [file for file in sorted(root.glob("*.safetensors"))[:_MOST_FILES] if is_baseline(file)]
    for file in sorted(found, key=lambda file: file.stat().st_mtime, reverse=True):
        try:
            if Baseline.load(file).of(name, None):
                return file.name
        except CaponierError:
            continue
    return None


def _fit(model: ModelSpec, section: ModelBaseline, build: str) -> Checkup:
    known = model.features
    try:
        if known is not None:
            refuse_other_input(
                section, known if known.shape else known.model_copy(update={"shape": section.spec.shape})
            )
    except InputError as wrong:
        return Checkup(model.name, State.WRONG, wrong.what, wrong.hint or build)
    if section.spec.kind == "none":
        hint = f"Log the inputs, and: {build}"
        return Checkup(
            model.name, State.LACKS, "its baseline was learned without inputs, so most detectors do not run", hint
        )
    if section.principals < FEWEST:
        says = (
            f"its baseline knows {section.principals} callers with enough queries; below {FEWEST} there is no promise"
        )
        return Checkup(model.name, State.LACKS, says, f"Learn from a longer log: {build}")
    return Checkup(model.name, State.OK, f"its baseline fits: {section.principals} callers, {section.events:,} events")


def _age(name: str, section: ModelBaseline, build: str) -> Checkup:
    created = datetime.fromisoformat(section.created)
    age = datetime.now(UTC) - created
    if age > OLD:
        hint = f"See whether it still fits: caponier baseline check FILE LOG. If not: {build}"
        return Checkup(name, State.LACKS, f"its baseline is {age.days} days old", hint)
    return Checkup(name, State.OK, f"its baseline is {age.days} days old")


def _logs(workspace: Workspace, logs: Sequence[Path], options: ReadOptions, progress: Progress) -> Iterator[Checkup]:
    lake = Path(workspace.lake)
    paths = list(logs) or ([lake] if "://" not in workspace.lake and _holds_logs(lake) else [])
    if not paths:
        hint = "Check a log: caponier doctor LOG. Or let the guard write one: caponier guard --upstream URL"
        yield Checkup("logs", State.LACKS, "the lake is empty: nothing has been logged yet", hint)
        return
    rejected = RejectedRows()
    try:
        with Spool() as spool:
            read = load_events(spool, paths, rejected, progress, options=options)
    except InputError as wrong:
        yield Checkup("logs", State.WRONG, wrong.what, wrong.hint or "")
        return
    if rejected.count:
        worst = ", ".join(f"{reason} ({count:,})" for reason, count in rejected.reasons.most_common(3))
        yield Checkup(
            "logs", State.LACKS, f"{rejected.count:,} rows cannot be used: {worst}", "--rejected FILE lists them"
        )
    for summary in read:
        yield from _seen(workspace, summary)


def _seen(workspace: Workspace, summary: ModelSummary) -> Iterator[Checkup]:
    name = summary.model
    listed = workspace.model(name)
    if listed is None:
        hint = f'Add [[model]] name = "{name}", or correct the name in the log.'
        yield Checkup(name, State.LACKS, f"{summary.events:,} events of a model that is not described", hint)
    try:
        known = feature_spec(summary, listed.features if listed else None)
    except InputError as wrong:
        yield Checkup(name, State.WRONG, wrong.what, wrong.hint or "")
        return
    able, skipped, _ = lacking(summary, enabled(workspace), known)
    able, blind = seeing(able, known)
    remarks = Diagnostics()
    lines = lines_for(remarks, name, _section(workspace, listed, summary.version), able, _salt(workspace))
    names = ", ".join(line.name for line in lines) or "none"
    until = datetime.fromtimestamp(summary.last_time / 1e6, UTC)
    yield Checkup(
        name,
        State.OK,
        f"{summary.events:,} events, the last at {until:%Y-%m-%d %H:%M}; detectors that can run: {names}",
    )
    for remark in missing(summary):
        yield Checkup(name, State.LACKS, remark)
    lacks: dict[str, list[str]] = {}
    for skip in (*skipped, *remarks.skipped):
        lacks.setdefault(skip.reason, []).append(skip.what.removeprefix(f"{name}: "))
    for detector, why in blind.items():
        lacks.setdefault(why, []).append(detector)
    for note in remarks.notes:
        what, runs_not, why = note.removeprefix(f"{name}: ").partition(" does not run; ")
        if runs_not:
            lacks.setdefault(why, []).append(what)
    for why, detectors in lacks.items():
        does = "does" if len(detectors) == 1 else "do"
        yield Checkup(name, State.LACKS, f"{', '.join(detectors)} {does} not run", why)


def _section(workspace: Workspace, listed: ModelSpec | None, version: str | None) -> ModelBaseline | None:
    """Return what a scan in this workspace would go by; what is wrong with the file is told elsewhere."""
    try:
        return Baseline.load(listed.baseline).of(listed.name, version) if listed and listed.baseline else None
    except CaponierError:
        return None


def _salt(workspace: Workspace) -> bytes:
    try:
        return read_salt(workspace)
    except InputError:
        return b""


def _holds_logs(lake: Path) -> bool:
    return lake.is_dir() and any(path.is_file() and not path.name.startswith(".") for path in lake.rglob("*"))
