"""Rollback on a real MLflow server, seen by MLflow's own client: version, files and every bit of its predictions."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bench.machinery.tools import Tool, tool
from tests.cli.command import run_in

from caponier.errors import InputError

pytestmark = pytest.mark.slow
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


@pytest.fixture(scope="module")
def mlflow() -> Tool:
    try:
        return tool("mlflow")
    except InputError as missing:
        pytest.skip(str(missing))


@pytest.fixture
def address(mlflow: Tool, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [mlflow.program(), "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path}/m.db", "--artifacts-destination", tmp_path / "files"]
    with (tmp_path / "server.log").open("wb") as log:
        server = subprocess.Popen(
            command, cwd=tmp_path, env={**os.environ, **QUIET}, stdout=log, stderr=log, start_new_session=True
        )
    try:
        where = f"http://127.0.0.1:{port}"
        _wait(where, server)
        yield where
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def _wait(where: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "the server ended"
        try:
            with urllib.request.urlopen(f"{where}/version", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("the server does not answer")


@pytest.fixture
def told(mlflow: Tool, address: str, tmp_path: Path) -> Iterator[Callable[[], dict[str, Any]]]:
    """What MLflow's client sees: first of the good version, then of the bad one, then as often as it is asked."""
    script = Path(__file__).with_name("mlflow_client.py")
    with (
        (tmp_path / "client.log").open("w") as log,
        subprocess.Popen(
            [mlflow.python, script, address],
            cwd=tmp_path, env={**os.environ, **QUIET, "PYTHONPATH": "", "GIT_PYTHON_REFRESH": "quiet"}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
        ) as client,
    ):  # fmt: skip
        seen = 0

        def tell() -> dict[str, Any]:
            nonlocal seen
            assert client.stdin
            assert client.stdout
            seen += 1
            if seen > 2:
                client.stdin.write("\n")
                client.stdin.flush()
            while not (line := client.stdout.readline()).startswith("{"):
                assert line, (tmp_path / "client.log").read_text()[-2000:]
            found: dict[str, Any] = json.loads(line)
            return found

        try:
            yield tell
        finally:
            client.kill()


def test_the_served_model_is_the_previous_one_to_the_last_bit(
    address: str, told: Callable[[], dict[str, Any]], tmp_path: Path
) -> None:
    good, bad = told(), told()
    assert (good["version"], bad["version"]) == ("1", "2")
    assert bad["accuracy"] < 0.5 < good["accuracy"]
    arguments = ("remediate", "rollback", "cows", "--registry", address, "--format", "json")
    ran = run_in(tmp_path, *arguments, environment={})
    assert ran.code == 0, ran.err
    back = json.loads(ran.out)
    assert told() == good
    assert back["details"]["seconds"] <= 5
    ran = run_in(tmp_path, *arguments, "--undo", environment={})
    assert ran.code == 0, ran.err
    assert told() == bad
    ran = run_in(tmp_path, *arguments, "--sha256", back["details"]["sha256"]["to"], environment={})
    assert ran.code == 0, ran.err
    assert told() == good
    refused = run_in(tmp_path, *arguments, "--undo", "--sha256", "0" * 64, environment={})
    assert refused.code == 2
    assert told() == good
