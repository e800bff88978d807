from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from caponier.records.finding import Basis, Evidence, Finding, Severity, SubjectRef, finding_id
from caponier.store.database import Store, open_store

START = datetime(2026, 1, 1, tzinfo=UTC)


def finding(number: int = 1, **changes: Any) -> Finding:
    """The finding that triggered `number` minutes after START."""
    caller = SubjectRef("principal", f"k-{number}")
    properties: dict[str, Any] = {
        "finding_id": finding_id("iterative_query", "digits-mlp", caller, f"e-{number}"),
        "detector": "iterative_query",
        "subject": caller,
        "system": "digits",
        "model": "digits-mlp",
        "model_version": "3",
        "severity": Severity.HIGH,
        "confidence": 0.97,
        "techniques": (),
        "harms": ("integrity",),
        "first_time": START,
        "last_time": START + timedelta(minutes=number),
        "trigger_event_id": f"e-{number}",
        "event_ids": (f"e-{number}",),
        "unique_queries": 8,
        "evidence": Evidence("flips", 3.0, 1.0, 0, 300, 200, Basis.PROMISE, {"pairs": [[1, 2]]}),
        "summary": "8 different queries, each a small step from an earlier one",
    }
    return Finding(**{**properties, **changes})


@pytest.fixture
def make() -> Callable[..., Finding]:
    return finding


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{path}") as opened:
        yield opened
