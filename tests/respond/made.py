"""Findings, context and workspaces for the tests of the response, real ones in every field."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from caponier.matrix.technique import TechniqueId, TechniqueRef
from caponier.matrix.versions.catalogue import resolve
from caponier.records.context import ContextEvent
from caponier.records.finding import Basis, Evidence, Finding, Severity, SubjectRef, finding_id
from caponier.records.incident import Incident
from caponier.records.inventory import Identity, System, Workspace
from caponier.respond.correlate import CorrelatedFindings, correlate
from caponier.respond.settings import DEFAULT, RespondSettings

START = datetime(2026, 1, 1, tzinfo=UTC)
NOW = START + timedelta(days=60)

EVASION = ("AML.T0043.001", "AMLTM.EVADE.01.02")
EXTRACTION = ("AML.T0024.002", "AMLTM.EXFIL.02")
LOGIN = ("T1078", "AML.T0012", "AMLTM.INIT.02")
BULK_READ = ("T1530", "AMLTM.EXFIL.03.01")
LABEL_FLIPS = ("AML.T0020", "AMLTM.EVADE.03.01")
PICKLE = ("AML.T0011.000", "AMLTM.EXEC.01.02")
PHISHING = ("T1566", "AMLTM.INIT.03")
LATERAL = ("T1021",)


def refs(*ids: str) -> tuple[TechniqueRef, ...]:
    kinds = {"AMLTM": "amltm-2020", "AML": "atlas"}
    return tuple(resolve(TechniqueId(kinds.get(id_.split(".")[0], "attack"), id_)) for id_ in ids)


def at(days: float) -> datetime:
    return START + timedelta(days=days)


def finding(
    number: int,
    subject: SubjectRef | str = "k-1",
    *,
    days: float = 0.0,
    techniques: tuple[str, ...] = EVASION,
    lasting: float = 0.01,
    facts: dict[str, Any] | None = None,
    **changes: Any,
) -> Finding:
    """The finding number n; a text subject is a principal."""
    who = SubjectRef("principal", subject) if isinstance(subject, str) else subject
    detector = changes.get("detector", "iterative_query")
    model = changes.get("model", "digits-mlp")
    properties: dict[str, Any] = {
        "finding_id": finding_id(detector, model, who, f"e-{number}"),
        "detector": detector,
        "subject": who,
        "system": "digits",
        "model": model,
        "model_version": "3",
        "severity": Severity.HIGH,
        "confidence": 0.97,
        "techniques": refs(*techniques),
        "harms": ("integrity",),
        "first_time": at(days),
        "last_time": at(days + lasting),
        "trigger_event_id": f"e-{number}",
        "event_ids": (f"e-{number}",),
        "unique_queries": 8,
        "evidence": Evidence("flips", 3.0, 1.0, 0, 300, 200, Basis.PROMISE, facts or {}),
        "summary": f"finding number {number}",
    }
    return Finding(**{**properties, **changes})


def log_finding(number: int, account: str, *, days: float = 0.0, address: str = "10.0.0.1", **changes: Any) -> Finding:
    facts = {"account": [account], "address": [address], "host": ["gpu-01"]}
    properties: dict[str, Any] = {
        "detector": "sigma:login",
        "model": None,
        "model_version": None,
        "techniques": LOGIN,
        "harms": ("confidentiality", "integrity"),
        "evidence": Evidence("rule", 1.0, 1.0, facts=facts),
    }
    properties["subject"] = SubjectRef("account", account)
    return finding(number, days=days, **{**properties, **changes})


def rows_finding(number: int, *, days: float = 0.0, **changes: Any) -> Finding:
    subject = SubjectRef("row", "train.npz", ("3", "7"), "/data/train.npz", "ab" * 32)
    properties: dict[str, Any] = {
        "detector": "label_noise",
        "model": None,
        "techniques": LABEL_FLIPS,
        "subject": subject,
    }
    return finding(number, days=days, **{**properties, **changes})


def file_finding(number: int, *, days: float = 0.0, **changes: Any) -> Finding:
    subject = SubjectRef("file", "model.pkl", (), "/models/model.pkl", "cd" * 32)
    properties: dict[str, Any] = {"detector": "unsafe_code", "model": None, "techniques": PICKLE, "subject": subject}
    return finding(number, days=days, **{**properties, **changes})


def context(
    number: int,
    account: str | None = "ada",
    *,
    days: float = 0.0,
    techniques: tuple[str, ...] = PHISHING,
    host: str | None = "laptop-7",
    address: str | None = None,
) -> ContextEvent:
    event_id = f"c-{number}"
    return ContextEvent(
        at(days), "sigma:outside", refs(*techniques), account, host, address, event_id, f"context number {number}"
    )


def workspace(root: Path = Path("/w"), identities: tuple[Identity, ...] = (), **respond: Any) -> Workspace:
    return Workspace(
        file=root / "caponier.toml",
        name="test",
        store=f"sqlite:///{root / 'store.db'}",
        lake=str(root / "lake"),
        systems=(System(name="digits", models=("digits-mlp",), hosts=("gpu-01",)),),
        identities=identities,
        respond=respond,
    )


ADA = (Identity(key_hash="k-1", account="ada", addresses=("10.0.0.1",)),)


def joined(
    *findings: Finding,
    events: tuple[ContextEvent, ...] = (),
    stored: tuple[Incident, ...] = (),
    identities: tuple[Identity, ...] = ADA,
    settings: RespondSettings = DEFAULT,
    now: datetime = NOW,
) -> CorrelatedFindings:
    return correlate(findings, events, stored, workspace(identities=identities), settings, now)
