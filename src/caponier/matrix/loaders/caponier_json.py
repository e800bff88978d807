"""Caponier's own file of a version, as `release_file` writes it."""

import dataclasses

from caponier.matrix import release_file
from caponier.matrix.loaders.source_file import SourceFile
from caponier.matrix.loaders.version_name import NUMBER
from caponier.matrix.release import Release


def read_caponier_json(source: SourceFile, version: str | None) -> Release:
    """Read Caponier's own file.

    Raises:
        InputError: If something in it is wrong; it names the place.
    """
    release = release_file.from_bytes(source.text.encode(), source.name)
    if version is None or version == release.matrix.version:
        return release
    name = f"{release.matrix.kind}-{version}" if NUMBER.fullmatch(version) else version
    return dataclasses.replace(release, matrix=dataclasses.replace(release.matrix, version=name))
