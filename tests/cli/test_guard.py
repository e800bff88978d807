"""`caponier guard` as a process of its own."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import IO, Any

import pytest

from app.guard.guarded import workspace_in
from caponier.app.incidents.findings import list_findings
from caponier.emulate.evasion.hop_skip_jump import HopSkipJump
from caponier.emulate.victims.client import RemoteModel
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.emulate.victims.server import serve
from caponier.records.inventory import Workspace
from conftest import World
from guard.loopback import ask
from pace import HANG, wait_for

# The command alone, whether or not the program lists it already.
PROGRAM = """
import sys, typer
from caponier.cli import _print
from caponier.cli.guard import EXAMPLE, guard
from caponier.errors import CaponierError
app = typer.Typer()
app.command("guard", epilog=EXAMPLE)(guard)
try:
    app()
except CaponierError as error:
    _print(error)
    sys.exit(error.exit_code)
"""


@pytest.fixture
def workspace(world: World, tmp_path: Path) -> Workspace:
    return workspace_in(tmp_path / "ws", world)


@dataclass
class Started:
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        line: str = wait_for(lambda: next((line for line in self.said if line.startswith("guarding")), None))
        return line.split()[-1]


@contextmanager
def started(*arguments: object) -> Iterator[Started]:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, *map(str, arguments)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        running = Started(process)
        reader = Thread(target=_listen, args=(process.stderr, running.said), daemon=True)
        reader.start()
        try:
            yield running
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            printed = process.stdout.read()
            process.wait(HANG)
            reader.join(HANG)
    assert printed == "", "results only, and there are none"


def _listen(stream: IO[str], said: list[str]) -> None:
    said.extend(line.rstrip("\n") for line in stream)


def test_it_says_what_it_does_and_does_it(
    workspace: Workspace, digits: tuple[DigitsSplit, Victim], world: World
) -> None:
    split, victim = digits
    originals = victim.understood(split.attackers)
    seen: list[Any] = []
    with serve(victim.predict_proba, record=seen.extend, principal_of=lambda key: key) as server:
        options = ("--upstream", server.url, "--mode", "enforce", "--port", 0, "--workspace", workspace.root)
        with started(*options) as one:
            assert ask(one.url, "/-/healthz").body == b'{"status":"ok","detection":"ok"}'
            # What the guard itself asked, to know what the model server is.
            seen.clear()
            with RemoteModel(one.url, "eve") as model:
                HopSkipJump().run(
                    lambda rows: model.predict_proba(rows, batch=1),
                    originals.images[0],
                    int(originals.labels[0]),
                    seed=0,
                    budget=300,
                )
            wait_for(lambda: any(line.startswith("active: block") for line in one.said))
            assert (
                ask(one.url, "/v2/models/digits/infer", b"{}", headers=[("authorization", "Bearer eve")]).status == 429
            )
            with RemoteModel(one.url, "ada") as model:
                model.predict_proba(split.test.images[:3])
            asked = len(seen)
    assert one.process.returncode == 0, "it ends when it is told to"
    assert one.said[0].startswith(f"guarding {server.url} at http://127.0.0.1:")
    assert "looking for attacks on: digits" in one.said
    assert [line for line in one.said if line.startswith("mode enforce")]
    findings = list_findings(workspace)
    assert findings
    for finding in findings:
        assert [line for line in one.said if finding.finding_id in line]
    logged = sum(len(file.read_bytes().splitlines()) for file in Path(workspace.lake).rglob("*.jsonl"))
    assert logged > asked, "with what was refused"


def test_quiet_says_nothing(workspace: Workspace) -> None:
    port = free_port()
    with started("--upstream", "http://127.0.0.1:9", "--port", port, "--workspace", workspace.root, "--quiet") as one:
        wait_for(lambda: is_up(port))
        assert ask(f"http://127.0.0.1:{port}", "/-/healthz").status == 200
    assert one.said == []


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def is_up(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ((), "there is no model server to guard"),
        (("--upstream", "ftp://x"), "http:// or https:// and a host"),
        (("--upstream", "http://127.0.0.1:9", "--mode", "shout"), "Invalid value"),
    ],
)
def test_what_cannot_be_done_is_an_error(workspace: Workspace, options: tuple[str, ...], said: str) -> None:
    with started(*options, "--workspace", workspace.root) as one:
        assert one.process.wait(HANG) == 2
    assert said in " ".join(one.said)


def test_settings_come_from_the_workspace(workspace: Workspace) -> None:
    with (workspace.root / "caponier.toml").open("a") as file:
        file.write('[guard]\nupstream = "http://127.0.0.1:9"\nport = 0\nfail = "closed"\n')
    with started("--workspace", workspace.root) as one:
        assert one.url
        wait_for(lambda: "when a decision fails, requests are refused" in one.said)
        assert "mode observe: nothing is blocked or changed; every query is recorded and looked at" in one.said
        assert ask(one.url, "/x").status == 502
