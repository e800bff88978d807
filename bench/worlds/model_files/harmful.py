"""Model files that run code, or write outside: classes of tricks, and what advisories of scanners tell."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from bench.machinery.hostile.advisories import build
from bench.machinery.hostile.archives import ARCHIVES
from bench.machinery.hostile.oracle import Case, fired
from bench.machinery.hostile.pickles import PICKLES
from bench.machinery.hostile.texts import TEXTS
from bench.machinery.pins import ROOT
from caponier.formats.strict_yaml import YamlDialect, read_value

ADVISORIES: Final = ROOT / "tests" / "cases" / "advisories.yaml"
ENDINGS: Final = {
    "joblib": ".joblib", "torch": ".pt", "numpy": ".npy", "yaml": ".yaml", "targets": ".yaml", "tags": ".yaml",
    "jinja": ".json", "prompt": ".json", "tar": ".tar", "zip": ".zip", "program": ".py",
}  # fmt: skip
"""How a file for a loader is called; scanners go by it. All others are pickles."""


class HarmfulFile(NamedTuple):
    """A file that fired its canary with its own loader."""

    name: str
    path: Path


def written(folder: Path) -> tuple[list[HarmfulFile], int]:
    """Write every file, load it in a process that is thrown away, and return those that fired, and how many did not."""
    cases = {name: Case(path, loader, canary) for name, path, loader, canary in _files(folder)}
    room = folder / "room"
    room.mkdir()
    truth = fired(cases, room)
    harmful = [HarmfulFile(name, case.path) for name, case in cases.items() if truth[name]]
    return harmful, len(cases) - len(harmful)


def _files(folder: Path) -> Iterator[tuple[str, Path, str, Path]]:
    classes = {f"class {name}": one for name, one in (PICKLES | ARCHIVES | TEXTS).items()}
    for number, (name, (loader, make)) in enumerate(classes.items()):
        path, canary = folder / f"class{number}{ENDINGS.get(loader, '.pkl')}", folder / f"canary-class{number}"
        path.write_bytes(make(str(canary)))
        yield name, path, loader, canary
    rows = read_value(ADVISORIES.read_text(), str(ADVISORIES), YamlDialect())
    for number, row in enumerate(row for row in rows if row.get("fires")):
        for stacked in (False, True):
            path = folder / f"advisory{number}{'-stacked' * stacked}.pkl"
            canary = folder / f"canary-{path.stem}"
            path.write_bytes(build(row["call"], str(canary), stacked=stacked))
            yield f"{row['ids'][0]} {path.stem}", path, "pickle", canary
