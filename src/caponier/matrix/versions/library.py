"""The versions that are at hand: those that ship with the package and those that a workspace has imported."""

import re
from pathlib import Path
from typing import Final

from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes
from caponier.matrix.versions import catalogue, release_file
from caponier.matrix.versions.catalogue import Matrix, nearest_name
from caponier.matrix.versions.release import Release

VERSION_NAME: Final = re.compile(r"[a-z0-9][a-z0-9.+_-]{0,63}")
"""What a version may be called: it becomes a file name."""
_NOT_KEPT: Final = "the version cannot be kept"


class Library:
    """All versions at hand, by name.

    Args:
        folder: Where imported versions are kept, a file `VERSION.json` each; None if there is no such place.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    def versions(self) -> tuple[str, ...]:
        """Return the names of all versions, those that ship first."""
        return (*catalogue.versions(), *self.imported())

    def imported(self) -> tuple[str, ...]:
        """Return the names of the imported versions, in order of their names."""
        if self.folder is None or not self.folder.is_dir():
            return ()
        return tuple(sorted(path.stem for path in self.folder.glob("*.json") if VERSION_NAME.fullmatch(path.stem)))

    def load(self, version: str) -> Matrix:
        """Return the matrix of a version.

        Raises:
            InputError: If there is no such version, or its file is damaged.
        """
        return self.release(version).matrix

    def release(self, version: str) -> Release:
        """Return a version with where it came from.

        Raises:
            InputError: If there is no such version, or its file is damaged.
        """
        if version in catalogue.versions():
            return Release(catalogue.load(version), "caponier", "")
        if version in self.imported():
            path = self._path(version)
            return release_file.from_bytes(_read(path), str(path))
        raise nearest_name(version, self.versions())

    def add(self, release: Release) -> Path:
        """Keep a release, whole or not at all; the same release again changes nothing.

        Raises:
            InputError: If `check` does, or it cannot be written.
        """
        path = self.check(release)
        if not path.exists():
            _write(path, release_file.to_bytes(release))
        return path

    def check(self, release: Release) -> Path:
        """Return where a release would be kept.

        Raises:
            InputError: If the version is there already with other content, its name cannot be kept, or there is no
                folder.
        """
        version, data = release.matrix.version, release_file.to_bytes(release)
        if not VERSION_NAME.fullmatch(version):
            hint = "Use small letters, digits, '.', '+', '_' and '-', at most 64."
            raise InputError(f"a version cannot be called {version!r}", hint=hint)
        path = self._path(version)
        if version in catalogue.versions() or (path.exists() and _read(path) != data):
            raise InputError("this version is there already, with other content", where=version, hint=_mend(path))
        return path

    def _path(self, version: str) -> Path:
        if self.folder is None:
            raise InputError("there is no place for imported versions", hint="Create a workspace with: caponier init")
        return self.folder / f"{version}.json"


def _mend(path: Path) -> str:
    instead = f" Or delete {path} first, if nothing needs it." if path.exists() else ""
    return f"Give the new one another name with --version NAME.{instead}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as failed:
        hint = "Delete it, if nothing needs it, and import the version again."
        raise InputError(f"the kept version cannot be read: {failed.strerror}", where=str(path), hint=hint) from failed


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        raise InputError(f"{_NOT_KEPT}: {failed.strerror}", where=str(path)) from failed
    write_bytes(path, data, failing=_NOT_KEPT)
