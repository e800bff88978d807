"""What a field means by what it holds and where it stands, where its name says nothing."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from caponier.records.field_map import MapColumn
from caponier.telemetry.field_maps.answered.class_lists import classes_of
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.places import Place, path_of
from caponier.telemetry.field_maps.shapes.answer_objects import AnswerObjects
from caponier.telemetry.field_maps.time_columns import UNITS, may_be_of_call, milliseconds_in_one, of_models
from caponier.telemetry.field_maps.unnamed_inputs import are_written_differently, is_about_calls
from caponier.telemetry.field_maps.value_kinds import (
    FITS,
    ROWS_TO_TELL,
    SLACK,
    are_shares,
    is_number,
    mixed_rows,
    nearly,
)
from caponier.telemetry.framing.amounts import sample_number
from caponier.telemetry.readers.field_names import normal

_TOKEN: Final = re.compile(r"(?=[^_.-]{0,64}[0-9])(?:[a-z]{1,10}[_-])?[0-9A-Za-z+/=_-]{10,128}")
"""What a program makes for somebody: the digest of a key, or the id of a session."""
_VERSION: Final = re.compile(r"v?\d{1,6}(?:\.\d{1,6}){1,3}(?:[-+.][\w.-]{1,40})?")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_/][A-Za-z0-9]+){0,8}")
_ANSWERING: Final = re.compile(r"(?:.+_)?(?:service|endpoint|predictor|algorithm|estimator|classifier)(?:_name|_id)?")
"""What is called so answers: where no field is called a model, its name stands for the model's."""
_OF_TIME: Final = re.compile(
    r"time|date|stamp|clock|logged|created|received|arriv|epoch|datum|zeit|fecha|heure|hora|data"
)
"""Words of which one has to be in the name of a clock: what rises under any other may be anything that is counted."""
_EARLIEST, _LATEST, _FORWARD = 1.4e9, 4.2e9, 0.95
"""Seconds since 1970 between which a log was written, and the share of its rows that are later than the one before."""
_MANY: Final = 2
"""Times as many columns are features as those behind the answer that are none."""
_LEAST_CALLERS: Final = 3
_LEAST_SORTED: Final = 5
"""Names that stand in their order by chance less than once in a hundred logs."""
_OF_RAILS: Final = frozenset(("controller", "action"))
_PARTS_IN_RAILS: Final = frozenset(("view", "db", "allocations", "gc"))
"""What lograge writes beside the duration of a call: the parts of it."""
_COMES_AGAIN: Final = 0.7
"""Share of the rows that have different tokens beyond which each call has its own."""
_HTTP: Final = frozenset(
    (200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 502, 503, 504)
)
_INSTANCE: Final = re.compile(r"(?:[a-z][a-z0-9]*[-_.])+(?:\d{1,4}|[0-9a-f]{4,10}(?:-[0-9a-z]{5})?)")
"""How machines that do the same work are called: `serve-2`, `scorer-7c9f-x2x4q`."""
_NUMBER_OF_MACHINE: Final = re.compile(r"[0-9a-f]+(?:-[0-9a-z]{5})?$")
_LONGEST_NAME: Final = 253
"""Letters of a name of a machine (RFC 1035)."""


