"""Objects of JSON that say one name twice, as a program writes them that puts a caller's text between quotes unescaped.

Parsers keep the last of them, which is the caller's. But a program that writes JSON with a library never does so.
"""

import json
from typing import Any, Final

from caponier.telemetry.security_logs.native.network.forms import Pairs

_LONGEST: Final = 2**16
"""Characters of a record that are looked at: no line of an unknown program that matters is longer."""


def without_doubled(text: bytes, row: dict[str, Any]) -> dict[str, Any] | None:
    """Return an object without the names that it says twice, each time with another value; None where it says none so.

    Args:
        text: The object as it was written.
        row: The object.
    """
    # A quote and a colon stand behind each name, and seldom elsewhere.
    if len(text) > _LONGEST or text.count(b'":') + text.count(b'" :') <= _names(row):
        return None
    torn = False

    def agreed(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal torn
        said = Pairs()
        for name, value in pairs:
            said.say(name, value)
        torn = torn or said.doubted
        return said.agreed()

    try:
        read = json.loads(text, object_pairs_hook=agreed)
    except (ValueError, RecursionError):
        return None
    return read if torn and isinstance(read, dict) else None


def _names(node: Any) -> int:
    if type(node) is dict:
        return len(node) + sum(_names(value) for value in node.values() if type(value) in (dict, list))
    return sum(_names(value) for value in node if type(value) in (dict, list)) if type(node) is list else 0
