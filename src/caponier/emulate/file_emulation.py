"""What an emulated model file is: written to disk with everything that makes it harmful, and never loaded."""

import shlex
from pathlib import Path
from typing import Protocol

from caponier.emulate.emulation import Emulation
from caponier.matrix.technique import TechniqueId

PICKLE_EMBEDDING: tuple[TechniqueId, ...] = (
    TechniqueId("atlas", "AML.T0018.002"),
    TechniqueId("atlas", "AML.T0011.000"),
    TechniqueId("amltm-2020", "AMLTM.EXEC.01"),
    TechniqueId("amltm-2020", "AMLTM.PERSIST.01"),
    TechniqueId("amltm-2020", "AMLTM.EXEC.01.02"),
    TechniqueId("amltm-2020", "AMLTM.PERSIST.01.02"),
)


class FileEmulation(Emulation, Protocol):
    """One way to put code into a model file; or, as a control, files that carry none."""

    @property
    def harmful(self) -> bool:
        """Whether whoever loads one of the files runs the attacker's code."""
        ...

    def write(self, folder: Path, canary: Path) -> list[Path]:
        """Write the files, and return their paths.

        Args:
            folder: An existing folder.
            canary: A file that the attacker's code would make. If it ever exists, something was loaded.
        """
        ...


def command(canary: Path) -> str:
    """Return the shell command that the attacker wants to run."""
    return f"echo loaded > {shlex.quote(str(canary))}"


def write_all(folder: Path, contents: dict[str, bytes]) -> list[Path]:
    """Write files by name, and return their paths."""
    paths = [folder / name for name in contents]
    for path, content in zip(paths, contents.values(), strict=True):
        path.write_bytes(content)
    return paths
