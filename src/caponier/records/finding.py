"""The finding: what one detector saw of one subject, frozen at its trigger event."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from caponier.matrix.technique import TechniqueRef


class Severity(StrEnum):
    """Detector confidence times the criticality of the system; never a property of the matrix."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position in the order info < low < medium < high < critical, from 0."""
        return list(Severity).index(self)


class Basis(StrEnum):
    """What a finding's share of benign subjects rests on."""

    PROMISE = "promise"
    """Rank among benign subjects that were not used to fit the detector."""
    ESTIMATE = "estimate"
    """A tail fitted beyond what can be told by rank, or ranks of another version or of other traffic."""
    COLD_START = "cold-start"
    """Conservative priors that ship with the product: there is no baseline for this model."""


@dataclass(frozen=True, slots=True)
class SubjectRef:
    """Whom or what a finding is about."""

    kind: str
    """`principal`, `session`, `address`, `model`, `bucket`, `source`, `row`, `file` or `asset`."""
    id: str
    ids: tuple[str, ...] = ()
    """The rows of a data set, where `kind` is `row`."""
    path: str | None = None
    sha256: str | None = None
    """Of a file, where `kind` is `file`."""
    sender: str | None = None
    """Whose requests are meant, where `kind` is a name that callers may claim: `principal:…`, `address:…` for those
    from that address that name no principal, or `names:…` for those, too, under whose names anybody may come there."""

    @property
    def in_words(self) -> str:
        """Kind and name, and who sent it."""
        kind, _, name = (self.sender or "").partition(":")
        named = f"{'data set' if self.kind == 'row' else self.kind} {self.id}"
        if not name:
            return named
        if kind == "principal":
            return f"{named} from principal {name}"
        if kind == "names":
            return f"{named} from callers whose names are new there and checked by nobody"
        return f"{named} from callers without a principal" + ("" if self.kind == "address" else f" at {name}")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form; what does not apply is left out."""
        plain: dict[str, Any] = {"kind": self.kind, "id": self.id}
        if self.ids:
            plain["ids"] = list(self.ids)
        return plain | {
            name: value for name in ("path", "sha256", "sender") if (value := getattr(self, name)) is not None
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back.

        Raises:
            KeyError: If a key is missing.
        """
        ids = tuple(plain.get("ids", ()))
        return cls(plain["kind"], plain["id"], ids, plain.get("path"), plain.get("sha256"), plain.get("sender"))


@dataclass(frozen=True, slots=True)
class Expected:
    """How many benign subjects are expected to come as high in a week, and between which limits, 90 % of the time."""

    benign: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Return the JSON form."""
        return {"benign": self.benign, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Said:
    """What another detector said of the same subject."""

    detector: str
    statistic: str
    value: float
    share: float
    """Of benign subjects of the same age that reach it, by this detector alone."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"detector": self.detector, "statistic": self.statistic, "value": self.value, "share": self.share}


