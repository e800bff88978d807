"""Columns of text that are numbers: as spreadsheets of many countries write them, with words for what is missing."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.telemetry.field_maps.named_features import MISSING
from caponier.telemetry.framing.amounts import THOUSANDS, without_money

NUMERIC: Final = 0.9
"""Share of a column's cells that must be numbers for it to be numeric; the other rows are then bad."""
_DECIMAL_COMMA: Final = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d*),\d+|[+-]?\d{1,3}(\.\d{3})+")
"""1.234,5"""
_BELOW_ONE: Final = re.compile(r"[+-]?0,\d+")
"""0,125: nobody writes thousands so."""


def numbers_in(cells: Sequence[str | None]) -> tuple[NDArray[np.float64], list[tuple[int, str]]] | None:
    """Return the numbers of a column of text.

    Args:
        cells: (n,) texts; None where there is none.

    Returns:
        (n,) values, NaN where a value is missing, and the places and texts of those that are no numbers; or None if too
        few of them are. Signs of per cent and of currencies are left out. A comma is a decimal one unless three digits
        follow each, and no number of the column begins with a zero before it.
    """
    plain = [None if cell is None else _bare(cell) for cell in cells]
    filled = [(place, text) for place, text in enumerate(plain) if text is not None and text.lower() not in MISSING]
    forms = (THOUSANDS, _DECIMAL_COMMA)
    if any(_BELOW_ONE.fullmatch(text) for _, text in filled):
        forms = (_DECIMAL_COMMA, THOUSANDS)
    comma = next((form for form in forms if _is_written(filled, form)), None)
    values, words = np.full(len(cells), np.nan), list[tuple[int, str]]()
    for place, text in filled:
        try:
            values[place] = float(_plain(text, comma))
        except ValueError:
            words.append((place, cells[place] or ""))
    return (values, words) if filled and len(words) <= (1 - NUMERIC) * len(filled) else None


def _bare(cell: str) -> str:
    return without_money(cell.strip().removesuffix("%").rstrip().replace("\u2212", "-"))


def _is_written(filled: Sequence[tuple[int, str]], form: re.Pattern[str]) -> bool:
    """Tell whether nearly all that have a comma, and there is one at least, are of a form."""
    with_comma = [text for _, text in filled if "," in text]
    return bool(with_comma) and sum(form.fullmatch(text) is not None for text in with_comma) >= NUMERIC * len(
        with_comma
    )


def _plain(text: str, comma: re.Pattern[str] | None) -> str:
    if comma is None or comma.fullmatch(text) is None:
        # Python reads 1_000 as a number; who writes a table means a name.
        return text if "_" not in text else "_"
    return text.replace(",", "") if comma is THOUSANDS else text.replace(".", "").replace(",", ".")
