from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.incidents.test_findings import finding
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.suppress import (
    end_suppression,
    fitting,
    keep_back,
    like,
    list_suppressions,
    suppress,
)
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


def test_others_like_a_finding_are_suppressed_by_its_own_names(home: Workspace) -> None:
    rule, bucket = "sigma:model_store_encrypted", "bucket ml-models"
    one, other = made(1, rule, "svc-backup/nightly", bucket), made(2, rule, "svc-backup/weekly", bucket)
    record_findings(home, [one, other])
    scope = like(home, one.finding_id)
    assert (scope["detector"], scope["subject"], scope["target"]) == (rule, "svc-backup/nightly", bucket)
    assert like(home, other.finding_id)["system"] == other.system
    wide = suppress(home, reason="backup", lasts=MONTH, detector=rule, subject="svc-backup", target=bucket)
    assert fitting(home, wide) == (2, 2)
    misspelt = suppress(home, reason="backup", lasts=MONTH, detector="model_store_encripted")
    assert fitting(home, misspelt) == (0, 2)


def test_a_finding_about_many_targets_lends_none(home: Workspace) -> None:
    record_findings(home, [made(1, "sigma:x", "ada", "bucket a", "bucket b")])
    assert like(home, "f-1")["target"] is None
    with pytest.raises(InputError, match="f-9"):
        like(home, "f-9")
