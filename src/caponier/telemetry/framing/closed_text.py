"""A text in which a list or an object stands closed: as JSON, also in base64."""

import base64
import binascii
from typing import Any, Final

from caponier.telemetry.framing.written_values import loaded

LONGEST: Final = 2**20
"""Letters of a text that is opened."""
SHORTEST: Final = 8
"""Letters of what may be an object in base64: two braces and a key take as many."""


def opened_text(text: str) -> Any:
    """Return the object or the list that a text holds; the text itself where it holds none, or is too long to ask."""
    if len(text) > LONGEST:
        return text
    plain: str | None = text
    if text.lstrip()[:1] not in ("{", "["):
        plain = _decoded(text)
    value = None if plain is None else loaded(plain)
    return value if isinstance(value, dict | list) else text


def opened_value(value: Any) -> Any:
    """Return what a text holds; any other value, and a text that holds nothing, as it is."""
    return opened_text(value) if isinstance(value, str) else value


def _decoded(text: str) -> str | None:
    # An object or a list in base64 begins like one: with `{` or `[`, of which the first letter tells six bits.
    if len(text) < SHORTEST or text[0] not in "eW" or " " in text:
        return None
    plain = text.replace("-", "+").replace("_", "/")
    try:
        decoded = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True).decode()
    except (ValueError, binascii.Error):
        return None
    return decoded if decoded.lstrip()[:1] in ("{", "[") else None