@dataclass(kw_only=True)
class ShapeGuess(AnswerObjects):
    """What values and places tell, between what names tell."""

    def take_by_shape(self) -> None:
        """Take what is about the call, before inputs are looked for among what is left: the surest first."""
        self._take_named_version()
        self._take_status()
        self._take_beside_status()
        self._take_span()
        self._take_token()
        self._set_aside_machines()
        self._take_shares()
        self._take_judged_pair()

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

    def lone_clock(self) -> Place | None:
        """Return the only numbers that rise as a clock does, where nothing else says when and their name is of time."""
        found = [] if "time" in self.columns else [place for place in self._free() if _ticks(self._held(place))]
        return found[0] if len(found) == 1 and _OF_TIME.search(normal(found[0][-1])) else None

    def _take_named_version(self) -> None:
        """Take the name that stands before a version, or that is of what answers, for the model's."""
        if "model" in self.columns:
            return
        tops = [one for one in self.nodes if len(one) == 1]
        names = [(at, one) for at, one in enumerate(tops) if one not in self.used and _is_one_name(self._held(one))]
        for at, one in names:
            if at + 1 < len(tops) and _are_versions(self._held(tops[at + 1])):
                self.take("model", one)
                return
        called = [one for _, one in names if _ANSWERING.fullmatch(normal(one[-1]))]
        if len(called) == 1:
            self.take("model", called[0])

    def _leave_answered(self) -> None:
        """Leave out what stands inside or around an answer: it is no feature, whatever object it was found in."""
        answered = [path for name in ("label", "scores") if name in self.columns for path in self._paths_of(name)]
        paths = {one.name: one.path or escaped(one.name) for one in self.features}
        told = {
            name
            for name, path in paths.items()
            if any(_is_within(path, one) or _is_within(one, path) for one in answered)
        }
        self.features = [one for one in self.features if one.name not in told]

    def leave_behind_answers(self) -> None:
        """Leave out all that is of an answer, and the few columns that it parts from the many that are features."""
        self._leave_answered()
        tops = [one for one in self.nodes if len(one) == 1]
        names = {feature.path or escaped(feature.name) for feature in self.features}
        answered = [path for name in ("label", "scores") if name in self.columns for path in self._paths_of(name)]
        runs: list[list[str]] = [[]]
        of_call = [path for name in ("latency_ms", "status") if name in self.columns for path in self._paths_of(name)]
        for place in tops:
            path = path_of(place)
            if path in names:
                runs[-1].append(path)
            elif (path in of_call and runs[-1]) or any(
                one == path or one.startswith((f"{path}.", f"{path}[", f"{path}|")) for one in answered
            ):
                runs.append([])
        runs = [run for run in runs if run]
        if not self.is_flat or len(runs) != 2 or sum(map(len, runs)) < len(names) or _are_sorted(tops):
            return
        few, many = sorted(runs, key=len)
        if len(many) >= _MANY * len(few):
            self.features = [one for one in self.features if (one.path or escaped(one.name)) not in few]

    def take_columns(self) -> None:
        """Take columns as features; but the only text that people wrote, where what is left stands behind an answer."""
        before = set(self.used)
        super().take_columns()
        if "input_raw" in self.columns or self.bodies or (self.features and not self._are_behind()):
            return
        found = [
            place
            for place, values in self.nodes.items()
            if place not in before and self.is_asked_for(place) and are_written_differently(values)
        ]
        if len(found) == 1:
            self.features, self.used, self.is_flat = [], before, False
            self.take("input_raw", found[0])

    def _are_behind(self) -> bool:
        """Tell whether all features stand behind what was answered, and how long that took."""
        order = [path_of(one) for one in self.nodes]
        told = (name for name in ("label", "scores", "latency_ms", "status") if name in self.columns)
        answered = [path for name in told for path in self._paths_of(name)]
        last = max(
            (at for at, one in enumerate(order) if any(_is_within(path, one) for path in answered)), default=len(order)
        )
        paths = [one.path or escaped(one.name) for one in self.features]
        # A feature may stand deeper than fields are listed: in a list, or in a text.
        places = [max((at for at, one in enumerate(order) if _is_within(path, one)), default=-1) for path in paths]
        return min(places) > last

    def take_mixed(self, place: Place, values: list[Any], path: str) -> bool:
        """Take lists in which categories stand among numbers as a feature a place; False if they hold numbers alone.

        Args:
            place: Of the field.
            values: The lists that are in it.
            path: To them.
        """
        self.features = mixed_rows(values, path)
        if self.features:
            self.used.add(place)
        return bool(self.features)

    def _paths_of(self, column: str) -> tuple[str, ...]:
        return (*self.columns[column].path, *self.columns[column].parts)

    def _take_status(self) -> None:
        """Take whole numbers that are codes of HTTP, of which most say that all went well."""
        found = [place for place in self._free() if self.is_asked_for(place) and _are_codes(self._held(place))]
        if "status" not in self.columns and len(found) == 1:
            self.take("status", found[0])

    def _take_beside_status(self) -> None:
        """Take a bare duration right beside the code of HTTP, which says how long that call took."""
        tops = [one for one in self.nodes if len(one) == 1]
        status = self._place_of("status")
        if "latency_ms" in self.columns or status not in tops or _are_sorted(tops):
            return
        at = tops.index(status)
        for place in tops[max(0, at - 1) : at] + tops[at + 1 : at + 2]:
            held = self._held(place)
            if normal(place[-1]) != "duration" or place in self.used or not FITS["latency_ms"](held):
                continue
            scale = milliseconds_in_one("duration", held)
            if scale is not None:
                self._take_as_span(place, scale)
            names = {normal(one[-1]) for one in tops}
            self.used |= {one for one in tops if names >= _OF_RAILS and normal(one[-1]) in _PARTS_IN_RAILS}

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
                if scale is not None and may_be_of_call(numbers, scale):
                    self._take_as_span(place, scale)
                    self.used |= set(found)
                return

    def take_duration(self) -> None:
        """Take a bare duration for that of the call, where it is no feature: those stand in an object of their own."""
        for place in self._free() if "latency_ms" not in self.columns else ():
            held = self._held(place)
            if self.is_flat and not is_about_calls(place):
                continue
            if normal(place[-1]).removeprefix("event_") == "duration" and self.is_asked_for(place) and held:
                scale = milliseconds_in_one("duration", held) if FITS["latency_ms"](held) else None
                if scale is not None:
                    self._take_as_span(place, scale)
                return

    def doubts_of_table(self) -> list[str]:
        """Say what a table leaves open that nobody may guess."""
        if self._is_nobodys():
            return ["all fields are numbers, and none says who asked or what was answered"]
        if found := self.may_be_answers():
            shown = " or ".join(map(path_of, found))
            return [
                f"no field says what was answered, and {shown} may: write the map, take it out of the features, and "
                "name it under columns as label or scores"
            ]
        return []

    def _is_nobodys(self) -> bool:
        """Tell whether there are columns of numbers alone, as in a log of a machine's load."""
        about = {"label", "scores", "principal", "session", "source_ip", "request_id", "model"}
        is_told = any(of_models(path) for path in self.columns["time"].path) if "time" in self.columns else False
        return self.is_flat and bool(self.features) and not is_told and not about & set(self.columns)

    def _take_as_span(self, place: Place, scale: float) -> None:
        about = {"scale": scale} if scale != 1 else {}
        self.take("latency_ms", place, **about)

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
        self._take_columns_of_shares()

    def _take_columns_of_shares(self) -> None:
        """Take columns of a table whose names begin alike, up to a dot, and that hold a share of each class."""
        groups: dict[str, list[Place]] = {}
        for place in self._free():
            before, dot, _ = place[-1].rpartition(".")
            if dot and len(place) == 1 and all(map(is_number, self._held(place))):
                groups.setdefault(before, []).append(place)
        for before, group in groups.items():
            rows = [list(one) for one in zip(*map(self._numbers, group), strict=False)]
            if (
                len(group) > 1
                and len(rows) >= ROWS_TO_TELL
                and len(set(map(tuple, rows))) > 1
                and _are_all_shares(rows)
            ):
                classes = tuple(place[-1][len(before) + 1 :] for place in group)
                self.columns["scores"] = MapColumn(parts=tuple(map(path_of, group)), classes=classes)
                self.used |= set(group)
                return


