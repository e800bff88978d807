"""Let an alias on an MLflow server name the last good version again, or undo that. No file is ever loaded here."""

import secrets
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from caponier.app.remediate.pinned_test_set import Figures, PinnedTestSet
from caponier.app.remediate.repaired_incident import require_incident
from caponier.app.remediate.rollback import Measurement, RolledBack, rolled_back
from caponier.app.workspace.workspace import acting_user
from caponier.errors import CaponierError, InputError
from caponier.records.inventory import Workspace
from caponier.records.remediation import Remediation, RemediationKind
from caponier.remediate.alias_rollback import HISTORY, STATUS, AliasChange, AliasPlan, changed_history, plan_alias
from caponier.remediate.measuring_command import measure
from caponier.remediate.mlflow_files import VersionFiles, fetch
from caponier.remediate.mlflow_server import MlflowServer, MlflowVersion
from caponier.remediate.model_registry import VersionStatus
from caponier.store import remediations
from caponier.store.database import open_store


@dataclass(frozen=True)
class AliasRollback:
    """What the user asks for."""

    address: str
    """Of the server."""
    model: str
    alias: str | None = None
    to: str | None = None
    undo: bool = False
    sha256: str | None = None
    """What the digest of the version's files must be, where the user knows."""
    measurement: Measurement | None = None
    incident_id: str | None = None


def rollback_alias(asked: AliasRollback, *, workspace: Workspace | None = None) -> RolledBack:
    """Let an alias name an earlier version and tag the one that it named as quarantined, or undo the last time.

    The files of the version are fetched and their digest compared with what is known of them, before anything is
    changed. A version that lies in a store which only its own client reads is not verified, and a note says so.

    Raises:
        InputError: If there is nothing to go back to, the files are not those that were registered, or the server does
            not answer; then the alias names what it named before.
    """
    began = perf_counter()
    require_incident(workspace, asked.incident_id)
    server = MlflowServer(asked.address)
    plan = plan_alias(server.model(asked.model), asked.alias, to=asked.to, undo=asked.undo)
    with tempfile.TemporaryDirectory(prefix="caponier-") as scratch:
        seen = _Seen.of(server, plan, Path(scratch), asked)
        before, after, measured_on = seen.measured(plan, asked)
    author, now, remediation_id = acting_user(), datetime.now(UTC), f"r-{secrets.token_hex(10)}"
    change = AliasChange(
        time=now, author=author, bad=plan.leaves.version, good=plan.takes.version, remediation_id=remediation_id,
        bad_sha256=seen.leaves.digest if seen.leaves else None,
    )  # fmt: skip
    done = Remediation(
        remediation_id=remediation_id,
        kind=RemediationKind.ROLLBACK,
        incident_id=asked.incident_id,
        subject=f"{asked.model} {plan.leaves.version}",
        kept=f"{asked.address} models:/{asked.model}/{plan.leaves.version}",
        produced=f"{asked.address} models:/{asked.model}/{plan.takes.version}",
        measured_on=measured_on,
        before=before,
        after=after,
        author=author,
        created=now,
        details={
            "registry": asked.address,
            "alias": plan.alias,
            "from": plan.leaves.version,
            "to": plan.takes.version,
            "sha256": {"from": change.bad_sha256, "to": seen.takes.digest if seen.takes else None},
            "undoes": plan.undoes.remediation_id if plan.undoes else None,
            "undo": f"caponier remediate rollback {asked.model} --registry {asked.address} --alias {plan.alias} --undo",
            "seconds": round(perf_counter() - began, 1),
        },
    )
    _commit(server, plan, change, done, workspace)
    return rolled_back(done, plan.leaves.version, plan.takes.version, seen.notes, workspace, undo=asked.undo)


