"""Other people's scanners of model files, each in an environment of its own, on the same files.

Whoever wants them beside Caponier's figures makes a folder with a virtual environment a scanner, named after it, and
says where in `CAPONIER_SCANNERS`. Nothing of theirs is installed, or run, for anybody else.
"""

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from caponier.errors import InputError

_READ: Final = """
import contextlib, importlib.metadata, io, json, logging, sys, time
logging.disable(logging.CRITICAL)
{setup}
found, spent = [], []
for path in json.load(sys.stdin):
    start = time.perf_counter()
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            found.append(bool({flagged}))
    except Exception:
        found.append(None)
    spent.append(time.perf_counter() - start)
json.dump([importlib.metadata.version({name!r}), found, spent], sys.__stdout__)
"""
_SCANNERS: Final = {
    "picklescan": (
        "from picklescan.scanner import scan_file_path",
        "scan_file_path(path).issues_count",
    ),
    "modelscan": (
        "from modelscan.modelscan import ModelScan",
        "(lambda scan: (scan.scan(path), scan.issues.all_issues)[1])(ModelScan())",
    ),
    "fickling": (
        "from fickling.fickle import StackedPickle\nfrom fickling.analysis import Severity, check_safety",
        "any(check_safety(one).severity > Severity.LIKELY_SAFE for one in StackedPickle.load(open(path, 'rb')))",
    ),
}
_SECONDS: Final = 600


class Judged(NamedTuple):
    """What a scanner said."""

    name: str
    version: str
    flagged: list[bool | None]
    """For each file whether there is an issue with it; None where the scanner broke down, or could not read it."""
    seconds: list[float]


def others(paths: Sequence[Path]) -> list[Judged]:
    """Return what each scanner says that is there; none where nobody has said where they are."""
    room = os.environ.get("CAPONIER_SCANNERS")
    if not room:
        return []
    return [_judged(name, Path(room) / name, paths) for name in _SCANNERS if (Path(room) / name).is_dir()]


def program(name: str) -> str:
    """Return the program that has a scanner read a list of paths."""
    setup, flagged = _SCANNERS[name]
    return _READ.format(setup=setup, flagged=flagged, name=name)


def _judged(name: str, environment: Path, paths: Sequence[Path]) -> Judged:
    run = subprocess.run(
        [environment / "bin" / "python", "-I", "-c", program(name)],
        input=json.dumps([str(path) for path in paths]),
        capture_output=True,
        text=True,
        timeout=_SECONDS,
    )
    if run.returncode:
        *_, last = run.stderr.strip().splitlines() or [f"it ended with {run.returncode}"]
        raise InputError(f"{name} does not work: {last}", where=str(environment), hint="Install it there, or remove it")
    version, flagged, seconds = json.loads(run.stdout)
    return Judged(name, version, flagged, seconds)