def _are_sorted(places: Sequence[Place]) -> bool:
    """Tell whether a logger sorted the fields of its rows: then nothing can be told by what stands beside what."""
    names = [place[-1] for place in places if place[-1] != "time"]
    return len(names) >= _LEAST_SORTED and names == sorted(names)


def _is_within(path: str, place: str) -> bool:
    return path == place or path.startswith((f"{place}.", f"{place}[", f"{place}|"))


def _ticks(values: Sequence[Any]) -> bool:
    """Tell whether numbers are those of a clock since 1970 in one unit, which seldom goes back."""
    if len(values) < ROWS_TO_TELL or not all(map(is_number, values)):
        return False
    values = list(map(sample_number, values))
    inside = any(_EARLIEST * unit < min(values) and max(values) < _LATEST * unit for unit in (1, 1e3, 1e6, 1e9))
    forward = sum(one <= after for one, after in pairwise(values))
    return inside and forward >= _FORWARD * (len(values) - 1) and values[0] < values[-1]


def _is_one_name(values: Sequence[Any]) -> bool:
    texts = set(map(str, values))
    return len(values) >= ROWS_TO_TELL and len(texts) == 1 and _NAME.fullmatch(next(iter(texts))) is not None


def _are_versions(values: Sequence[Any]) -> bool:
    return bool(values) and all(isinstance(one, str) and _VERSION.fullmatch(one) for one in values)


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
    # First: what is no name may be a text as long as a caller likes.
    if not all(len(one) <= _LONGEST_NAME and _INSTANCE.fullmatch(one) for one in texts):
        return False
    return len(texts) > 1 and len({_NUMBER_OF_MACHINE.sub("", one) for one in texts}) == 1


def _are_all_shares(values: Sequence[Any]) -> bool:
    sizes = {len(one) if isinstance(one, list) else 0 for one in values}
    return len(sizes) == 1 and sizes != {0} and nearly(are_shares(one) and abs(sum(one) - 1) <= SLACK for one in values)