@dataclass(frozen=True)
class _Seen:
    """What lies on the server, and copies of what is to be measured."""

    leaves: VersionFiles | None
    takes: VersionFiles | None
    copies: dict[str, Path]
    notes: list[str]

    @classmethod
    def of(cls, server: MlflowServer, plan: AliasPlan, scratch: Path, asked: AliasRollback) -> "_Seen":
        """Fetch both versions, and refuse one that is not what it was.

        Raises:
            InputError: If it is another one, or cannot be compared.
        """
        how, copies, notes = asked.measurement, dict[str, Path](), list[str]()
        found: list[VersionFiles | None] = []
        for version, wanted in ((plan.leaves, _may_load(how, plan)), (plan.takes, True)):
            copy = scratch / version.version if how and how.command and wanted else None
            found.append(_fetched(server, asked.model, version, copy, notes, needed=version is plan.takes))
            if copy and found[-1]:
                copies[version.version] = copy
        leaves, takes = found
        expected = (asked.sha256 or "").lower() or plan.expected
        if expected and (takes is None or takes.digest != expected):
            is_now = f"their SHA-256 is {takes.digest}" if takes else "they cannot be read here"
            what = f"the files of version {plan.takes.version} of {asked.model} are not those that are asked for"
            raise InputError(f"{what}; nothing was changed", hint=f"It must be {expected}; {is_now}.")
        if takes and not expected:
            notes.append(f"nobody said what version {plan.takes.version} must be; the SHA-256 of its files is "
                         f"{takes.digest}: keep it for --sha256")  # fmt: skip
        if takes is None:
            place = server.place(asked.model, plan.takes.version)
            notes.append(f"the files of version {plan.takes.version} were not verified: they lie in {place}")
        return cls(leaves, takes, copies, notes)

    def measured(self, plan: AliasPlan, asked: AliasRollback) -> tuple[Figures, Figures, str]:
        """Return figures of what leaves and of what is taken, and the digest of the test set."""
        how = asked.measurement
        if how is None:
            self.notes.append("no test set was given, so nothing was measured")
            return {}, {}, ""
        test = PinnedTestSet.read(how.test, how.columns, how.test_sha256)
        if how.command is None:
            self.notes.append("versions of an MLflow server are measured with --evaluate-command alone")
            return {}, {}, ""
        figures: list[Figures] = []
        for version in (plan.leaves, plan.takes):
            copy = self.copies.get(version.version)
            if copy is None:
                self.notes.append(f"version {version.version} was not measured: {_why(version, plan, how)}")
            told = {"model": str(copy), "test": str(test.dataset.path)}
            figures.append(measure(how.command, told) if copy else {})
        return figures[0], figures[1], test.digest


def _may_load(how: Measurement | None, plan: AliasPlan) -> bool:
    return bool(how and how.bad_too) or plan.undoes is not None


def _why(version: MlflowVersion, plan: AliasPlan, how: Measurement) -> str:
    if version is plan.leaves and not _may_load(how, plan):
        return "a command would have to load it; allow that with --measure-bad"
    return "its files cannot be read here"


def _fetched(
    server: MlflowServer, model: str, version: MlflowVersion, copy: Path | None, notes: list[str], *, needed: bool
) -> VersionFiles | None:
    try:
        return fetch(server, server.place(model, version.version), copy)
    except InputError as gone:
        # What leaves service may be gone already; that must not keep it there.
        if needed:
            raise
        notes.append(f"the files of version {version.version} cannot be read: {gone.what}")
        return None


def _commit(
    server: MlflowServer, plan: AliasPlan, change: AliasChange, done: Remediation, workspace: Workspace | None
) -> None:
    """Change the server and write the record, or neither: a change that fails is taken back as far as it came."""
    with ExitStack() as stack:
        if workspace:
            connection = stack.enter_context(stack.enter_context(open_store(workspace.store)).write())
            remediations.add(connection, done)
        if server.aliased(plan.model.name, plan.alias) != plan.leaves.version:
            what = f"{plan.model.name}@{plan.alias} was changed by somebody else meanwhile; try again"
            raise InputError(what, where=server.address)
        _change(server, plan, change)


def _change(server: MlflowServer, plan: AliasPlan, change: AliasChange) -> None:
    name, history = plan.model.name, HISTORY + plan.alias
    back: list[Callable[[], None]] = []
    try:
        back.append(lambda: _set(server, name, history, plan.model.tags.get(history)))
        _set(server, name, history, changed_history(plan, change))
        accused, tag = (plan.takes, None) if plan.undoes else (plan.leaves, VersionStatus.QUARANTINED.value)
        back.append(lambda: _set(server, name, STATUS, accused.tags.get(STATUS), accused.version))
        _set(server, name, STATUS, tag, accused.version)
        back.append(lambda: server.set_alias(name, plan.alias, plan.leaves.version))
        server.set_alias(name, plan.alias, plan.takes.version)
        if (now := server.aliased(name, plan.alias)) != plan.takes.version:
            raise InputError(f"{name}@{plan.alias} names version {now} after it was changed", where=server.address)
    except BaseException:
        for step in reversed(back):
            with suppress(CaponierError):
                step()
        raise


def _set(server: MlflowServer, model: str, key: str, value: str | None, version: str | None = None) -> None:
    if value is None:
        server.delete_tag(model, key, version)
    else:
        server.set_tag(model, key, value, version)
