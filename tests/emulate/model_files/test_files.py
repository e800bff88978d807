import pickletools
from pathlib import Path

import pytest

from caponier.emulate.attacker.pickle_stream import called, data, ended, named, text
from caponier.emulate.file_emulation import command
from caponier.emulate.registry import files
from caponier.matrix.versions.catalogue import resolve


@pytest.mark.parametrize("name", files())
def test_files_are_written_where_asked_and_nothing_runs(name: str, tmp_path: Path) -> None:
    if name == "torch_checkpoints":
        pytest.importorskip("torch")
    folder, canary = tmp_path / "files", tmp_path / "canary"
    folder.mkdir()
    paths = files()[name].write(folder, canary)
    assert paths
    assert sorted(paths) == sorted(folder.iterdir())
    assert not canary.exists()


@pytest.mark.parametrize("name", files())
def test_attacks_name_techniques_that_exist_and_controls_none(name: str) -> None:
    emulation = files()[name]
    assert bool(emulation.techniques) == emulation.harmful
    assert all(resolve(technique).name for technique in emulation.techniques)
    assert emulation.description


def test_plain_attacks_carry_the_command(tmp_path: Path) -> None:
    canary = tmp_path / "a canary"
    for path in files()["plain_pickle_attack"].write(tmp_path, canary):
        content = path.read_bytes()
        assert command(canary).encode() in content
        calls = [opcode.name for opcode, _, _ in pickletools.genops(content)]
        assert "REDUCE" in calls
        assert calls[-1] == "STOP"


def test_paths_with_spaces_are_one_word_of_the_command() -> None:
    assert command(Path("/tmp/a b")) == "echo loaded > '/tmp/a b'"


def test_a_stream_is_what_pickletools_reads() -> None:
    content = ended(called(named("os", "system"), text("id"), data(b"x")))
    words = [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(content)]
    assert words == [
        ("PROTO", 2),
        ("GLOBAL", "os system"),
        ("MARK", None),
        ("BINUNICODE", "id"),
        ("BINBYTES", b"x"),
        ("TUPLE", None),
        ("REDUCE", None),
        ("STOP", None),
    ]
