"""Pictures in base64, as services log what they were sent: known by how their files begin."""

import base64
import binascii
from typing import Any, Final

from caponier.errors import InputError, MissingExtraError
from caponier.telemetry.pictures import MOST_BYTES, MOST_PER_BYTE, pooled

_BEGINS: Final = ("iVBORw0KGgo", "/9j/", "R0lGOD", "UklGR", "SUkqA", "TU0AK")
"""In base64: PNG, JPEG, GIF, WebP and TIFF, of which a BMP's two letters are too few to be told by."""
_SAMPLED: Final = 20
_SIDE: Final = 16


def picture_rows(value: Any) -> list[list[float]] | None:
    """Return the brightness of a picture as 16 rows of 16 means from 0 to 1; None where it is none, or is broken.

    Args:
        value: Its file in base64, also as a `data:` address.

    Raises:
        MissingExtraError: If what reads pictures is not installed.
    """
    text = _file_of(value)
    if text is None:
        return None
    try:
        values = pooled(base64.b64decode(text, validate=True), MOST_PER_BYTE)
    except MissingExtraError:
        raise
    except (binascii.Error, ValueError, InputError):
        return None
    rows: list[list[float]] = values.reshape(_SIDE, _SIDE).tolist()
    return rows


def are_pictures(values: list[Any]) -> bool:
    """Tell whether all of some values are the files of pictures in base64."""
    held = values[:_SAMPLED]
    return bool(held) and all(_file_of(value) is not None for value in held)


def _file_of(value: Any) -> str | None:
    if not isinstance(value, str) or len(value) > 2 * MOST_BYTES:
        return None
    text = value.partition(",")[2] if value.startswith("data:image/") else value
    return text if text.startswith(_BEGINS) else None
