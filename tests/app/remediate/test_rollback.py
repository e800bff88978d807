import hashlib
import shlex
import sys
from pathlib import Path

import pytest

from caponier.app.remediate.rollback import Measurement, read_registry, rollback_model
from caponier.app.workspace.workspace import create_workspace, load_workspace
from caponier.emulate.poison import as_npz
from caponier.emulate.registry import poisons
from caponier.emulate.victims.digits import Pool, load_digits_split
from caponier.errors import InputError
from caponier.records.inventory import Workspace
from caponier.remediate.model_registry import Registry
from caponier.remediate.reference_model import train
from caponier.store import audit, remediations
from caponier.store.database import open_store

CLASSES = tuple(map(str, range(10)))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A registry with a good version 1 and a poisoned version 2 in service, and a test set."""
    split = load_digits_split(71)
    bad = poisons()["pair_flips"].apply(split.train, 0.4, 71).pool
    registry = Registry()
    for number, pool in (("1", split.train), ("2", bad)):
        data = _model(pool)
        (tmp_path / f"v{number}.safetensors").write_bytes(data)
        registry = registry.register("digits", number, f"v{number}.safetensors", hashlib.sha256(data).hexdigest())
    (tmp_path / "registry.json").write_bytes(registry.to_bytes())
    (tmp_path / "test.npz").write_bytes(as_npz(split.test))
    return tmp_path


def _model(pool: Pool) -> bytes:
    return train(pool.images.astype(float), pool.labels, CLASSES).to_bytes()


def home(folder: Path) -> Workspace:
    workspace = load_workspace(create_workspace(folder / "home"))
    assert workspace
    return workspace


def active(folder: Path) -> str:
    version = read_registry(folder)[1].model("digits").active
    assert version
    return version.version


def test_a_rollback_is_measured_recorded_and_can_be_undone(models: Path) -> None:
    workspace = home(models)
    before = (models / "registry.json").read_bytes()
    how = Measurement(models / "test.npz")
    back = rollback_model(models, "digits", measurement=how, workspace=workspace, incident_id="i-1")
    assert active(models) == "1"
    assert back.done.after["accuracy"] > back.done.before["accuracy"] + 0.05
    assert back.done.measured_on == hashlib.sha256((models / "test.npz").read_bytes()).hexdigest()
    assert read_registry(models)[1].model("digits").version("2").status == "quarantined"
    forward = rollback_model(models, "digits", undo=True, workspace=workspace)
    assert active(models) == "2"
    assert forward.done.details["undoes"] == back.done.remediation_id
    old, new = (Registry.model_validate(_plain(data)) for data in (before, (models / "registry.json").read_bytes()))
    assert old.model("digits").versions == new.model("digits").versions
    with open_store(workspace.store) as store, store.read() as connection:
        kept = {done.remediation_id for done in remediations.search(connection)}
        assert kept == {back.done.remediation_id, forward.done.remediation_id}
        assert audit.verify(connection).ok


def _plain(data: bytes) -> dict[str, object]:
    import json

    plain: dict[str, object] = json.loads(data)
    plain["schema_"] = plain.pop("schema")
    return plain


def test_an_altered_good_version_changes_nothing(models: Path) -> None:
    before = (models / "registry.json").read_bytes()
    (models / "v1.safetensors").write_bytes(b"altered")
    with pytest.raises(InputError, match="not the one that was registered"):
        rollback_model(models, "digits", workspace=home(models))
    assert (models / "registry.json").read_bytes() == before


def command(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{model}} {{test}}"


def test_a_command_does_not_load_the_bad_version_unless_allowed(models: Path) -> None:
    log = models / "loaded"
    code = f"import sys; open({str(log)!r}, 'a').write(sys.argv[1][-14:] + ';'); print('{{\"accuracy\": 0.9}}')"
    how = Measurement(models / "test.npz", command=command(code))
    result = rollback_model(models, "digits", measurement=how)
    assert log.read_text() == "v1.safetensors;"
    assert result.done.before == {}
    assert "--measure-bad" in result.notes[0]
    rollback_model(models, "digits", undo=True)
    allowed = Measurement(models / "test.npz", command=command(code), bad_too=True)
    assert rollback_model(models, "digits", measurement=allowed).done.before == {"accuracy": 0.9}
    assert log.read_text() == "v1.safetensors;v2.safetensors;v1.safetensors;"


def test_files_of_other_kinds_are_never_loaded(models: Path) -> None:
    data = b"\x80\x04\x95 a pickle that would run code ."
    (models / "v1.safetensors").write_bytes(data)
    registry = read_registry(models)[1]
    text = registry.to_bytes().replace(
        registry.model("digits").version("1").sha256.encode(), hashlib.sha256(data).hexdigest().encode()
    )
    (models / "registry.json").write_bytes(text)
    result = rollback_model(models, "digits", measurement=Measurement(models / "test.npz"))
    assert result.done.after == {}
    assert any("no model that Caponier trained" in note for note in result.notes)


def test_a_failing_measure_of_the_good_version_stops_the_rollback(models: Path) -> None:
    how = Measurement(models / "test.npz", command=command("raise SystemExit('broken')"))
    with pytest.raises(InputError, match="broken"):
        rollback_model(models, "digits", measurement=how)
    assert active(models) == "2"


def test_an_unknown_model_and_a_missing_registry_are_named(models: Path) -> None:
    with pytest.raises(InputError, match="no model 'letters'"):
        rollback_model(models, "letters")
    with pytest.raises(InputError, match="cannot be read"):
        rollback_model(models / "none.json", "digits")
