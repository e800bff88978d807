from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.incidents.test_findings import finding
from caponier.app.incidents.suppress import end_suppression, keep_back, list_suppressions, suppress
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.errors import InputError
from caponier.records.finding import Evidence, Finding, SubjectRef
from caponier.records.inventory import Workspace
from caponier.store import audit
from caponier.store.database import open_store

NOW = datetime(2026, 3, 2, tzinfo=UTC)
MONTH = timedelta(days=30)


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    return require_workspace(tmp_path)


def made(number: int, rule: str = "sigma:workload_exec", who: str = "ada", *targets: str) -> Finding:
    facts = {"targets": list(targets or ("pods ml/vision",))}
    return replace(
        finding(number), detector=rule, subject=SubjectRef("account", who), evidence=Evidence("rule", 1, 1, facts=facts)
    )


def told(home: Workspace, *found: Finding, now: datetime = NOW) -> list[str]:
    return [one.finding_id for one in keep_back(home, found, now=now)[0]]


def test_what_fits_is_kept_back_and_counted(home: Workspace) -> None:
    suppress(home, reason="the lab", lasts=MONTH, detector="sigma:workload_*", subject="ADA", now=NOW)
    found = (made(1), made(2, who="bob"), made(3, rule="sigma:store_destroyed"))
    assert told(home, *found) == ["f-2", "f-3"]
    ((_, hits),) = list_suppressions(home)
    assert hits == 1


def test_a_new_target_is_told(home: Workspace) -> None:
    suppress(home, reason="the lab", lasts=MONTH, target="pods ml/vision", now=NOW)
    assert told(home, made(1), made(2, "sigma:x", "ada", "pods ml/vision", "pods ml/other")) == ["f-2"]


def test_it_ends_by_its_day_and_by_hand(home: Workspace) -> None:
    first = suppress(home, reason="the lab", lasts=MONTH, subject="ada", now=NOW)
    assert told(home, made(1), now=NOW + MONTH) == ["f-1"]
    assert told(home, made(1)) == []
    end_suppression(home, first.suppression_id, now=NOW + timedelta(days=1))
    assert told(home, made(1), now=NOW + timedelta(days=2)) == ["f-1"]
    with pytest.raises(InputError, match="no such suppression"):
        end_suppression(home, first.suppression_id, now=NOW + timedelta(days=3))


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"reason": "x", "lasts": MONTH}, "every finding"),
        ({"reason": "x", "lasts": MONTH, "subject": "*"}, "every finding"),
        ({"reason": " ", "lasts": MONTH, "subject": "ada"}, "needs a reason"),
        ({"reason": "x", "lasts": 13 * MONTH, "subject": "ada"}, "366 days"),
    ],
)
def test_a_suppression_says_what_why_and_until_when(home: Workspace, given: dict[str, object], what: str) -> None:
    with pytest.raises(InputError, match=what):
        suppress(home, **given)  # type: ignore[arg-type]


def test_the_audit_log_tells_who_suppressed_and_what_was_kept_back(home: Workspace) -> None:
    suppress(home, reason="the lab", lasts=MONTH, subject="ada", actor="eva", now=NOW)
    told(home, made(1))
    with open_store(home.store) as store, store.read() as connection:
        rows = [(row.actor, row.action) for row in audit.rows(connection)]
        assert audit.verify(connection).ok
    assert ("eva", "findings.suppressed") in rows
    assert "findings.kept_back" in [action for _, action in rows]
