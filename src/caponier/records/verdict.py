"""What an analyst said of a finding."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from caponier.records.finding import rfc3339


class VerdictKind(StrEnum):
    """What a finding turned out to be."""

    TRUE = "true"
    BENIGN = "benign"
    TEST = "test"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class AnalystVerdict:
    """One analyst's word on one finding; the last one counts."""

    finding_id: str
    judgement: VerdictKind
    author: str
    time: datetime
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "finding_id": self.finding_id,
            "verdict": self.judgement.value,
            "author": self.author,
            "time": rfc3339(self.time),
            "note": self.note,
        }
