"""What an imported version is called, and which of ATLAS's own numbers it bears."""

import re
from typing import Final

from caponier.errors import InputError
from caponier.matrix.versions import atlas_releases
from caponier.matrix.versions.loaders.draft import Draft
from caponier.matrix.versions.loaders.part import Part
from caponier.matrix.versions.loaders.source_file import SourceFile

NUMBER: Final = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}", re.ASCII)
_HINT: Final = "Download the file again, or say which version it is with --version."


def own_number(top: Part, key: str, pattern: re.Pattern[str], asked: str | None) -> str | None:
    """Return the version that a file says it is.

    Args:
        top: Where the version stands.
        key: The key it stands under.
        pattern: What versions of that layout look like.
        asked: What the user says; then the file may be silent about it, or say what makes no sense.

    Returns:
        The version; None if the user says it and the file does not.

    Raises:
        InputError: If it says none that such a file can have, and the user none either.
    """
    if not top.has(key):
        if asked is None:
            raise top.wrong(f"the file does not say its version: {key!r} is missing", _HINT)
        return None
    number = top.name(key)
    if not pattern.fullmatch(number):
        if asked is not None:
            return None
        raise top.at(key).wrong(f"{number!r} is no version that a file of this layout can have", _HINT)
    return number


def version_name(prefix: str, number: str | None, asked: str | None) -> str:
    """Return the name to keep a version under: what was asked for, a bare number with the prefix of its kind."""
    if asked is not None:
        return f"{prefix}-{asked}" if NUMBER.fullmatch(asked) else asked
    return f"{prefix}-{number}"


def atlas_draft(source: SourceFile, format_: str, number: str | None, asked: str | None) -> Draft:
    """Return an empty draft of an ATLAS release with its name and its date, as far as they are known."""
    version = version_name("atlas", number, asked)
    known = atlas_releases.find(version) or atlas_releases.find(number or "")
    draft = Draft(source, format_, version, "atlas", "MITRE ATLAS", "mitre-atlas/atlas-data")
    draft.released = known.released if known else None
    draft.published = known if asked is None else None
    if number and version != f"atlas-{number}":
        draft.remarks.append(f"The file says it is {number}; it is kept as {version}.")
    if known and known.month and version == f"atlas-{known.version}":
        draft.remarks.append(f"ATLAS also calls this release {known.month}.")
    if known and known.month and version == f"atlas-{known.month}":
        draft.remarks.append(f"ATLAS also numbers this release {known.version}.")
    return draft


def wrong_layout(source: SourceFile, what: str) -> InputError:
    """Return the error about a file that is of none of the layouts that are read."""
    hint = "Import an ATLAS.yaml of format 3 to 6, a STIX bundle of ATT&CK Enterprise or ATLAS, or Caponier's own file."
    return InputError(what, where=source.name, hint=hint)
