"""Pin a version of the matrix in a workspace file: that key only, with every comment and line as it was."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from caponier.errors import InputError
from caponier.formats.atomic_file import write_bytes

_NOT_PINNED: Final = "the version cannot be pinned"
_VALUE: Final = r"""("[^"\n]*"|'[^'\n]*')"""
_HEADER: Final = re.compile(r"^[ \t]*\[[ \t]*matrix[ \t]*\][ \t]*(?:#[^\n]*?)?(?=\r?$)", re.MULTILINE)
_KEYS: Final = (
    re.compile(rf"^[ \t]*pinned[ \t]*=[ \t]*{_VALUE}", re.MULTILINE),
    re.compile(rf"^[ \t]*matrix[ \t]*\.[ \t]*pinned[ \t]*=[ \t]*{_VALUE}", re.MULTILINE),
    re.compile(rf"^[ \t]*matrix[ \t]*=[ \t]*\{{[^}}\n]*?\bpinned[ \t]*=[ \t]*{_VALUE}", re.MULTILINE),
)
_SAMPLE: Final = re.compile(rf"^# ?\[matrix\][ \t]*\r?\n# ?pinned[ \t]*=[ \t]*{_VALUE}", re.MULTILINE)
"""What `caponier init` writes: the table as a comment."""


def pin_version(file: Path, version: str) -> None:
    """Set `pinned` of the table `[matrix]`.

    Args:
        file: The workspace file.
        version: The version; it has to be at hand.

    Raises:
        InputError: If the file cannot be read or written, or is written so that the key cannot be set by itself.
    """
    try:
        text = file.read_bytes().decode("utf-8")
        changed = pinned_text(text, version, str(file))
        if changed != text:
            write_bytes(file, changed.encode(), failing=_NOT_PINNED)
    except OSError as failed:
        raise InputError(f"{_NOT_PINNED}: {failed.strerror}", where=str(file)) from failed


def check_pin(file: Path, version: str) -> None:
    """Try whether a version can be pinned, without doing it.

    Raises:
        InputError: As `pin_version` would.
    """
    text = file.read_bytes().decode("utf-8")
    changes = pinned_text(text, version, str(file)) != text
    # The file is replaced as a whole, so it is its folder that has to be writable.
    if changes and not os.access(folder := file.resolve().parent, os.W_OK):
        hint = "Nothing was changed. Give yourself the right to write there."
        raise InputError(f"{_NOT_PINNED}: {folder} cannot be written to", where=str(file), hint=hint)


def pinned_text(text: str, version: str, where: str) -> str:
    """Return the text of a workspace file with another pinned version.

    Raises:
        InputError: If no change of one place has that effect and no other.
    """
    wanted = tomllib.loads(text)
    if wanted.get("matrix", {}).get("pinned") == version:
        return text
    wanted["matrix"] = {**wanted.get("matrix", {}), "pinned": version}
    for candidate in _candidates(text, version):
        if _means(candidate, wanted):
            return candidate
    hint = f'Write it there yourself: pinned = "{version}" in the table [matrix].'
    raise InputError("the pinned version cannot be set without changing more", where=where, hint=hint)


def _candidates(text: str, version: str) -> Iterator[str]:
    """Yield the text with the key set in each place where it could stand; most are wrong, and the parser tells."""
    value = f'"{version}"'
    for pattern in _KEYS:
        for found in pattern.finditer(text):
            yield text[: found.start(1)] + value + text[found.end(1) :]
    newline = "\r\n" if "\r\n" in text else "\n"
    for found in _HEADER.finditer(text):
        yield f"{text[: found.end()]}{newline}pinned = {value}{text[found.end() :]}"
    for found in _SAMPLE.finditer(text):
        yield f"{text[: found.start()]}[matrix]{newline}pinned = {value}{text[found.end(1) :]}"
    gap = "" if not text or text.endswith("\n") else newline
    yield f"{text}{gap}{newline}[matrix]{newline}pinned = {value}{newline}"


def _means(text: str, wanted: dict[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == wanted
    except tomllib.TOMLDecodeError:
        return False
