from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from caponier import __version__
from caponier.app.coverage.cover import SCHEMA, cover, read_trials
from caponier.app.coverage.detectors import detectors
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.coverage.heat_map import Status
from caponier.errors import InputError
from caponier.matrix.technique import TechniqueId
from caponier.records.trial import Trial
from caponier.store import trials
from caponier.store.database import open_store

TRIAL = Trial(
    trial_id="v-1-000",
    detector="flood",
    techniques=(TechniqueId("amltm-2020", "AMLTM.IMPACT.02"),),
    emulation="flood",
    control="burst",
    target="digits-mlp",
    caponier_version=__version__,
    time=datetime(2026, 1, 5, tzinfo=UTC),
    attack_succeeded=True,
    detected=True,
    control_silent=True,
)


def statuses(*given: Trial) -> dict[str, Status]:
    return {cell.technique.id: cell.status for cell in cover(trials=given)}


def written(path: Path, content: Any) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else orjson.dumps(content))
    return path


def test_without_trials_everything_that_a_detector_names_is_declared() -> None:
    covering = [card for card in detectors() if card.covers]
    named = {id_.id for card in covering for id_ in card.techniques if id_.matrix == "amltm-2020"}
    found = statuses()
    assert {found[id_] for id_ in named} == {Status.DECLARED}
    assert Status.VALIDATED not in found.values()


def test_what_only_a_hint_names_is_not_covered() -> None:
    """caller_profile says that somebody is odd; calling a model is what every customer does."""
    assert statuses()["AMLTM.EXEC.02"] is Status.NOT_COVERED


def test_a_trial_validates_its_own_technique_and_no_other() -> None:
    found = statuses(TRIAL)
    assert [id_ for id_, status in found.items() if status is Status.VALIDATED] == ["AMLTM.IMPACT.02"]


def test_trials_of_a_detector_that_is_no_longer_there_do_not_count() -> None:
    assert Status.VALIDATED not in statuses(replace(TRIAL, detector="gone")).values()


def test_the_workspace_s_trials_and_given_ones_count_together(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    workspace = load_workspace(tmp_path)
    assert workspace is not None
    with open_store(workspace.store) as store, store.write() as connection:
        trials.add(connection, "v-1", [replace(TRIAL, caponier_version="0.0.1"), replace(TRIAL, trial_id="t")], "ada")
    other = replace(
        TRIAL, trial_id="u", detector="unsafe_code", techniques=(TechniqueId("amltm-2020", "AMLTM.EXEC.01.02"),)
    )
    found = {cell.technique.id: cell for cell in cover(workspace, [other])}
    assert [trial.trial_id for trial in found["AMLTM.IMPACT.02"].trials] == ["t"]
    assert found["AMLTM.EXEC.01.02"].status is Status.VALIDATED


def test_a_file_of_trials_is_read(tmp_path: Path) -> None:
    path = written(tmp_path / "trials.json", {"schema": SCHEMA, "trials": [TRIAL.to_dict()]})
    assert read_trials(path) == [TRIAL]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "not JSON"),
        ({"schema": "caponier.findings/1"}, "document of schema"),
        ([], "document of schema"),
        ({"schema": SCHEMA}, "cannot be read"),
        ({"schema": SCHEMA, "trials": [1]}, "cannot be read"),
        ({"schema": SCHEMA, "trials": [{"trial_id": "t"}]}, "cannot be read"),
        ({"schema": SCHEMA, "trials": [TRIAL.to_dict() | {"detected": "yes"}]}, "cannot be read"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_trials(written(tmp_path / "trials.json", content))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_trials(tmp_path / "none.json")


def test_a_file_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(InputError, match="larger"):
        read_trials(path)
