import shlex
import sys
from pathlib import Path

import pytest

from caponier.errors import InputError
from caponier.remediate.measuring_command import measure

PATHS = {"dataset": "rows.npz", "test": "test.npz"}


def command(code: str) -> str:
    return f"{shlex.quote(sys.executable)} -c {shlex.quote(code)} {{dataset}} {{test}}"


def test_the_last_line_is_the_answer() -> None:
    code = 'print(\'epoch 1\'); print(\'{"accuracy": 0.5, "loss": 2, "note": "x", "ok": true}\')'
    assert measure(command(code), PATHS) == {"accuracy": 0.5, "loss": 2.0}


def test_paths_take_the_place_of_names() -> None:
    code = "import sys, json; print(json.dumps({'accuracy': float(sys.argv[1:] == ['rows.npz', 'test.npz'])}))"
    assert measure(command(code), PATHS) == {"accuracy": 1.0}


def test_no_shell_reads_the_paths(tmp_path: Path) -> None:
    target = tmp_path / "made-by-a-shell"
    code = "import sys, json; print(json.dumps({'accuracy': float(len(sys.argv))}))"
    assert measure(command(code), {"dataset": f"a; touch {target}", "test": "$(x)"}) == {"accuracy": 3.0}
    assert not target.exists()


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("raise SystemExit('no such file')", "exit code 1: no such file"),
        ("print('done')", "does not say its accuracy"),
        ("pass", "does not say its accuracy"),
        ("print('[1]')", "does not say its accuracy"),
        ("print('{\"accuracy\": true}')", "does not say its accuracy"),
    ],
)
def test_a_command_that_does_not_answer_is_an_error(code: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        measure(command(code), PATHS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("train {dataset}", "does not use {test}"),
        ("", "does not use"),
        ("'open {dataset} {test}", "cannot be split"),
        ("/no/such/program {dataset} {test}", "cannot be run"),
    ],
)
def test_a_command_that_cannot_be_meant_is_an_error(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        measure(text, PATHS)


def test_a_command_that_does_not_end_is_ended() -> None:
    with pytest.raises(InputError, match=r"longer than 0\.2 seconds"):
        measure(command("import time; time.sleep(30)"), PATHS, timeout=0.2)
