from datetime import UTC, datetime
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.remediate.model_registry import RegisteredModel, Registry, VersionStatus, file_digest
from caponier.remediate.rollback import RollbackPlan, carry_out, plan_rollback, plan_undo

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def model(tmp_path: Path) -> RegisteredModel:
    registry = Registry()
    for number in "123":
        (tmp_path / f"v{number}").write_text(number)
        registry = registry.register("digits", number, f"v{number}", file_digest(tmp_path / f"v{number}") or "")
    return registry.model("digits")


def statuses(model: RegisteredModel) -> dict[str, str]:
    return {version.version: version.status.value for version in model.versions}


def done(plan: RollbackPlan) -> RegisteredModel:
    return carry_out(plan, author="ada", time=NOW, remediation_id="r-1")


def test_the_last_good_version_is_active_again(model: RegisteredModel, tmp_path: Path) -> None:
    after = done(plan_rollback(model, tmp_path))
    assert statuses(after) == {"1": "retired", "2": "active", "3": "quarantined"}
    assert [(change.bad, change.good) for change in after.history] == [("3", "2")]


def test_a_second_rollback_goes_further_back(model: RegisteredModel, tmp_path: Path) -> None:
    after = done(plan_rollback(done(plan_rollback(model, tmp_path)), tmp_path))
    assert statuses(after) == {"1": "active", "2": "quarantined", "3": "quarantined"}
    with pytest.raises(InputError, match="no earlier good version"):
        plan_rollback(after, tmp_path)


def test_rolling_forward_gives_back_what_was(model: RegisteredModel, tmp_path: Path) -> None:
    after = done(plan_undo(done(plan_rollback(model, tmp_path)), tmp_path))
    assert statuses(after) == statuses(model)
    assert [change.undone for change in after.history] == [True]
    with pytest.raises(InputError, match="left to undo"):
        plan_undo(after, tmp_path)


def test_an_altered_good_version_is_refused(model: RegisteredModel, tmp_path: Path) -> None:
    (tmp_path / "v2").write_text("other")
    with pytest.raises(InputError, match="not the one that was registered"):
        plan_rollback(model, tmp_path)
    assert plan_rollback(model, tmp_path, to="1").takes.version == "1"


def test_a_missing_good_version_is_refused(model: RegisteredModel, tmp_path: Path) -> None:
    (tmp_path / "v2").unlink()
    with pytest.raises(InputError, match="cannot be read"):
        plan_rollback(model, tmp_path)


def test_an_altered_version_is_not_rolled_forward_to(model: RegisteredModel, tmp_path: Path) -> None:
    after = done(plan_rollback(model, tmp_path))
    (tmp_path / "v3").write_text("other")
    with pytest.raises(InputError, match="not the one that was registered"):
        plan_undo(after, tmp_path)


def test_a_quarantined_version_is_no_way_back(model: RegisteredModel, tmp_path: Path) -> None:
    after = done(plan_rollback(model, tmp_path))
    with pytest.raises(InputError, match="quarantined"):
        plan_rollback(after, tmp_path, to="3")
    with pytest.raises(InputError, match="active already"):
        plan_rollback(after, tmp_path, to="2")


def test_an_undo_after_other_changes_is_refused(model: RegisteredModel, tmp_path: Path) -> None:
    after = done(plan_rollback(model, tmp_path))
    (tmp_path / "v4").write_text("4")
    later = Registry(models=(after,)).register("digits", "4", "v4", file_digest(tmp_path / "v4") or "")
    with pytest.raises(InputError, match="has changed since"):
        plan_undo(later.model("digits"), tmp_path)


def test_a_model_without_active_version_cannot_be_rolled_back(model: RegisteredModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no version.*digits"):
        plan_rollback(model.with_status({"3": VersionStatus.QUARANTINED}), tmp_path)
