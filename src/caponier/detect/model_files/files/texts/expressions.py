"""Texts whose values some loader evaluates as Python: MONAI's, sympy's, and the templates of Mako.

MONAI evaluates what stands behind a `$`; whoever reads an equation has sympy read it, which is `eval`; and Mako runs
what stands in `${}` or behind a `%`. A value counts if it is an expression as a whole: prose and examples are none.
"""

import csv
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from caponier.detect.model_files.files.part import Budget
from caponier.detect.model_files.files.quiet_python import expression

_REACHES: Final = re.compile(
    r"(?<![\w.])(?:__import__|breakpoint|compile|eval|exec|execfile|getattr|globals|open|setattr|vars|Path"
    r"|(?:builtins|ctypes|importlib|io|os|pathlib|pty|runpy|shutil|socket|subprocess|sys)(?:\.\w{1,40}){1,3})"
    r"[ \t]{0,9}\((?![ \t]{0,9}\))"
    r"|\.__(?:class|globals|builtins|subclasses|base|mro)__\b"
)
"""What an expression calls, or climbs by, that does more than compute."""
_IMPORTS: Final = re.compile(r"import[ \t]|from[ \t]{1,9}[\w.]{1,200}[ \t]{1,9}import[ \t]")
_CALLS: Final = re.compile(r"[\w\])]\((?![ \t]{0,9}\))")
_REFERENCE: Final = re.compile(r"[@%][\w#:.]{1,200}")
"""By this MONAI means another entry of the document."""
_LONGEST: Final = 2_000
_MOST_LINES: Final = 200
_SEPARATORS: Final = ",;\t|"
_OPENS, _CLOSES = "${", "}"
_INSIDE: Final = 400
"""Letters that are looked at of what stands in a template's brackets."""
_MOST_BRACKETS: Final = 20_000
_FORMULA: Final = re.compile(r"[^\n$]{0,200}\$(?!\{)")
"""What follows brackets that are a formula of TeX: the sign that ends it."""
_BLOCK: Final = re.compile(r"^[ \t]{0,40}%[ \t]{0,9}(?:for|if|while|with|try)\b[^\n]{0,400}:[ \t\r]*$", re.MULTILINE)
_BLOCK_ENDS: Final = re.compile(r"^[ \t]{0,40}%[ \t]{0,9}end(?:for|if|while|with|try)\b", re.MULTILINE)


def is_code(value: str) -> bool:
    """Return whether a value is Python that a loader which evaluates values would run, and that does something."""
    if value[:1] == "$":
        code = value[1:].lstrip(" \t")
        return _IMPORTS.match(code) is not None or (
            _CALLS.search(code) is not None and _parses(_REFERENCE.sub("_", code))
        )
    return _REACHES.search(value) is not None and _parses(value)


def in_text(text: str, budget: Budget) -> bool:
    """Return whether a text is a template of Mako's that does something, or a table with a cell that is code.

    Raises:
        TooMuchError: If too much of the file was looked at already.
    """
    budget.look(2 * len(text))
    if "%" in text and _BLOCK.search(text) is not None and _BLOCK_ENDS.search(text) is not None:
        return True
    return _fills_in(text, budget) or any(is_code(cell) for cell in _cells(text))


def _fills_in(text: str, budget: Budget) -> bool:
    """Return whether Mako would call something to fill brackets in."""
    at = -1
    for _ in range(_MOST_BRACKETS):
        if (at := text.find(_OPENS, at + 1)) < 0:
            return False
        budget.look(_INSIDE)
        inside, closed, rest = text[at + 2 : at + 2 + _INSIDE].partition(_CLOSES)
        if _REACHES.search(inside) or (_CALLS.search(inside) and not (closed and _FORMULA.match(rest))):
            return True
    return True


def _cells(text: str) -> Iterator[str]:
    """Yield the cells of the lines of a table that may hold code."""
    first = next((line for line in text[: 1 << 16].splitlines() if line.strip()), "")
    widths = {separator: len(_row(first, separator)) for separator in _SEPARATORS if separator in first}
    for count, found in enumerate(_REACHES.finditer(text) if widths else ()):
        if count == _MOST_LINES:
            return
        start, end = text.rfind("\n", 0, found.start()) + 1, text.find("\n", found.end())
        line = text[start : end if end >= 0 else len(text)][: 4 * _LONGEST]
        for separator, width in widths.items():
            if width > 1 and len(cells := _row(line, separator)) == width:
                yield from (cell.strip() for cell in cells)


def _row(line: str, separator: str) -> list[str]:
    with suppress(csv.Error, StopIteration):
        return next(csv.reader([line], delimiter=separator))
    return []


def _parses(code: str) -> bool:
    """Return whether a text is an expression, or too long to be anything but one that somebody has to look at."""
    if len(code) > _LONGEST:
        return True
    with suppress(SyntaxError, ValueError, MemoryError, RecursionError):
        expression(code.strip())
        return True
    return False
