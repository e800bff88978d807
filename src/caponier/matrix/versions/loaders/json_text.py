"""JSON of a stranger: no key twice, no number that is none, and not more parts than a real release could have."""

import json
from collections import Counter
from typing import Any, Final

from caponier.errors import InputError

MAX_PARTS: Final = 6_000_000
"""Commas and brackets: a bound on the memory that the file can take, before it is parsed."""

_MAX_DIGITS: Final = 300
_AGAIN: Final = "Export it as JSON again."


def parse_json(text: str, name: str) -> Any:
    """Parse JSON.

    Args:
        text: The file's content.
        name: The file's name, for messages.

    Raises:
        InputError: If it is no JSON, is cut off, nests too deep, is too large, or has a key twice in one object.
    """
    if sum(map(text.count, ",[{")) > MAX_PARTS:
        raise InputError(f"the file has more than {MAX_PARTS} parts", where=name, mend="Name the file of one release.")
    try:
        return json.loads(text, object_pairs_hook=_without_twins, parse_int=_whole, parse_constant=_no_number)
    except json.JSONDecodeError as wrong:
        cut = " The file may be cut off: download it again." if wrong.pos >= len(text.rstrip()) - 1 else ""
        mend = f"{_AGAIN}{cut}"
        raise InputError(f"this is not JSON: {wrong.msg}", where=f"{name}:{wrong.lineno}", mend=mend) from None
    except RecursionError:
        raise InputError("the file nests too deep", where=name, mend="Name the file of a real release.") from None
    except InputError as wrong:
        raise InputError(wrong.what, where=name, mend=wrong.mend) from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) != len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        owner = f" of {plain['id']!r}" if isinstance(plain.get("id"), str) else ""
        raise InputError(f"the key {twice!r}{owner} is there twice in one object", mend="Keep the one that is right.")
    return plain


def _whole(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise InputError(f"a number has {len(digits)} digits", mend=_AGAIN)
    return int(digits)


def _no_number(word: str) -> Any:
    raise InputError(f"{word} is no number of JSON", mend=_AGAIN)
