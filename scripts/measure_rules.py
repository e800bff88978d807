"""Measure our rules anew, and write what comes out: how many attacks each finds, and what it tells in benign months.

    python scripts/measure_rules.py > measured.yaml && mv measured.yaml src/caponier/detect/sigma/measured.yaml

Run from the root of the tree, with `src` and the root on PYTHONPATH. The benign months are those of `bench
small_company` and `bench quiet`, each with and without `[inside]`; `--size` is the share of an estate's events. Nobody
types a figure: a rule that is new, or changed, is measured like all others.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from bench.machinery import small_company
from bench.machinery.estate import month

from caponier.app.scan.logs import scan_logs
from caponier.app.scan.memory import Memory
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.assets.scope import Scope
from caponier.detect.sigma.sigma import Sigma
from caponier.emulate.attack_steps import acts, clouds, cluster, people, planted, servers, taken
from caponier.emulate.attack_steps.attack_step import AttackStep, Row, timed
from caponier.emulate.attack_steps.story import SYSTEM
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs

STEPS: Final[Mapping[str, AttackStep]] = (
    cluster.STEPS | servers.STEPS | people.STEPS | clouds.STEPS | acts.STEPS | planted.STEPS | taken.STEPS
)
START: Final = datetime(2026, 1, 6, 2, tzinfo=UTC)
COMPANY: Final = (11, 12, 13)
ESTATE: Final = (1, 2, 3)
HEAD: Final = """\
# What our rules were measured at, written by scripts/measure_rules.py: how many ways to do what a rule is about it
# finds (`found` of `ways`, the steps of `caponier/emulate/attack_steps`), and how many findings it gives in benign
# months (`told`): six of a company of thirty that was written as an enemy of the rules, six of an estate of 200 people,
# half of them without `[inside]` (`bench small_company` and `bench quiet`, seeds {company} and {estate}; of the
# estate's events a share of {size:g}). Neither keeps the logs of a database, of a vault of secrets or of osquery: of
# rules about these the months say nothing yet.
schema: caponier.measured-rules/1
months: {months}
rules:
"""
Describe = Callable[[Path], None]
Write = Callable[[Path], Sequence[tuple[Path, str | None]]]


def finds(sigma: Sigma, rows: Sequence[Row], rule: str, file: Path) -> bool:
    """Tell whether a rule matches a way to do what it is about."""
    file.write_text("".join(json.dumps(row) + "\n" for row in timed(rows, START)))
    with RejectedRows() as rejected, sigma.start(Scope([SYSTEM])) as run:
        for read in read_logs([file], rejected):
            run.feed(read.events)
        return any(match.rule.name == f"sigma:{rule}" for match in run.matches())


def found(sigma: Sigma) -> dict[str, tuple[int, int]]:
    """Return by rule how many of its ways it finds."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "x.jsonl"
        return {
            rule: (sum(finds(sigma, rows, rule, file) for rows in step.variants), len(step.variants))
            for rule, step in STEPS.items()
        }


def told(describe: Describe, write: Write) -> Counter[str]:
    """Return by rule how many findings a benign month gives, scanned at once by a new workspace."""
    with tempfile.TemporaryDirectory() as folder:
        home = create_workspace(Path(folder) / "home")
        describe(home)
        workspace, memory, counts = require_workspace(home.parent), Memory(), Counter[str]()
        for logs, host in write(Path(folder) / "logs"):
            report = scan_logs([logs], workspace=workspace, memory=memory, host=host)
            counts.update(finding.detector.removeprefix("sigma:") for finding in report.findings)
    return counts


def months(size: float) -> Iterator[tuple[str, Describe, Write]]:
    """Yield every benign month: its name, how its inventory is written, and its logs, each with the host to assume."""

    def company(seed: int) -> Write:
        def write(folder: Path) -> Sequence[tuple[Path, str | None]]:
            small_company.write(folder, seed, 1.0)
            return [(folder, None)]

        return write

    def estate(seed: int) -> Write:
        def write(folder: Path) -> Sequence[tuple[Path, str | None]]:
            month.write(folder, seed=seed, size=size, planted=None)
            return [(folder / "logs", None), *((folder / host, host) for host in month.OF_HOST.values())]

        return write

    def describing(describe: Callable[..., None], inside: bool) -> Describe:
        return lambda file: describe(file, inside=inside)

    for inside in (True, False):
        for kind, seeds, write, describe in (
            ("company", COMPANY, company, small_company.describe),
            ("estate", ESTATE, estate, month.describe),
        ):
            for seed in seeds:
                yield f"{kind} {seed}", describing(describe, inside), write(seed)


def main() -> None:
    """Write the file to standard output, and how far it is to standard error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=0.1, help="share of an estate's events")
    size = parser.parse_args().size
    counts, done = Counter[str](), 0
    for name, describe, write in months(size):
        here = told(describe, write)
        print(f"{name}: {sum(here.values())} findings {dict(here)}", file=sys.stderr, flush=True)
        counts, done = counts + here, done + 1
    print(HEAD.format(company=COMPANY, estate=ESTATE, size=size, months=done), end="")
    for rule, (good, ways) in sorted(found(Sigma()).items()):
        print(f"  {rule}: {{found: {good}, ways: {ways}, told: {counts[rule]}}}")


if __name__ == "__main__":
    main()
