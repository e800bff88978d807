"""Caponier's own file of a version, as `release_file` writes it."""

import dataclasses
from typing import Final

from caponier.matrix.versions import release_file
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.loaders.version_name import NUMBER
from caponier.matrix.versions.release import Release

_LINES: Final = frozenset({"id", "name", "version"})
"""Keys of what is one line of text wherever it stands."""
_DEPTH: Final = 20
"""A release nests eight deep."""


def read_caponier_json(source: SourceFile, top: Part, version: str | None) -> Release:
    """Read Caponier's own file, which anybody may have written.

    Raises:
        InputError: If something in it is wrong; it names the place.
    """
    _check_texts(top)
    release = release_file.from_bytes(source.text.encode(), source.name)
    if version is None or version == release.matrix.version:
        return release
    name = f"{release.matrix.kind}-{version}" if NUMBER.fullmatch(version) else version
    return dataclasses.replace(release, matrix=dataclasses.replace(release.matrix, version=name))


def _check_texts(part: Part, depth: int = 0) -> None:
    """Hold names and texts to what every other format is held to."""
    if depth > _DEPTH:
        raise part.wrong("this nests too deep", "Export the version again.")
    if isinstance(part.value, list):
        for place in range(len(part.value)):
            _check_texts(part.at(place), depth + 1)
    elif isinstance(part.value, dict):
        for key, value in part.value.items():
            if not isinstance(value, str):
                _check_texts(part.at(key), depth + 1)
            elif key in _LINES:
                part.name(key)
            else:
                part.prose(key)
