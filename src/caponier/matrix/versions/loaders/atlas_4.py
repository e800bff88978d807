"""ATLAS formats 4 and 5: one matrix in a list of matrices, and the case studies at the top."""

import re
from typing import Final

from caponier.matrix.versions.loaders.atlas_lists import read_lists
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.loaders.version_name import atlas_draft, own_number
from caponier.matrix.versions.release import Release

FORMAT: Final = "atlas-4"
_NUMBER: Final = re.compile(r"[45]\.\d+\.\d+", re.ASCII)


def read_atlas_4(source: SourceFile, top: Part, version: str | None) -> Release:
    """Read a file of format 4 or 5.

    Raises:
        InputError: If something in it is wrong; it names the place.
    """
    draft = atlas_draft(source, FORMAT, own_number(top, "version", _NUMBER, version), version)
    matrices = list(top.rows("matrices"))
    if len(matrices) != 1:
        raise top.at("matrices").wrong(f"one matrix is wanted here, these are {len(matrices)}")
    read_lists(matrices[0], top, draft)
    return draft.release()
