"""What a field means by what it holds and where it stands, where its name says nothing."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from caponier.records.field_map import MapColumn
from caponier.telemetry.field_maps.answered.class_lists import classes_of
from caponier.telemetry.field_maps.flat_columns import FlatGuess
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.places import Place, path_of
from caponier.telemetry.field_maps.time_columns import UNITS, milliseconds_in_one
from caponier.telemetry.field_maps.value_kinds import (
    ROWS_TO_TELL,
    SLACK,
    are_shares,
    is_number,
    nearly,
)
from caponier.telemetry.framing.amounts import sample_number
from caponier.telemetry.readers.field_names import normal

_TOKEN: Final = re.compile(r"(?=[^_.-]{0,64}[0-9])(?:[a-z]{1,10}[_-])?[0-9A-Za-z+/=_-]{10,128}")
"""What a program makes for somebody: the digest of a key, or the id of a session."""
_LEAST_CALLERS: Final = 3
_COMES_AGAIN: Final = 0.7
"""Share of the rows that have different tokens beyond which each call has its own."""
_HTTP: Final = frozenset((200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504))
_INSTANCE: Final = re.compile(r"(?:[a-z][a-z0-9]*[-_.])+(?:\d{1,4}|[0-9a-f]{4,10}(?:-[0-9a-z]{5})?)")
"""How machines that do the same work are called: `serve-2`, `scorer-7c9f-x2x4q`."""


@dataclass(kw_only=True)
class ShapeGuess(FlatGuess):
    """What values and places tell, between what names tell."""

    def work_out(self) -> None:
        """Find out what each field means: the surest first."""
        self.choose_columns()
        self._take_status()
        self._take_span()
        self._take_token()
        self._set_aside_machines()
        self._take_shares()
        self.choose_inputs()
        self.choose_scores()
        self.take_told_answer()
        self.take_lone_answer()

    def _free(self) -> list[Place]:
        """Return the fields that nothing has taken and that are neither asked nor inside of what was asked."""
        return [one for one in self.nodes if one not in self.used and not self._below_input(one)]

    def _held(self, place: Place) -> list[Any]:
        return [value for value in self.nodes[place] if not is_missing(value)]

    def _is_outside(self, place: Place) -> bool:
        """Tell whether a field is none of a row of features: beside it stands something that is about the call."""
        tops = [one for one in self.nodes if len(one) == 1]
        if len(place) > 1 or place not in tops:
            return True
        at = tops.index(place)
        beside = tops[max(0, at - 1) : at] + tops[at + 1 : at + 2]
        return len(beside) < 2 or any(one in self.used or self._holds_used(one) for one in beside)

    def _holds_used(self, place: Place) -> bool:
        return any(one[: len(place)] == place for one in self.used)

    def _take_status(self) -> None:
        """Take whole numbers that are codes of HTTP, of which most say that all went well."""
        found = [place for place in self._free() if self.is_asked_for(place) and _are_codes(self._held(place))]
        if "status" not in self.columns and len(found) == 1:
            self.take("status", found[0])

    def _take_span(self) -> None:
        """Take numbers whose name ends in a unit of time: of several the one that is never less than the others."""
        if "latency_ms" in self.columns:
            return
        found = [
            place
            for place in self._free()
            if self._is_outside(place) and (unit := UNITS.search(normal(place[-1]))) and unit[1] and self._varies(place)
        ]
        for place in found:
            numbers = self._numbers(place)
            rest = [self._numbers(other) for other in found if other != place]
            if all(len(one) == len(numbers) and all(a >= b for a, b in zip(numbers, one, strict=True)) for one in rest):
                scale = milliseconds_in_one(normal(place[-1]), self._held(place))
                if scale is not None:
                    about = {"scale": scale} if scale != 1 else {}
                    self.columns["latency_ms"] = MapColumn(path=(path_of(place),), **about)
                    self.used |= set(found)
                return

    def _numbers(self, place: Place) -> list[float]:
        return list(map(sample_number, self._held(place)))

    def _varies(self, place: Place) -> bool:
        held = self._held(place)
        if len(held) < ROWS_TO_TELL or not all(map(is_number, held)):
            return False
        numbers = list(map(sample_number, held))
        rises = all(one < after for one, after in pairwise(numbers))
        return min(numbers) >= 0 and not rises and len(set(numbers)) * 4 > len(numbers)

    def _take_token(self) -> None:
        """Take the only field with tokens that come again for who asked, where no name says who did.

        A caller may choose what stands there: it is a session.
        """
        if {"principal", "session", "source_ip"} & set(self.columns):
            return
        found = [place for place in self._free() if self.is_asked_for(place) and _are_tokens(self._held(place))]
        if len(found) == 1:
            self.take("session", found[0], secret=True)

    def _set_aside_machines(self) -> None:
        """Set names of machines aside that do the same work: what a model is asked does not depend on them."""
        for place in self._free():
            if len(place) == 1 and self._is_outside(place) and _are_machines(self._held(place)):
                self.used.add(place)

    def _take_shares(self) -> None:
        """Take the only field with a share of each class, as a list or by name, where no name says that it is one."""
        if {"scores"} & set(self.columns):
            return
        for place in self._free():
            held = self._held(place)
            if len(held) < ROWS_TO_TELL or len(set(map(str, held))) < 2:
                continue
            if classes := classes_of(held):
                self.columns["scores"] = MapColumn(path=(path_of(place),), classes=classes)
                self.used |= {one for one in self.nodes if one[: len(place)] == place}
                return
            if _are_all_shares(held):
                self.take("scores", place)
                return


def _are_codes(values: Sequence[Any]) -> bool:
    if len(values) < ROWS_TO_TELL or not all(map(is_number, values)):
        return False
    codes = Counter(map(sample_number, values))
    return set(codes) <= _HTTP and sum(count for code, count in codes.items() if code < 300) * 2 > len(values)


def _are_tokens(values: Sequence[Any]) -> bool:
    texts = [value for value in values if isinstance(value, str)]
    different = len(set(texts))
    return (
        len(texts) == len(values) >= ROWS_TO_TELL
        and _LEAST_CALLERS <= different <= _COMES_AGAIN * len(texts)
        and all(_TOKEN.fullmatch(one) and any(map(str.isdecimal, one)) for one in set(texts))
        and len({len(one) for one in texts}) == 1
    )


def _are_machines(values: Sequence[Any]) -> bool:
    texts = {value for value in values if isinstance(value, str)}
    if not texts or len(values) < ROWS_TO_TELL or not all(isinstance(one, str) for one in values):
        return False
    begins = {re.sub(r"[0-9a-f]+(?:-[0-9a-z]{5})?$", "", one) for one in texts}
    return len(begins) == 1 and len(texts) > 1 and all(map(_INSTANCE.fullmatch, texts))


def _are_all_shares(values: Sequence[Any]) -> bool:
    sizes = {len(one) if isinstance(one, list) else 0 for one in values}
    return len(sizes) == 1 and sizes != {0} and nearly(
        are_shares(one) and abs(sum(one) - 1) <= SLACK for one in values
    )
