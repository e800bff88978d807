"""A check-up goes over every part of a workspace, and says what to do about each."""

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from caponier.app.setup.doctor import Checkup, State, examine
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.judging import FEWEST
from detect.calibration.test_baseline import section


def examined(folder: Path, more: str = "", *logs: Path) -> list[Checkup]:
    create_workspace(folder / "w", more)
    return examine(require_workspace(folder / "w"), logs)


def about(found: list[Checkup], name: str) -> list[tuple[State, str]]:
    return [(one.state, one.says) for one in found if one.about == name]


def test_an_empty_workspace_lacks_models_and_logs_and_each_has_a_next_step(tmp_path: Path) -> None:
    found = examined(tmp_path)
    assert [one.about for one in found if one.state is State.LACKS] == ["models", "logs"]
    assert all(one.hint for one in found)
    assert {one["about"] for one in map(Checkup.to_dict, found)} >= {"salt", "models", "logs"}


@pytest.mark.parametrize(("who", "says"), [("", "it has no owner"), ('owner = "ann"\n', None)])
def test_a_system_needs_somebody_who_answers_for_it(tmp_path: Path, who: str, says: str | None) -> None:
    found = examined(tmp_path, f'\n[[model]]\nname = "m"\n[[system]]\nname = "s"\nmodels = ["m"]\n{who}')
    assert about(found, "s") == ([(State.LACKS, says)] if says else [])
    assert "belongs to no system" not in {says for _, says in about(found, "m")}


def test_a_baseline_that_is_none_is_wrong_and_the_other_model_is_still_looked_at(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"no baseline")
    models = f'\n[[model]]\nname = "a"\nbaseline = "{bad}"\n[[model]]\nname = "b"\n'
    found = examined(tmp_path, models)
    assert any(state is State.WRONG and "baseline cannot be used" in says for state, says in about(found, "a"))
    assert any("no baseline is set" in says for _, says in about(found, "b"))


@pytest.mark.parametrize(("callers", "state"), [(FEWEST - 1, State.LACKS), (FEWEST, State.OK)])
def test_a_baseline_is_large_enough_from_as_many_callers_as_a_scan_asks_for(
    tmp_path: Path, callers: int, state: State
) -> None:
    file = tmp_path / "m.safetensors"
    file.write_bytes(Baseline((replace(section("m"), principals=callers),)).to_bytes())
    found = examined(tmp_path, f'\n[[model]]\nname = "m"\nbaseline = "{file}"\n')
    assert {told for told, says in about(found, "m") if f"{callers} callers" in says} == {state}


def test_a_server_that_listens_can_be_reached(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        found = examined(tmp_path, f'\n[guard]\nupstream = "http://127.0.0.1:{port}/v1"\n')
    assert about(found, "model server") == [(State.OK, f"127.0.0.1:{port} can be reached")]


def test_an_address_that_is_none_is_wrong_and_stops_nothing(tmp_path: Path) -> None:
    found = examined(tmp_path, '\n[guard]\nupstream = "http://127.0.0.1:99999"\n')
    assert [state for state, _ in about(found, "model server")] == [State.WRONG]
    assert about(found, "logs")


def test_a_log_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    found = examined(tmp_path, "", tmp_path / "none.jsonl")
    assert about(found, "logs") == [(State.WRONG, "does not exist")]
