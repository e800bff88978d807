"""`caponier collect`: what it refuses before it listens, and that it ends when it is told to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from app.guard.test_collect import STRUCTURED, record, sent
from caponier.app.workspace.workspace import create_workspace
from caponier.cli import app
from caponier.errors import InputError
from pace import HANG, wait_for


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "anybody could send"),
        (["--host", "collector.example"], "anybody could send"),
        (["--token-file", "short"], "can be guessed"),
        (["--token-file", "gone"], "cannot be read"),
    ],
)
def test_what_would_let_anybody_send_is_an_error(tmp_path: Path, options: list[str], said: str) -> None:
    create_workspace(tmp_path)
    (tmp_path / "short").write_text("x")
    given = [str(tmp_path / one) if one in ("short", "gone") else one for one in options]
    result = CliRunner().invoke(app, ["collect", "--workspace", str(tmp_path), *given])
    assert isinstance(result.exception, InputError)
    assert said in str(result.exception)


def test_it_collects_until_it_is_told_to_end(tmp_path: Path) -> None:
    create_workspace(tmp_path)
    command = [sys.executable, "-m", "caponier", "collect", "--port", "0", "--workspace", str(tmp_path)]
    told = tmp_path / "told"
    with told.open("w") as stream, subprocess.Popen(command, stderr=stream, env=dict(os.environ)) as process:
        try:
            line = wait_for(lambda: told.read_text())
            url = line.split(" at ")[1].split(" ")[0]
            assert wait_for(lambda: orjson.loads(sent(url, record(1, "request"), STRUCTURED).body)) == {"taken": 1}
            process.send_signal(signal.SIGTERM)
            process.wait(HANG)
        finally:
            process.kill()
    assert len(list((tmp_path / "lake").rglob("collected-kserve-*.jsonl"))) == 1
