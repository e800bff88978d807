"""Features that stand in a column each, by name: numbers, categories, and what is missing."""

import re
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from caponier.records.field_map import MapFeature
from caponier.telemetry.field_maps.paths import Steps
from caponier.telemetry.framing.amounts import as_number, joined
from caponier.telemetry.framing.written_values import numbers_text
from caponier.telemetry.raw_inputs import NO_CATEGORY, code_of

MISSING: Final = frozenset(
    ("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "\\n", "-", "--", ".", "?", "missing")
)
"""What logs and tables write where there is no value, in lower case."""
_BLOTS: Final = frozenset("]>)}*xX\u2022\u2588\u25cf")
_LONGEST_BLOT: Final = 256
_BLOTTED: Final = re.compile(
    r"(?:(?:bearer|basic|token|apikey) )?(?:[\[<({*]{1,3} ?(?:[\w.:-]{1,30}[ _:-])?"
    r"(?:redacted|masked|filtered|hidden|removed|scrubbed|censored|secret|omitted|anonymi[sz]ed|sanitized)"
    r"(?:[ _:-][\w.:-]{1,30})? ?[\])>}*]{1,3}|\*{2,}|x{4,}|\u2022{2,}|\u2588{2,}|\u25cf{2,})",
    re.IGNORECASE,
)
_WIDEST: Final = float(np.finfo(np.float32).max)
_PLACE_IN_LIST: Final = re.compile(r"\[(\d{1,9})\]")
Problems = list[tuple[int, str]]


class NamedFeatures:
    """Makes inputs of features.

    Args:
        features: d of them.
        places: Where each stands.
        decimal: The decimal sign of numbers in text.
    """

    def __init__(self, features: Sequence[MapFeature], places: Sequence[Steps], decimal: str) -> None:
        self.places = list(places)
        self._features, self._decimal = features, decimal
        self._codes: list[dict[Any, float]] = [{} for _ in features]

    def of(self, columns: Sequence[list[Any] | pa.Array]) -> tuple[pa.Array, Problems]:
        """Return the inputs of n records, and what could not be read in them.

        Args:
            columns: d columns of n values.

        Returns:
            (n,) lists of d float32, null where no feature is there, and NaN for a number that is missing; and the place
            and reason of each value that is neither a number nor nothing, and counts as missing.
        """
        problems: Problems = []
        n, d = len(columns[0]), len(columns)
        rows = np.empty((n, d), np.float32)
        absent = np.ones(n, bool)
        for place, (feature, values) in enumerate(zip(self._features, columns, strict=True)):
            if isinstance(values, pa.Array):
                with np.errstate(over="ignore"):
                    numbers = values.to_numpy(zero_copy_only=False).astype(np.float32)
                rows[:, place] = numbers
                absent &= np.isnan(numbers)
            elif feature.kind == "category":
                codes = self._coded(place, values)
                rows[:, place] = codes
                absent &= codes == NO_CATEGORY
            else:
                numbers = self._numbers(feature.name, values, problems)
                rows[:, place] = numbers
                absent &= np.isnan(numbers)
        # As the guard does with a number beyond float32: a row with one is no row less.
        np.clip(rows, -_WIDEST, _WIDEST, out=rows)
        offsets = np.concatenate([[0], np.cumsum(np.where(absent, 0, d))])
        mask = pa.array(absent) if absent.any() else None
        values = pa.array(rows[~absent].reshape(-1), pa.float32())
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, mask=mask), problems

    def _numbers(self, name: str, values: list[Any], problems: Problems) -> NDArray[np.float32]:
        with np.errstate(over="ignore"):
            try:
                if str not in set(map(type, values)) or self._decimal == ".":
                    numbers = np.array(values, np.float64).astype(np.float32)
                    # A list where a number belongs makes a table of one, or of nothing.
                    if numbers.shape == (len(values),):
                        return numbers
            except (TypeError, ValueError):
                pass
            numbers = np.array([as_number(value, self._decimal) for value in values], np.float64).astype(np.float32)
        for place in np.flatnonzero(np.isnan(numbers)).tolist():
            if not is_missing(values[place]):
                problems.append((place, f"{name} is no number: it counts as missing"))
        return numbers

    def _coded(self, place: int, values: list[Any]) -> NDArray[np.float32]:
        known = self._codes[place]
        try:
            return np.array([known[value] for value in values], np.float32)
        except (KeyError, TypeError):
            pass
        codes = []
        for value in values:
            plain = value if isinstance(value, str | int | float) else None if value is None else repr(value)
            if plain not in known:
                if len(known) >= 10_000:
                    known.clear()
                known[plain] = category_code(plain)
            codes.append(known[plain])
        return np.array(codes, np.float32)


def is_missing(value: Any) -> bool:
    """Tell whether a log says with this that there is no value, or hides what it was."""
    if isinstance(value, str):
        return value.strip().lower() in MISSING or is_hidden(value)
    return value is None or value != value


def is_hidden(text: str) -> bool:
    """Tell whether somebody has blotted out what stood there: `[REDACTED]`, `***`, `Bearer XXXXXXXX`.

    It is the same for all, and would make one caller of them. A plain word may be somebody's name, and is none.
    """
    last = text[-1:]
    return last in _BLOTS and (_BLOTTED.fullmatch(text[:_LONGEST_BLOT].strip()) is not None)


def category_code(value: Any) -> float:
    """Return the number that stands for a category; one that is written as text is the same as the number itself."""
    if is_missing(value):
        return NO_CATEGORY
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        # 007 is a name.
        if value in (str(number), str(int(number)) if number.is_integer() else ""):
            value = number
    code = code_of(value)
    return code_of(str(value)) or 0.0 if code is None else code


def numbers_in(value: Any, decimal: str = ".") -> list[Any] | None:
    """Return the numbers of a list, of a text that holds one, or of one number; None if there are none."""
    if isinstance(value, list):
        return [as_number(one, decimal) if isinstance(one, str) else one for one in value]
    if isinstance(value, str) and value.strip():
        text = value.strip()
        if text[0] in "[{(" or text[-1] == ")":
            return numbers_text(text)
        if text[-1] == "%" or joined(text) != text:
            # `1 234 567,89` is one number, and so is `73,2 %`.
            return [as_number(text, decimal)]
        parts = text.replace(";", " ").split() if decimal == "," else text.replace(",", " ").replace(";", " ").split()
        return [as_number(part, decimal) for part in parts]
    if isinstance(value, np.ndarray):
        plain: list[Any] = value.tolist()
        return plain
    return [value] if isinstance(value, int | float) and not isinstance(value, bool) else None


def in_order(name: str) -> tuple[str | int, ...]:
    """Return by what names are sorted: as texts, but the places of a list as numbers: the tenth behind the second.

    Args:
        name: Such as `target[10]`.
    """
    parts = _PLACE_IN_LIST.split(name)
    return tuple(int(part) if at % 2 else part for at, part in enumerate(parts))
