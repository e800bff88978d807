"""Which versions are pinned and which are installed: a figure beside a reference of another version says nothing."""

import re
from collections.abc import Iterable, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Final

from caponier.errors import InputError

ROOT: Final = Path(__file__).parents[2]
CONSTRAINTS: Final = ROOT / "constraints.txt"
REFERENCES: Final = ("adversarial-robustness-toolbox", "scikit-learn", "scipy")
"""Other people's attacks, models and tests that scorecards hold Caponier against, in its own environment."""
PIN: Final = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[a-z0-9,_-]+\])?==(?P<version>[A-Za-z0-9][A-Za-z0-9.+!_-]*)"
)


def canonical(name: str) -> str:
    """Return a package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def read_pins(path: Path) -> dict[str, str]:
    """Return the versions of a file with one `name==version` a line, by canonical name; `#` begins a comment.

    Raises:
        InputError: If a line is anything else (a range, an option, an address), or a package has two versions.
    """
    pins: dict[str, str] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        plain = line.split("#", 1)[0].strip()
        if not plain:
            continue
        found = PIN.fullmatch(plain)
        if found is None:
            raise InputError(f"{plain!r} is no pin", where=f"{path}:{number}", hint="Write name==version")
        name = canonical(found["name"])
        if pins.setdefault(name, found["version"]) != found["version"]:
            raise InputError(f"{name} is pinned to {pins[name]} and to {found['version']}", where=f"{path}:{number}")
    return pins


def installed_in(folders: Iterable[Path]) -> dict[str, str]:
    """Return the versions of the packages in these site-packages, by canonical name; nothing is imported."""
    found = distributions(path=[str(folder) for folder in folders])
    return {canonical(one.metadata["Name"]): one.version for one in found}


def differences(pins: Mapping[str, str], installed: Mapping[str, str]) -> list[str]:
    """Say of each pinned package what is installed in its place; nothing where all are as pinned."""
    return [
        f"{name} is {f'of version {installed[name]}' if name in installed else 'not installed'}, its pin is {version}"
        for name, version in sorted(pins.items())
        if installed.get(name) != version
    ]


def check_references(constraints: Path = CONSTRAINTS, names: Iterable[str] = REFERENCES) -> None:
    """Make sure that what scorecards compare with is what they say that they compare with.

    Raises:
        InputError: If a reference is not installed, or is of another version than its pin.
    """
    pins = read_pins(constraints)
    installed = {canonical(one.metadata["Name"]): one.version for one in distributions()}
    wrong = differences({name: pins[name] for name in names}, installed)
    if wrong:
        raise InputError(
            f"a reference is not what {constraints.name} says: {'; '.join(wrong)}",
            hint="Run: scripts/environment emulate,logs,postgres,serve,stix,torch,dev",
        )