@dataclass(frozen=True, slots=True)
class Evidence:
    """The figure that crossed the line, and the line."""

    statistic: str
    value: float
    threshold: float
    above: int = 0
    """How many benign subjects reached the same value at the same age."""
    of: int = 0
    """How many benign subjects were ranked; 0 at a cold start."""
    age: int = 0
    """Different queries, or events, of the subject when it reached the value; 0 for rules, files and rows."""
    basis: Basis | None = None
    """None for rules, files and rows: they are judged one by one, not ranked among benign subjects."""
    facts: dict[str, Any] = field(default_factory=dict)
    """The detector's own figures behind the summary."""
    share: float | None = None
    """Share of benign subjects that come as high in what all detectors say; None where nobody is ranked."""
    expected: Expected | None = None
    """How many that is in a week."""
    beside: tuple[Said, ...] = ()
    """What other detectors said of the same subject up to the trigger."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of contract `caponier.findings/1`."""
        return {
            "statistic": self.statistic,
            "value": self.value,
            "threshold": self.threshold,
            "rank": {"above": self.above, "of": self.of, "age": self.age},
            "share": self.share,
            "expected_per_week": self.expected.to_dict() if self.expected else None,
            "beside": [one.to_dict() for one in self.beside],
            "basis": self.basis.value if self.basis else None,
            "facts": dict(self.facts),
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a value has no meaning here.
        """
        return cls(
            statistic=plain["statistic"],
            value=plain["value"],
            threshold=plain["threshold"],
            above=plain["rank"]["above"],
            of=plain["rank"]["of"],
            age=plain["rank"].get("age", 0),
            basis=None if plain["basis"] is None else Basis(plain["basis"]),
            facts=dict(plain["facts"]),
            # Findings from before rarity was the number have none.
            share=plain.get("share"),
            expected=Expected(**found) if (found := plain.get("expected_per_week")) else None,
            beside=tuple(Said(**one) for one in plain.get("beside", ())),
        )


def finding_id(detector: str, model: str | None, subject: SubjectRef, trigger_event_id: str) -> str:
    """Identify a finding by what was seen, not by the baseline or the run that saw it.

    A renewed baseline or a replayed log therefore raises no old finding again. For a file the digest of its content
    stands in place of a trigger event, for a data set that of its rows.
    """
    content = "\x1f".join([detector, model or "", subject.kind, subject.id, trigger_event_id])
    return "f-" + hashlib.blake2b(content.encode(), digest_size=10).hexdigest()


@dataclass(frozen=True, slots=True)
class Finding:
    """One detection, with the techniques that it may be a trace of."""

    finding_id: str
    detector: str
    subject: SubjectRef
    system: str | None
    model: str | None
    """None where the finding is about no single model: a file, a data set, an asset."""
    model_version: str | None
    severity: Severity
    confidence: float
    techniques: tuple[TechniqueRef, ...]
    """ATLAS or ATT&CK first, the 2020 matrix second."""
    harms: tuple[str, ...]
    """Of confidentiality, integrity and availability, those that the techniques harm."""
    first_time: datetime
    last_time: datetime
    trigger_event_id: str | None
    """None where no event triggered it: a file, a data set."""
    event_ids: tuple[str, ...]
    unique_queries: int
    """Different queries of the subject up to and including the trigger."""
    evidence: Evidence
    summary: str
    notify: bool = True
    """Whether it is within the alert budget, so that somebody is to be told at once."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form of contract `caponier.findings/1`."""
        return {
            "finding_id": self.finding_id,
            "detector": self.detector,
            "subject": self.subject.to_dict(),
            "system": self.system,
            "model": self.model,
            "model_version": self.model_version,
            "severity": self.severity.value,
            "confidence": self.confidence,
            "techniques": [technique.to_dict() for technique in self.techniques],
            "harms": list(self.harms),
            "first_time": rfc3339(self.first_time),
            "last_time": rfc3339(self.last_time),
            "trigger_event_id": self.trigger_event_id,
            "event_ids": list(self.event_ids),
            "unique_queries": self.unique_queries,
            "evidence": self.evidence.to_dict(),
            "summary": self.summary,
            "notify": self.notify,
        }

    @classmethod
    def from_dict(cls, plain: dict[str, Any]) -> Self:
        """Read the JSON form back: `Finding.from_dict(finding.to_dict()) == finding`.

        Raises:
            KeyError: If a key is missing.
            ValueError: If a value has no meaning here.
        """
        return cls(
            finding_id=plain["finding_id"],
            detector=plain["detector"],
            subject=SubjectRef.from_dict(plain["subject"]),
            system=plain["system"],
            model=plain["model"],
            model_version=plain["model_version"],
            severity=Severity(plain["severity"]),
            confidence=plain["confidence"],
            techniques=tuple(TechniqueRef.from_dict(technique) for technique in plain["techniques"]),
            harms=tuple(plain["harms"]),
            first_time=datetime.fromisoformat(plain["first_time"]),
            last_time=datetime.fromisoformat(plain["last_time"]),
            trigger_event_id=plain["trigger_event_id"],
            event_ids=tuple(plain["event_ids"]),
            unique_queries=plain["unique_queries"],
            evidence=Evidence.from_dict(plain["evidence"]),
            summary=plain["summary"],
            notify=bool(plain.get("notify", True)),
        )


def by_rarity(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings, the rarest first: those of which fewest benign subjects are expected to come as high.

    Where nobody was ranked, as for rules and at a cold start, severity stands in for rarity.
    """
    return sorted(findings, key=lambda one: (-one.severity.rank, _expected(one), one.first_time))


def _expected(finding: Finding) -> float:
    return finding.evidence.expected.benign if finding.evidence.expected else 0.0


def rfc3339(moment: datetime) -> str:
    """Write a moment as JSON and CSV have it."""
    return moment.isoformat().replace("+00:00", "Z")
