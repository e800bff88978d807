import hashlib
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import run_in
from tests.remediate.mlflow_stand_in import StandIn, serving

from caponier.app.remediate.mlflow_rollback import AliasRollback, rollback_alias
from caponier.app.remediate.rollback import Measurement
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from caponier.store import remediations
from caponier.store.database import open_store


@pytest.fixture
def server() -> Iterator[StandIn]:
    with serving(StandIn()) as stand_in:
        yield stand_in


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    workspace = load_workspace(create_workspace(tmp_path / "home"))
    assert workspace
    return workspace


def digest(server: StandIn, version: str) -> str:
    files = server.files[version]
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def asked(server: StandIn, **more: object) -> AliasRollback:
    return AliasRollback(server.address, "digits", **more)  # type: ignore[arg-type]


def state(server: StandIn) -> tuple[object, object]:
    return dict(server.aliases), {version: dict(tags) for version, tags in server.tags.items()}


def recorded(home: Workspace) -> list[str]:
    with open_store(home.store) as store, store.read() as connection:
        return [done.remediation_id for done in remediations.search(connection)]


def test_an_alias_goes_back_and_forward_and_nothing_is_forgotten(server: StandIn, home: Workspace) -> None:
    before = state(server)
    back = rollback_alias(asked(server), workspace=home)
    assert server.aliases == {"champion": "2"}
    assert server.tags["3"] == {"caponier.status": "quarantined"}
    assert back.done.details["sha256"] == {"from": digest(server, "3"), "to": digest(server, "2")}
    further = rollback_alias(asked(server), workspace=home)
    assert (further.leaves, further.takes) == ("2", "1")
    for step in ("2", "3"):
        rollback_alias(asked(server, undo=True), workspace=home)
        assert server.aliases == {"champion": step}
    server.tags[None].clear()  # the history stays
    assert state(server) == before
    assert len(set(recorded(home))) == 4


def test_files_that_are_not_those_that_were_promised_change_nothing(server: StandIn, home: Workspace) -> None:
    server.tags["2"] = {"caponier.sha256": digest(server, "2")}
    server.files["2"]["data/model.skops"] = b"altered"
    before = state(server)
    with pytest.raises(InputError, match="not those that are asked for") as refused:
        rollback_alias(asked(server), workspace=home)
    assert digest(server, "2") in str(refused.value.hint)
    with pytest.raises(InputError, match="not those"):
        rollback_alias(asked(server, to="1", sha256="0" * 64), workspace=home)
    assert state(server) == before
    assert recorded(home) == []
    assert rollback_alias(asked(server, to="1", sha256=digest(server, "1").upper())).takes == "1"


def test_what_was_quarantined_must_be_the_same_to_go_forward_to(server: StandIn) -> None:
    rollback_alias(asked(server))
    server.files["3"]["more.py"] = b"code"
    with pytest.raises(InputError, match="not those that are asked for"):
        rollback_alias(asked(server, undo=True))
    assert server.aliases == {"champion": "2"}


def test_a_version_that_is_unready_quarantined_or_unknown_is_not_taken(server: StandIn) -> None:
    server.status["2"] = "FAILED_REGISTRATION"
    with pytest.raises(InputError, match="not ready"):
        rollback_alias(asked(server, to="2"))
    with pytest.raises(InputError, match="no version '9'"):
        rollback_alias(asked(server, to="9"))
    assert rollback_alias(asked(server)).takes == "1"
    with pytest.raises(InputError, match="quarantined"):
        rollback_alias(asked(server, to="3"))
    with pytest.raises(InputError, match="no earlier version"):
        rollback_alias(asked(server))


def test_the_alias_must_be_clear(server: StandIn) -> None:
    server.aliases["shadow"] = "1"
    with pytest.raises(InputError, match="2 aliases") as unclear:
        rollback_alias(asked(server))
    assert "champion, shadow" in str(unclear.value.hint)
    with pytest.raises(InputError, match="no alias 'live'"):
        rollback_alias(asked(server, alias="live"))
    assert rollback_alias(asked(server, alias="champion")).takes == "2"
    assert server.aliases["shadow"] == "1"


@pytest.mark.parametrize("refuses", ["POST mlflow/registered-models/alias", "POST mlflow/model-versions/set-tag"])
def test_a_change_that_fails_is_taken_back_and_not_recorded(server: StandIn, home: Workspace, refuses: str) -> None:
    before, server.refuses = state(server), refuses
    with pytest.raises(InputError, match="403"):
        rollback_alias(asked(server), workspace=home)
    assert state(server) == before
    assert recorded(home) == []


def test_the_command_gets_a_copy_and_the_bad_one_only_if_allowed(server: StandIn, tmp_path: Path) -> None:
    np.savez(tmp_path / "test.npz", x=np.eye(30), y=np.arange(30) % 3)
    code = (
        "import sys, pathlib; said = pathlib.Path(sys.argv[1], 'data/model.skops').read_text(); "
        "print('{\"accuracy\": 0.' + said[-1] + '}')"
    )
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{model}} {{test}}"
    result = rollback_alias(asked(server, measurement=Measurement(tmp_path / "test.npz", command=command)))
    assert (result.done.before, result.done.after) == ({}, {"accuracy": 0.2})
    assert any("--measure-bad" in note for note in result.notes)
    allowed = Measurement(tmp_path / "test.npz", command=command, bad_too=True)
    assert rollback_alias(asked(server, measurement=allowed)).done.before == {"accuracy": 0.2}


def test_a_store_that_we_do_not_read_is_told_and_never_passes_for_verified(server: StandIn) -> None:
    server.scheme = "s3"
    with pytest.raises(InputError, match="not those that are asked for"):
        rollback_alias(asked(server, sha256="0" * 64))
    notes = rollback_alias(asked(server)).notes
    assert any("were not verified: they lie in s3:" in note for note in notes)


@pytest.mark.parametrize("name", ["../up", "..", "a\\b", "line\nbreak"])
def test_a_file_name_never_leads_out_of_the_copy(server: StandIn, tmp_path: Path, name: str) -> None:
    server.files["2"] = {name: b"x"}
    np.savez(tmp_path / "test.npz", x=np.eye(30), y=np.arange(30) % 3)
    how = Measurement(tmp_path / "test.npz", command="true {model} {test}")
    with pytest.raises(InputError):
        rollback_alias(asked(server, measurement=how))
    assert server.aliases == {"champion": "3"}


def test_the_command_line_takes_an_address_in_place_of_a_registry(server: StandIn, tmp_path: Path) -> None:
    command = ("remediate", "rollback", "digits", "--registry")
    ran = run_in(tmp_path, *command, server.address, "--alias", "champion", environment={})
    assert (ran.code, server.aliases) == (0, {"champion": "2"})
    assert "version 2 is active" in ran.err
    assert "keep it for --sha256" in " ".join(ran.err.split())
    refused = run_in(tmp_path, *command, "models/", "--alias", "champion", environment={})
    assert refused.code == 2
    assert "--alias is of use with an MLflow server alone" in refused.err


def test_an_incident_that_is_not_there_is_told_before_anything_changes(
    server: StandIn, home: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no such incident"):
        rollback_alias(asked(server, incident_id="i-none"), workspace=home)
    assert server.aliases == {"champion": "3"}
