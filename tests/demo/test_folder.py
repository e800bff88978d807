from pathlib import Path

import pytest

from caponier.app.inference.accounts import keys_joined
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.demo.folder import prepare
from caponier.demo.keys import SALT, principal
from caponier.demo.theft import ACCOUNT, FROM
from caponier.emulate.event_log import Deployment
from caponier.errors import InputError
from caponier.respond.actors import Actors
from caponier.telemetry.principals import principal_of

SERVED = Deployment("digits-mlp", "1", "mail-sorting")


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CAPONIER_STORE", raising=False)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_or_empty_folder_becomes_a_workspace(tmp_path: Path, exists: bool) -> None:
    out = tmp_path / "a" / "b"
    if exists:
        out.mkdir(parents=True)
    folder = prepare(out, SERVED)
    assert folder.workspace == require_workspace(out)
    assert folder.workspace.detect.alpha == 0.01
    system = folder.workspace.system_of("digits-mlp")
    assert system is not None
    assert system.criticality == "high"
    assert folder.workspace.detect.disabled == (
        *("caller_profile", "distributed_query", "flood", "growing_doubt", "information_spend", "input_search"),
        *("membership_probe", "schema_probe", "score_climb"),
    )


def test_a_demo_replaces_what_a_demo_wrote_and_nothing_else(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SERVED)
    (tmp_path / "lake").mkdir(exist_ok=True)
    for written in (folder.report, folder.result, folder.benign_log, folder.traffic_log, folder.baseline):
        written.write_text("old")
    salt = (tmp_path / ".caponier/salt").read_bytes()
    kept = [tmp_path / "mine.txt", folder.benign_log.parent / "mine.jsonl", tmp_path / "lake" / "mine.parquet"]
    for mine in kept:
        mine.write_text("mine")
    prepare(tmp_path, SERVED)
    assert not any(
        written.exists()
        for written in (folder.report, folder.result, folder.benign_log, folder.traffic_log, folder.baseline)
    )
    assert all(mine.read_text() == "mine" for mine in kept)
    assert (tmp_path / ".caponier/salt").read_bytes() == salt


def test_a_link_is_taken_away_and_what_it_points_to_stays(tmp_path: Path) -> None:
    outside = tmp_path / "outside.html"
    outside.write_text("mine")
    folder = prepare(tmp_path / "d", SERVED)
    folder.report.symlink_to(outside)
    prepare(tmp_path / "d", SERVED)
    assert not folder.report.is_symlink()
    assert outside.read_text() == "mine"


def test_an_interrupted_demo_can_be_run_again(tmp_path: Path) -> None:
    prepare(tmp_path, SERVED)
    marker = tmp_path / ".caponier/demo.json"
    marker.write_text('{"schema": "caponier.demo-folder/1", "workspace": null}')
    (tmp_path / "caponier.toml").unlink()
    assert prepare(tmp_path, SERVED).workspace.name == tmp_path.name


def test_another_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    before = contents(tmp_path)
    with pytest.raises(InputError, match="something else") as refused:
        prepare(tmp_path, SERVED)
    assert "--out" in str(refused.value)
    assert refused.value.exit_code == 2
    assert contents(tmp_path) == before


def test_a_workspace_that_no_demo_made_is_refused(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(InputError, match="something else"):
        prepare(tmp_path, SERVED)
    assert contents(tmp_path) == before


def test_a_workspace_file_that_was_edited_is_not_thrown_away(tmp_path: Path) -> None:
    file = prepare(tmp_path, SERVED).workspace.file
    file.write_text(file.read_text() + '[[system]]\nname = "fraud"\n')
    before = contents(tmp_path)
    with pytest.raises(InputError, match="was changed"):
        prepare(tmp_path, SERVED)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("marker", ["", "[]", '{"schema": "other"}', "\x00"])
def test_a_broken_marker_marks_nothing(tmp_path: Path, marker: str) -> None:
    (tmp_path / ".caponier").mkdir()
    (tmp_path / ".caponier/demo.json").write_text(marker)
    with pytest.raises(InputError, match="something else"):
        prepare(tmp_path, SERVED)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="not a folder"):
        prepare(tmp_path / "out", SERVED)
    assert (tmp_path / "out").read_text() == "a file"


def test_the_store_is_the_folders_own_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAPONIER_STORE", "sqlite:///elsewhere.db")
    folder = prepare(tmp_path, SERVED)
    assert folder.workspace.store == f"sqlite:///{tmp_path}/.caponier/store.db"


def test_the_keys_of_the_stolen_account_are_one_actor(tmp_path: Path) -> None:
    workspace = prepare(tmp_path, SERVED, ["k-1", "k-2"]).workspace
    assert [(one.key_hash, one.account, one.addresses) for one in workspace.identities] == [
        (None, ACCOUNT, (FROM,)),
        ("k-1", None, (FROM,)),
        ("k-2", None, (FROM,)),
    ]
    assert Actors(workspace.identities).members(f"account:{ACCOUNT}")[-2:] == ("principal:k-1", "principal:k-2")
    assert not keys_joined(workspace), "each of them attacks by itself"
    system = workspace.system_of("digits-mlp")
    assert system is not None
    assert system.datasets == ("batch.npz",)
    assert all((system.hosts, system.accounts, system.buckets, system.endpoints))


def test_the_public_salt_is_in_place_of_the_secret_one_which_stays(tmp_path: Path) -> None:
    folder = prepare(tmp_path, SERVED)
    assert read_salt(folder.workspace) == SALT
    assert bytes.fromhex((tmp_path / ".caponier/salt").read_text()) != SALT
    assert principal("key") == principal_of("key", read_salt(folder.workspace))
