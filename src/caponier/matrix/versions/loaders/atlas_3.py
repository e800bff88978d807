"""ATLAS format 3: the lists stand at the top of the file."""

import re
from typing import Final

from caponier.matrix.versions.loaders.atlas_lists import read_lists
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.loaders.version_name import atlas_draft, own_number
from caponier.matrix.versions.release import Release

FORMAT: Final = "atlas-3"
_NUMBER: Final = re.compile(r"3\.\d+\.\d+", re.ASCII)


def read_atlas_3(source: SourceFile, top: Part, version: str | None) -> Release:
    """Read a file of format 3.

    Raises:
        InputError: If something in it is wrong; it names the place.
    """
    draft = atlas_draft(source, FORMAT, own_number(top, "version", _NUMBER, version), version)
    read_lists(top, top, draft)
    return draft.release()
