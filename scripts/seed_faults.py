"""Seed faults into a copy of the sources, one at a time, and see whether the tests of that room notice.

    scripts/faults [--only TEXT] [--list FILE]

The faults are listed in `tests/cases/faults.yaml`: a file, a line, and what it becomes. First the tests of that file
are run, then those of its folder. Tests that do not end in time have told nothing, which is said apart and is no
success. Exits with 1 if a fault is not noticed that is not listed as `unnoticed`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
FAULTS = ROOT / "tests" / "cases" / "faults.yaml"
SECONDS = 600
"""For which a fault may keep tests busy: whether it hangs them or they take so long anyway, nobody knows."""
NOTICED = "noticed"


def tests_of(file: Path) -> list[list[str]]:
    """Return the tests that are tried in turn: of the file, then of its folder."""
    below = file.relative_to("src/caponier")
    folder = ROOT / "tests" / below.parent
    own = sorted(str(path) for path in folder.glob(f"test_{below.stem}*.py"))
    return [tests for tests in (own, [str(folder)]) if tests and Path(tests[0]).exists()]


def seeded(fault: dict[str, Any], sources: Path) -> None:
    """Write the fault into the copied sources."""
    path = sources / Path(fault["file"]).relative_to("src")
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    hits = [at for at, line in enumerate(lines) if line.strip() == fault["was"]]
    if len(hits) != 1:
        raise SystemExit(f"{fault['file']}: the line to change stands there {len(hits)} times: {fault['was']}")
    lines[hits[0]] = lines[hits[0]].replace(fault["was"], fault["becomes"])
    path.write_text("".join(lines), encoding="utf-8")


def verdict(fault: dict[str, Any]) -> str:
    """Return which tests fail with the fault, or did not end in time, or that none noticed."""
    said = "UNNOTICED"
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder) / "src"
        shutil.copytree(ROOT / "src", sources)
        seeded(fault, sources)
        for tests in tests_of(Path(fault["file"])):
            command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
            environment = os.environ | {"PYTHONPATH": str(sources), "PYTHONDONTWRITEBYTECODE": "1"}
            try:
                ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=SECONDS)  # noqa: S603 - our own tests
            except subprocess.TimeoutExpired:
                said = f"TIMED OUT in {os.path.relpath(tests[0], ROOT)}"
                continue
            if ran.returncode:
                return f"{NOTICED} by {os.path.relpath(tests[0], ROOT)}"
    return said


def main() -> int:
    """Seed them all."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description="Seed faults, and see whether tests notice.")
    parser.add_argument("--only", default="", help="faults whose file holds this text")
    parser.add_argument("--list", type=Path, default=FAULTS)
    given = parser.parse_args()
    faults = [fault for fault in yaml.safe_load(given.list.read_text(encoding="utf-8")) if given.only in fault["file"]]
    missed = 0
    for number, fault in enumerate(faults, 1):
        said = verdict(fault)
        missed += not said.startswith(NOTICED) and not fault.get("unnoticed")
        print(f"{number:3}/{len(faults)} {said:60} {fault['file']}: {fault['becomes']}", flush=True)
    print(f"{len(faults)} faults, {missed} not noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
