"""Events go when their time is over, and nothing else does."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from caponier.app.guard.retention import Retention
from caponier.app.workspace.retention import forget_old_events
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.records.inventory import Privacy, Workspace

NOW = datetime(2026, 12, 10, 0, 30, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    create_workspace(tmp_path)
    for name in ("2026-12-10", "2026-12-03", "2026-12-02", "date=2026-12-01", "2026-11-31", "2026-12-01-old", "notes"):
        folder = tmp_path / "lake" / name / "model=m"
        folder.mkdir(parents=True)
        (folder / "guard-00-1.jsonl").write_text("{}\n")
        (folder.parent / "guard-01-1.jsonl").write_text("{}\n")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("x")
    (tmp_path / "lake" / "2020-01-01").symlink_to(elsewhere)
    (tmp_path / "lake" / "2026-12-02" / "link").symlink_to(elsewhere)
    return require_workspace(tmp_path).model_copy(update={"privacy": Privacy(retention_days=7)})


def test_days_that_are_over_for_long_enough_go(workspace: Workspace, tmp_path: Path) -> None:
    assert forget_old_events(workspace, NOW) == 5
    left = sorted(folder.name for folder in (tmp_path / "lake").iterdir() if folder.is_dir())
    assert left == ["2020-01-01", "2026-11-31", "2026-12-01-old", "2026-12-03", "2026-12-10", "notes"]
    assert (tmp_path / "elsewhere" / "mine").exists(), "links are not followed"
    assert forget_old_events(workspace, NOW) == 0


def test_without_a_term_everything_stays(workspace: Workspace) -> None:
    assert forget_old_events(workspace.model_copy(update={"privacy": Privacy()}), NOW) == 0


def test_a_guard_does_it_by_itself_and_survives_what_it_cannot(workspace: Workspace, tmp_path: Path) -> None:
    failures: list[str] = []
    kept = Retention(workspace, lambda where, _: failures.append(where))
    kept.start()
    kept.close()
    assert not (tmp_path / "lake" / "2026-12-02").exists() or datetime.now(UTC) < NOW
    assert not failures
