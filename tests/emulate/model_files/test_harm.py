"""Whether the files are what they are called: harmful ones run the attacker's command, controls run nothing.

What is judged unsafe and is not harmful proves nothing about a detector, so each file is really loaded, in a process of
its own whose `os.system` only writes down what it is asked to do.
"""

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from caponier.detect.artifact import Limits, Verdict
from caponier.detect.artifacts.unsafe_code import detector
from caponier.detect.model_files.files.judge import judge
from caponier.emulate.attacker.pickle_stream import called, named, text
from caponier.emulate.file_emulation import command
from caponier.emulate.registry import files
from pace import HANG

pytestmark = pytest.mark.slow

LOADER = Path(__file__).with_name("victim_loader.py")
PICKLES = (
    "broken_pickle_attack",
    "compromised_source_attack",
    "disguised_pickle_attack",
    "plain_pickle_attack",
    "wrapped_pickle_attack",
)
ELSEWHERE = {"unlisted.pkl"}
"""Calls a function of a library that only the victim has."""
CANARIES = ("canary", "a canary", "can'ary", "kanári-√", "back\\slash", "two\nlines")


def loaded(folder: Path) -> dict[str, list[str]]:
    run = subprocess.run(
        [sys.executable, LOADER, folder], capture_output=True, text=True, check=True, timeout=HANG, cwd=folder
    )
    return dict(json.loads(run.stdout))


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folders = {}
    for name in files():
        if name == "torch_checkpoints":
            pytest.importorskip("torch")
        folders[name] = tmp_path_factory.mktemp(name) / "files"
        folders[name].mkdir()
        files()[name].write(folders[name], folders[name].parent / "canary")
    return folders


@pytest.mark.parametrize("name", PICKLES)
def test_whoever_loads_a_harmful_pickle_runs_the_attackers_command(name: str, written: dict[str, Path]) -> None:
    pytest.importorskip("torch")
    order = command(written[name].parent / "canary")
    found = loaded(written[name])
    assert {file for file, commands in found.items() if commands != [order]} <= ELSEWHERE
    assert not (written[name].parent / "canary").exists()


@pytest.mark.parametrize("name", ["plain_data", "sklearn_models", "torch_checkpoints"])
def test_whoever_loads_a_control_runs_nothing(name: str, written: dict[str, Path]) -> None:
    found = loaded(written[name])
    assert found
    assert not any(found.values())


@pytest.mark.parametrize("canary", CANARIES)
def test_every_path_reaches_the_command_as_it_is(canary: str, tmp_path: Path) -> None:
    """A path that a pickle garbles would let a load go unnoticed: the canary would be another file."""
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("plain_pickle_attack", "broken_pickle_attack"):
        files()[name].write(folder, tmp_path / canary)
    found = loaded(folder)
    assert {order for orders in found.values() for order in orders} == {command(tmp_path / canary)}
    assert all(found.values())


@pytest.mark.parametrize("canary", [*CANARIES, "$(id)", "`id`", "a; id", "-n"])
def test_the_command_makes_the_canary_and_nothing_else(canary: str, tmp_path: Path) -> None:
    """The emulated attacker's own command is harmless, whatever the folder is called; here it is run, in a shell."""
    subprocess.run(["/bin/sh", "-c", command(tmp_path / canary)], check=True, cwd=tmp_path, timeout=HANG)
    assert [path.name for path in tmp_path.iterdir()] == [canary]
    assert (tmp_path / canary).read_text() == "loaded\n"


@pytest.mark.parametrize("name", [*PICKLES, "code_layer_attack", "plain_data"])
def test_the_same_files_are_the_same_bytes_tomorrow(
    name: str, written: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Digests are how files are known: an emulation that is run again must not look like another one."""
    canary = written[name].parent / "canary"
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    monkeypatch.setattr("time.localtime", lambda *_: (2033, 5, 18, 3, 33, 20, 2, 138, 0))
    again = files()[name].write(tmp_path, canary)
    differ = [path.name for path in again if path.read_bytes() != (written[name] / path.name).read_bytes()]
    assert differ == []


def test_controls_are_the_same_whatever_the_hash_seed(written: dict[str, Path], tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from caponier.emulate.registry import files; "
        "files()['plain_data'].write(Path(sys.argv[1]), Path('/nowhere'))"
    )
    for seed in ("1", "2"):
        (tmp_path / seed).mkdir()
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / seed], check=True, env={"PYTHONHASHSEED": seed}, timeout=HANG
        )
    first, second = ({p.name: p.read_bytes() for p in (tmp_path / seed).iterdir()} for seed in ("1", "2"))
    assert first == second == {path.name: path.read_bytes() for path in written["plain_data"].iterdir()}


def test_writing_checkpoints_leaves_the_callers_generator_alone(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    files()["torch_checkpoints"].write(tmp_path, tmp_path / "canary")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("name", files())
def test_every_file_has_a_name_of_its_own_and_something_in_it(name: str, written: dict[str, Path]) -> None:
    paths = list(written[name].iterdir())
    assert len(paths) >= 5
    assert all(path.stat().st_size > 0 for path in paths)
    assert all(path.is_file() and not path.is_symlink() for path in paths)


@pytest.mark.parametrize("name", [*PICKLES, "code_layer_attack", "plain_data"])
def test_a_folder_that_is_not_there_is_an_error_and_nothing_is_written(name: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files()[name].write(tmp_path / "missing", tmp_path / "canary")
    assert list(tmp_path.iterdir()) == []


def test_no_two_attacks_write_the_same_content(written: dict[str, Path]) -> None:
    """Each file stands for a trick of its own."""
    order = {name: str(command(folder.parent / "canary")).encode() for name, folder in written.items()}
    seen: dict[bytes, str] = {}
    for name, folder in written.items():
        for path in folder.iterdir() if files()[name].harmful else ():
            content = path.read_bytes().replace(order[name], b"<order>")
            assert content not in seen, (path.name, seen.get(content))
            seen[content] = path.name


def test_what_a_spoiled_source_serves_is_still_the_model(written: dict[str, Path]) -> None:
    """Without its call, which is all that was added, each file is a model that a scan calls clean."""
    spoiled = (written["compromised_source_attack"] / "model.pkl").read_bytes()
    order = command(written["compromised_source_attack"].parent / "canary")
    added = called(named("os", "system"), text(order)) + pickle.POP
    assert spoiled.count(added) == 1
    genuine = spoiled.replace(added, b"")
    assert judge(memoryview(spoiled), Limits()).verdict is Verdict.UNSAFE
    assert judge(memoryview(genuine), Limits()).verdict is Verdict.CLEAN
    assert pickle.loads(genuine)["weights"].shape == (3, 4)


def test_the_detector_and_its_emulations_name_the_same_techniques() -> None:
    named_by_files = {id_ for name in detector.emulations for id_ in files()[name].techniques}
    assert named_by_files == set(detector.techniques)
