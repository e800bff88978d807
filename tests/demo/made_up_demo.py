"""A made-up end of a demo: an incident, a containment, repairs and trials, for pages and problems."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from caponier.app.coverage.cover import cover
from caponier.app.scan.artifact import ScannedFile
from caponier.demo.outcome import (
    AccessCheck,
    Aftermath,
    Audit,
    BatchSeen,
    Containment,
    FileSeen,
    Hunt,
    LogsSeen,
    Repaired,
    Validated,
)
from caponier.detect.artifact import Verdict
from caponier.matrix.technique import TechniqueId
from caponier.matrix.versions.catalogue import harms_of, resolve
from caponier.records.context import ContextEvent
from caponier.records.finding import Evidence, Finding, Severity, SubjectRef
from caponier.records.incident import Incident
from caponier.records.inventory import Identity, System, Workspace
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.respond.correlate import correlate
from caponier.respond.dry_run import DryRun
from caponier.respond.settings import DEFAULT

BEGIN = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PHISHED = (TechniqueId("attack", "T1566"), TechniqueId("amltm-2020", "AMLTM.INIT.03"))
TAKEN = (TechniqueId("attack", "T1530"), TechniqueId("amltm-2020", "AMLTM.EXFIL.03"))
FLIPPED = (TechniqueId("atlas", "AML.T0020"), TechniqueId("amltm-2020", "AMLTM.EVADE.03.01"))
MARKED = (TechniqueId("atlas", "AML.T0020"), TechniqueId("amltm-2020", "AMLTM.EVADE.03.02"))
RUN = (TechniqueId("atlas", "AML.T0011.000"), TechniqueId("amltm-2020", "AMLTM.EXEC.01.02"))


def finding(detector: str, subject: SubjectRef, techniques: Sequence[TechniqueId], minutes: int) -> Finding:
    """Return a finding on the demo's system, so many minutes after the beginning."""
    moment = BEGIN + timedelta(minutes=minutes)
    return Finding(
        finding_id=f"f-{detector}-{subject.id}",
        detector=detector,
        subject=subject,
        system="mail-sorting",
        model=None,
        model_version=None,
        severity=Severity.HIGH,
        confidence=0.8,
        techniques=tuple(resolve(technique) for technique in techniques),
        harms=tuple(harm.value for harm in harms_of(techniques)),
        first_time=moment,
        last_time=moment,
        trigger_event_id=None,
        event_ids=(),
        unique_queries=0,
        evidence=Evidence("rule", 1.0, 0.0),
        summary="as a test has it",
    )


def hunt(inference: tuple[Finding, ...], keys: Sequence[str], incidents: tuple[Incident, ...] | None = None) -> Hunt:
    """Return findings of four scans; joined by the real rules if no incidents are given."""
    stolen = finding("sigma:model_bulk_read", SubjectRef("account", "alice"), TAKEN, -60)
    flipped = finding("label_noise", SubjectRef("source", "alice"), FLIPPED, 20)
    marked = finding("trigger_rows", SubjectRef("source", "alice"), MARKED, 25)
    unsafe = finding("unsafe_code", SubjectRef("file", "ab" * 32, path="/x/models/four.pkl", sha256="ab" * 32), RUN, 30)
    mail = ContextEvent(
        time=BEGIN - timedelta(minutes=90),
        rule="sigma:mail_phishing_delivered",
        techniques=tuple(resolve(technique) for technique in PHISHED),
        account="alice",
        host="mail.example.org",
        address=None,
        event_id="e-mail",
        summary="a mail",
        level="medium",
    )
    workspace = Workspace(
        file=Path("/x/caponier.toml"),
        name="x",
        store="sqlite://",
        lake="/x/lake",
        systems=(System(name="mail-sorting"),),
        identities=tuple(Identity(key_hash=key, account="alice") for key in keys),
    )
    if incidents is None:
        found = (*inference, stolen, flipped, marked, unsafe)
        incidents = correlate(found, [mail], [], workspace, DEFAULT, BEGIN).incidents
    return Hunt(
        inference=inference,
        logs=LogsSeen(952, 44, succeeded=True, taken=40, findings=(stolen,), context=(mail,), control_findings=0),
        batch=BatchSeen("alice", 600, 60, 45, 101, 0.96, 1.0, 0.98, (flipped, marked), 0),
        files=(
            FileSeen("four.pkl", True, ScannedFile("/x/four.pkl", "ab", Verdict.UNSAFE, "calls os.system", "pickle")),
            FileSeen("notes.md", False, ScannedFile("/x/notes.md", "cd", Verdict.CLEAN, None, "text")),
        ),
        file_findings=(unsafe,),
        incidents=incidents,
        acted=frozenset((*PHISHED, *TAKEN, *FLIPPED, *MARKED, *RUN)),
        loaded=False,
    )


def aftermath(incident_id: str = "i-1") -> Aftermath:
    """Return what follows when everything goes as it must."""
    action = ResponseAction(
        action_id="a-1",
        incident_id=incident_id,
        kind=ActionKind.BLOCK,
        scope=SubjectRef("principal", "k-walker"),
        system=None,
        model=None,
        reason="as a test has it",
        author="one",
        created=BEGIN,
        expires=BEGIN + timedelta(hours=1),
        needs_approval=True,
        state=ActionState.ACTIVE,
        undo="The guard answers again",
        approver="two",
    )
    refused, let_in = AccessCheck(40, 0, 5, 90, 0), AccessCheck(40, 40, 5, 90, 0)
    return Aftermath(
        Containment(
            dry_run=DryRun(None, "stopped", 600, 600, 0, 1000),
            actions=(action,),
            blocked=refused,
            undone=let_in,
            again=refused,
            undo_rows=1,
            approver="two",
            moved="quarantine/four.pkl",
        ),
        Repaired(0.96, 0.84, 0.97, 0.0, 0.99, 0.01, 56, 45, "digits-mlp", "3", "2", 0.84, 0.96, 500),
        Validated(19, 19, (), cover()),
        Audit(True, 62, f"62:{'0' * 64}", None),
    )
