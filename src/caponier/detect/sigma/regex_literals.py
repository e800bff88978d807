"""Texts of which a regular expression needs one, so that values without any of them need not be tried.

What follows is necessary and never sufficient. Texts are in lower case, and compared without it; see `needed_values`.
"""

import re
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, Final

LEAST: Final = 2
"""Letters of the shortest text that rules anything out."""
MOST: Final = 64
"""Texts of one pattern."""
_ASCII: Final = 128
_FEW: Final = 4
"""Letters of a class that are written out one by one."""
_FOLDS: Final = re.compile(r"\(\?[a-zA-Z]*i")
_FORMS: Final = re.compile("[ks]")
_NOTHING: Final = frozenset([""])

Texts = frozenset[str]


def regex_literals(pattern: str) -> Texts | None:
    """Return texts in lower case, of which every value that a pattern is found in has one; None if nothing follows.

    Args:
        pattern: In RE2's syntax; what Python's own parser does not know gives nothing.
    """
    parser: Any = import_module("re._parser")
    try:
        tree = parser.parse(pattern)
        found = None if tree.state.flags & re.VERBOSE else _best(_needed(tree))
    except (re.error, RecursionError, OverflowError):
        return None
    return _in_any_case(found) if found and _FOLDS.search(pattern) else found


def _in_any_case(texts: Texts) -> Texts | None:
    """Return the longest part of each that has one form in any case: s is found in U+017F, and k in U+212A, too."""
    parts = frozenset(max(_FORMS.split(text), key=len) for text in texts)
    return parts if min(map(len, parts)) >= LEAST else None


def _needed(sequence: Any) -> Iterator[Texts]:
    """Yield what each part of a sequence needs: texts that stand together, and whatever its groups need."""
    run = _NOTHING
    for operator, value in sequence:
        name = str(operator)
        exact = _exact(name, value)
        joined = None if exact is None else _product(run, exact)
        if joined is not None:
            run = joined
            continue
        yield run
        run = exact or _NOTHING
        if exact is None and (found := _of_part(name, value)):
            yield found
    yield run


def _exact(name: str, value: Any) -> Texts | None:
    """Return all texts that a part stands for; None if they are not few and known."""
    if name == "LITERAL":
        return frozenset([chr(value).lower()]) if value < _ASCII else None
    if name == "AT":
        # A border has no width, so that the letters before and behind it stand together.
        return _NOTHING
    if name == "IN" and len(value) <= _FEW and all(str(kind) == "LITERAL" and code < _ASCII for kind, code in value):
        return frozenset(chr(code).lower() for _, code in value)
    if name == "SUBPATTERN":
        return _together(value[3])
    if name == "BRANCH":
        every = [_together(one) for one in value[1]]
        return _union(one for one in every if one is not None) if None not in every else None
    return None


def _together(sequence: Any) -> Texts | None:
    run: Texts | None = _NOTHING
    for operator, value in sequence:
        exact = _exact(str(operator), value)
        run = None if run is None or exact is None else _product(run, exact)
    return run


def _product(run: Texts, further: Texts) -> Texts | None:
    if len(run) * len(further) > MOST:
        return None
    return frozenset(one + other for one in run for other in further)


def _union(found: Iterable[Texts]) -> Texts | None:
    every = frozenset[str]().union(*found)
    return every if len(every) <= MOST else None


def _of_part(name: str, value: Any) -> Texts | None:
    if name == "SUBPATTERN":
        return _best(_needed(value[3]))
    if name == "BRANCH":
        every = [_best(_needed(one)) for one in value[1]]
        return _union(one for one in every if one) if all(every) else None
    if name in ("MAX_REPEAT", "MIN_REPEAT"):
        least, _, inner = value
        return _best(_needed(inner)) if least else None
    return None


def _best(found: Iterator[Texts]) -> Texts | None:
    """Choose what rules the most out: longer texts before shorter ones, and few before many."""
    some = [texts for texts in found if min(map(len, texts)) >= LEAST]
    return max(some, key=lambda texts: (min(map(len, texts)), -len(texts)), default=None)
