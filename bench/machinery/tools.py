"""Foreign programs, each in an environment of its own, because their pins fight ours: servers, scanners, engines.

`scripts/environment --tool NAME` makes one from `scripts/tools/NAME.txt`. Nothing here installs anything unless asked.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.machinery.pins import ROOT, canonical, differences, installed_in, read_pins
from caponier.errors import InputError

PINS: Final = ROOT / "scripts" / "tools"


@dataclass(frozen=True)
class Tool:
    """A foreign program whose environment is as pinned."""

    name: str
    version: str
    """Of the package that it is named after."""
    folder: Path
    """Its virtual environment."""

    @property
    def python(self) -> Path:
        """Its interpreter, which sees its packages and none of ours."""
        return self.folder / "bin" / "python"

    def program(self, name: str | None = None) -> Path:
        """Return one of the programs that its packages bring, by default the one of its own name.

        Raises:
            InputError: If there is none of that name.
        """
        path = self.folder / "bin" / (name or self.name)
        if not path.is_file():
            raise InputError(f"the tool {self.name} brings no program {path.name!r}", where=str(self.folder))
        return path


def names() -> list[str]:
    """Return the tools that have pins."""
    return sorted(path.stem for path in PINS.glob("*.txt"))


def home() -> Path:
    """Return the folder of all tools: beside the project's own environment, or where CAPONIER_TOOLS says."""
    return Path(
        os.environ.get("CAPONIER_TOOLS") or ROOT / Path(os.environ.get("CAPONIER_VENV", ".venv")).parent / ".tools"
    )


def tool(name: str, *, install: bool = False) -> Tool:
    """Return a tool, made sure of: its environment is there, and every package in it is of its pinned version.

    Args:
        name: As in `names()`.
        install: Whether to make or refresh its environment first, which takes a registry and some minutes.

    Raises:
        InputError: If there are no pins for it, it is not installed, or a version is not its pin.
        subprocess.CalledProcessError: If installing fails; its output says why.
    """
    if name not in names():
        raise InputError(f"there is no tool {name!r}", hint=f"There are: {', '.join(names())}")
    if install:
        subprocess.run([ROOT / "scripts" / "environment", "--tool", name], check=True)
    folder, again = home() / name, f"Run: scripts/environment --tool {name}"
    if not (folder / "bin" / "python").exists():
        raise InputError(f"the tool {name} is not installed in {folder}", hint=again)
    pins = read_pins(PINS / f"{name}.txt")
    wrong = differences(pins, installed_in(folder.glob("lib/python*/site-packages")))
    if wrong:
        raise InputError(f"the tool {name} is not as pinned: {'; '.join(wrong)}", where=str(folder), hint=again)
    return Tool(name, pins[canonical(name)], folder)
