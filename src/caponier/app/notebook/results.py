"""What the use-cases return in a notebook: records with `to_arrow()`, `to_pandas()` and a table on the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from caponier.app.inference.baseline.build import BaselineReport
from caponier.app.inference.baseline.story import stories
from caponier.detect.calibration.baseline import Baseline
from caponier.formats.atomic_file import write_bytes
from caponier.formats.tabular import Tabular
from caponier.records.finding import Finding
from caponier.records.skip import Skip
from caponier.telemetry.rejections import RejectedRows

_FINDING: Final = pa.schema(
    [
        ("finding_id", pa.string()),
        ("first_time", pa.timestamp("us", "UTC")),
        ("last_time", pa.timestamp("us", "UTC")),
        ("severity", pa.string()),
        ("confidence", pa.float64()),
        ("detector", pa.string()),
        ("system", pa.string()),
        ("model", pa.string()),
        ("model_version", pa.string()),
        ("subject_kind", pa.string()),
        ("subject", pa.string()),
        ("techniques", pa.list_(pa.string())),
        ("harms", pa.list_(pa.string())),
        ("expected_per_week", pa.float64()),
        ("unique_queries", pa.int64()),
        ("summary", pa.string()),
    ]
)


@dataclass(frozen=True, repr=False)
class EventTable(Tabular):
    """Inference events in the event schema, and the rows that could not be used."""

    table: pa.Table
    rejected: RejectedRows

    def to_arrow(self) -> pa.Table:
        """Return the events."""
        return self.table

    @property
    def in_short(self) -> str:
        """How many there are."""
        return f"{self.table.num_rows:,} events; {self.rejected.count:,} rows could not be used"

    def __repr__(self) -> str:
        return f"<caponier: {self.in_short}>"


@dataclass(frozen=True, repr=False)
class FoundInScan(Tabular):
    """What a scan found, and what it could not do."""

    findings: tuple[Finding, ...]
    skipped: tuple[Skip, ...]
    """What was not read or judged, and why."""
    notes: tuple[str, ...]
    report: Any
    """All that the scan says: of files each verdict, of a data set the suspicious rows."""

    def to_arrow(self) -> pa.Table:
        """Return a row a finding."""
        return pa.Table.from_pylist([_row(one) for one in self.findings], schema=_FINDING)

    @property
    def in_short(self) -> str:
        """How many findings there are, and how many things were skipped."""
        found = f"{len(self.findings):,} finding{'' if len(self.findings) == 1 else 's'}"
        return found + (f"; not looked at: {'; '.join(map(str, self.skipped))}" if self.skipped else "")

    def __repr__(self) -> str:
        return f"<caponier: {self.in_short}>"


@dataclass(frozen=True, repr=False)
class LearnedBaseline(Tabular):
    """What was learned of benign traffic, and what was left out of it."""

    report: BaselineReport

    @property
    def baseline(self) -> Baseline:
        """The baseline itself."""
        return self.report.baseline

    @property
    def skipped(self) -> tuple[Skip, ...]:
        """What was not used, and why."""
        return tuple(self.report.skipped)

    @property
    def notes(self) -> tuple[str, ...]:
        """What else there is to say: the story of each model, and who was set aside."""
        told = [line for story in stories(self.baseline, self.report.nearest) for line in story.lines]
        return (*told, *self.report.notes)

    def save(self, path: str | Path) -> None:
        """Write the file that `scan inference --baseline` takes.

        Raises:
            InputError: If it cannot be written.
        """
        write_bytes(Path(path), self.baseline.to_bytes())

    def to_arrow(self) -> pa.Table:
        """Return a row for each model and detector."""
        rows = [
            {
                "model": story.section.model,
                "model_version": story.section.version,
                "detector": one.detector,
                "principals": story.section.principals,
                "events": story.section.events,
                "needed": one.needed,
                "benign_reach": one.learned.peak,
                "why_not": one.why_not or None,
            }
            for story in stories(self.baseline, self.report.nearest)
            for one in story.statuses
        ]
        return pa.Table.from_pylist(rows)

    @property
    def in_short(self) -> str:
        """What was learned."""
        return "; ".join(line for line in self.notes[:1]) or "a baseline of no model"

    def __repr__(self) -> str:
        return f"<caponier: {self.in_short}>"


def found(findings: Sequence[Finding], skipped: Sequence[Skip], notes: Sequence[str], report: Any) -> FoundInScan:
    """Gather what a scan says."""
    return FoundInScan(tuple(findings), tuple(skipped), tuple(notes), report)


def _row(one: Finding) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in _FINDING.names if hasattr(one, name)}
    return plain | {
        "severity": one.severity.value,
        "subject_kind": one.subject.kind,
        "subject": one.subject.path or one.subject.id,
        "techniques": [technique.id for technique in one.techniques],
        "harms": list(one.harms),
        "expected_per_week": one.evidence.expected.benign if one.evidence.expected else None,
    }
