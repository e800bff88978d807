"""Of an input that is broken or no log, the command says what, where, what was seen and what to do; good rows stay."""

from pathlib import Path

import orjson
import pytest

from cli.command import run
from cli.scan.broken_inputs import BROKEN


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_input_is_told_with_the_next_step(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    case = BROKEN[name]
    monkeypatch.chdir(tmp_path)
    Path(case.file).write_bytes(case.data)
    ran = run(capsys, "scan", "inference", case.file, "--format", "json")
    said = " ".join(ran.err.split())
    assert ran.code == case.code, said
    assert case.says in said
    assert case.file in said
    assert "fault in Caponier" not in said
    if case.code == 2:
        assert ran.out == ""
        # What is wrong, and at least a line of what to do.
        assert len(ran.err.strip().splitlines()) > 1
    else:
        read = orjson.loads(ran.out)["events"]
        assert read == case.good or (case.good == 1 and read > 0)
    # Nothing is written where nobody asked.
    assert [path.name for path in tmp_path.iterdir()] == [case.file]


def test_there_are_sixty() -> None:
    assert len(BROKEN) >= 60
