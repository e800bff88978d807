"""Three guards behind a balancer that deals requests out in turn, and a stream over what they write into one lake.

Each guard sees a third of an attack. What counts is after how many different queries, of all three, the finding of the
stream comes, and when all three refuse.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machinery.cluster.loopback import environment, kill, spark_python
from bench.machinery.measured import say
from bench.machinery.scorecard import Goal, Scorecard
from caponier.app.incidents.findings import list_findings
from caponier.app.inference.scan import scan_inference
from caponier.app.validate.lab.attack_line import open_line
from caponier.app.validate.lab.proving_ground import MAIN, ProvingGround, Scale
from caponier.app.workspace.workspace import create_workspace, load_workspace, read_salt
from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.disguises.accounts import Splitting
from caponier.emulate.registry import attacks
from caponier.emulate.victims.client import RemoteModel
from caponier.errors import CaponierError
from caponier.records.finding import Finding
from caponier.records.inventory import Workspace
from caponier.telemetry.principals import principal_of

SEEDS, GUARDS, ATTACKERS = (1, 2, 3), 3, 20
AT_ONCE = 4
"""Attackers who ask at the same time."""
ATTACK, LONGEST_S = "hop_skip_jump", 60.0
STARTING_S = 120.0
GOALS = (
    Goal("found_of_attackers", 1.0, at_least=True),
    Goal("worst_unique_queries", 12, at_least=False),
    Goal("worst_seconds_until_all_guards_refuse", 15.0, at_least=False),
)
SETTINGS = """
[respond]
limit = 1.0
limit_least = 1_000_000
[[model]]
name = "{name}"
baseline = "m.safetensors"
[model.features]
kind = "image"
shape = [8, 8]
minimum = 0.0
maximum = 1.0
"""
"""As many automatic responses as there are attackers: here are more of them than of anybody else."""


@dataclass(frozen=True)
class Campaign:
    """One attacker: who it is in the log, and when it was refused wherever it asked."""

    principal: str
    refused_after: float | None
    """Seconds since its first request until no guard let it through; None if it ended before."""
    queries: int


def run(quick: bool) -> Scorecard:
    """Attack in three worlds; quick: in one, with five attackers."""
    seeds, attackers = (SEEDS[:1], 5) if quick else (SEEDS, ATTACKERS)
    rows: list[dict[str, Any]] = []
    for seed in seeds:
        say(f"seed {seed}")
        with tempfile.TemporaryDirectory(prefix="three-guards-") as folder:
            rows += _attacked(Path(folder), seed, attackers)
    after = [row["unique_queries"] for row in rows if row["unique_queries"] is not None]
    refused = [row["refused_after_s"] for row in rows if row["refused_after_s"] is not None]
    figures = {
        "attackers": len(rows),
        "found_of_attackers": round(len(after) / len(rows), 3),
        "median_unique_queries": statistics.median(after) if after else None,
        "worst_unique_queries": max(after, default=None),
        "refused_of_attackers": round(len(refused) / len(rows), 3),
        "worst_seconds_until_all_guards_refuse": max(refused, default=None),
    }
    about = (
        f"{GUARDS} guards that enforce, one store and one lake; requests of {ATTACK} come to them in turn, of "
        f"{AT_ONCE} attackers at once. Findings are those of caponier stream; queries are different ones, over all "
        "guards. Seconds are counted from an attacker's first request. The limit on automatic responses is raised."
    )
    return Scorecard("three_guards", about, figures, GOALS, seeds, rows)


def _home(folder: Path, ground: ProvingGround) -> Workspace:
    """Return a workspace on the disk, which knows the model and its baseline."""
    root = folder / "home"
    create_workspace(root)
    # Names of callers are keyed with the salt that the baseline was learned with.
    (root / ".caponier" / "salt").write_bytes((folder / "ground" / "workspace" / ".caponier" / "salt").read_bytes())
    target = ground.target(MAIN, ground.victim, ground.split.train.images)
    (root / "m.safetensors").write_bytes(target.baseline.to_bytes())
    file = root / "caponier.toml"
    file.write_text(file.read_text() + SETTINGS.format(name=MAIN))
    home = load_workspace(root)
    if home is None:
        raise CaponierError("the workspace that was just written is not there", where=str(root))
    return home


def _attacked(folder: Path, seed: int, attackers: int) -> list[dict[str, Any]]:
    (folder / "ground").mkdir()
    ground = ProvingGround(folder / "ground", seed, Scale(seeds=(seed,)))
    salt = ground.salt
    home, targets = _home(folder, ground), ground.victim.understood(ground.split.attackers)
    target = ground.target(MAIN, ground.victim, ground.split.train.images).deployment
    with open_line(ground.victim.predict_proba, target, salt) as line, ExitStack() as stack:
        urls = [stack.enter_context(_guard(home, line.url, number)) for number in range(GUARDS)]
        stack.enter_context(_stream(home))

        def attack(turn: int) -> Campaign:
            image, label = targets.images[turn], int(targets.labels[turn])
            return _campaign(urls, f"attacker-{seed}-{turn}", home, image, label, seed * 100 + turn)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            campaigns = list(pool.map(attack, range(attackers)))
        found = _until_found(home, {one.principal for one in campaigns})
    scanned = {one.subject.id: one for one in scan_inference([Path(home.lake)], workspace=home).findings}
    return [
        {
            "seed": seed,
            "detector": found[one.principal].detector if one.principal in found else None,
            "unique_queries": _unique(found.get(one.principal)),
            "unique_queries_by_scan": _unique(scanned.get(one.principal)),
            "answers": one.queries,
            "refused_after_s": None if one.refused_after is None else round(one.refused_after, 1),
        }
        for one in campaigns
    ]


def _unique(finding: Finding | None) -> int | None:
    return None if finding is None else finding.evidence.age


def _campaign(urls: Sequence[str], key: str, home: Workspace, image: Any, label: int, seed: int) -> Campaign:
    """Attack until every guard refuses, or for a minute at most."""
    began = time.monotonic()
    models = [RemoteModel(url, key, MAIN) for url in urls]
    balanced = Splitting([one.predict_proba for one in models])
    refused: list[float] = []

    def asked(rows: Any) -> Any:
        if time.monotonic() - began > LONGEST_S:
            raise RefusedError("time is up")
        try:
            return balanced(rows)
        except RefusedError:
            refused.append(time.monotonic() - began)
            raise

    try:
        # A search that has succeeded begins anew: it is there to be refused.
        while not refused and time.monotonic() - began <= LONGEST_S:
            attacks()[ATTACK].run(asked, image, label, seed=seed)
            seed += 1_000
    finally:
        for one in models:
            one.close()
    answered = sum(one.queries for one in models)
    return Campaign(str(principal_of(key, read_salt(home))), refused[0] if refused else None, answered)


def _until_found(home: Workspace, whom: set[str]) -> dict[str, Finding]:
    """Wait until the stream has told of everybody, for a minute at most."""
    until = time.monotonic() + LONGEST_S
    while True:
        found = {one.subject.id: one for one in reversed(list_findings(home)) if one.subject.id in whom}
        if len(found) == len(whom) or time.monotonic() > until:
            return found
        time.sleep(0.5)


@contextmanager
def _guard(home: Workspace, upstream: str, number: int) -> Iterator[str]:
    """Run `caponier guard` as a user does; give its URL."""
    told = home.root / f"guard-{number}.log"
    given = ["guard", "--upstream", upstream, "--mode", "enforce", "--port", "0", "--workspace", str(home.root)]
    with told.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "caponier", *given], cwd=home.root, stderr=out, stdout=out)
    try:
        until = time.monotonic() + STARTING_S
        while " at http" not in (said := " ".join(told.read_text().split())):
            if process.poll() is not None or time.monotonic() > until:
                raise CaponierError("a guard did not start", where=str(told), hint=said[-2_000:])
            time.sleep(0.1)
        yield said.split(" at ", 1)[1].split()[0]
    finally:
        kill(process)


@contextmanager
def _stream(home: Workspace) -> Iterator[None]:
    """Run `caponier stream` as a user does, from its first look on."""
    python, told = spark_python(), home.root / "stream.log"
    given = ["stream", "--master", "local[2]", "--mode", "enforce", "--workspace", str(home.root)]
    with told.open("wb") as out:
        process = subprocess.Popen(
            [str(python), "-m", "caponier", *given], env=environment(python), cwd=home.root, stderr=out, stdout=out
        )
    try:
        until = time.monotonic() + STARTING_S
        while not (home.root / "stream" / "position.json").exists():
            if process.poll() is not None or time.monotonic() > until:
                raise CaponierError("the stream did not start", where=str(told), hint=told.read_text()[-2_000:])
            time.sleep(0.2)
        yield
    finally:
        kill(process)
