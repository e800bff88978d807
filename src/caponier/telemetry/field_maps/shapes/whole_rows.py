"""What only whole rows tell: which two lines are one request, and which rows were answered."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from caponier.records.field_map import FieldMap, MapColumn, MapFeature
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.named_features import in_order, is_missing
from caponier.telemetry.field_maps.paths import Records, escaped, steps_of
from caponier.telemetry.field_maps.places import Place, path_of
from caponier.telemetry.field_maps.shapes.ranked_lists import ranked_lists
from caponier.telemetry.field_maps.shapes.shape_guess import ShapeGuess
from caponier.telemetry.field_maps.unnamed_inputs import are_written_differently, is_asked, is_sent, says_nothing
from caponier.telemetry.field_maps.value_kinds import NEARLY, RARE, ROWS_TO_TELL, nearly
from caponier.telemetry.field_maps.words import FEW
from caponier.telemetry.readers.field_names import IDS, normal

_ASKED: Final = ("input", "input_raw")
_ANSWERED: Final = ("label", "scores")
_OF_HTTP: Final = frozenset(("method", "headers", "url", "path"))
MOST_UNANSWERED: Final = 0.5
"""Share of the rows without an answer beyond which these are no failures, but what the log is like."""


@dataclass(kw_only=True)
class WholeRows(ShapeGuess):
    """What rows tell as wholes, where the values of each field alone do not."""

    rows: Sequence[Row] = field(default=(), repr=False)

    def take_ranked(self) -> None:
        """Take the best of what was ranked for the answer, where it and the scores stand in a list each."""
        answered = {path for name in _ANSWERED if name in self.columns for path in self._paths_of(name)}
        free = [
            place
            for place in self.nodes
            if (place not in self.used or path_of(place) in answered) and self.is_asked_for(place)
            if not any(is_sent(normal(step)) for step in place[:-1])
        ]
        found = ranked_lists(self.nodes, free)
        is_told = "label" in self.columns and not {path_of(one) for one in found or ()} & set(self._paths_of("label"))
        if found is not None and not is_told:
            for column, place in zip(_ANSWERED, found, strict=True):
                self.columns[column] = MapColumn(path=(f"{path_of(place)}[0]",))
                self.used.add(place)

    def tell_beside_input(self) -> None:
        """Say which fields stand in one object with the only input that is read, and which other texts people wrote."""
        paths = self._column_paths(_ASKED)
        at = [place for place in self.nodes if path_of(place) in {path.partition("|")[0] for path in paths}]
        if len(at) != 1 or self.features or self.bodies:
            return
        above, is_text = at[0][:-1], "input_raw" in self.columns
        beside = {normal(place[-1]) for place in self.nodes if place[:-1] == above}
        of_request = bool(above) and is_asked(normal(above[-1])) and not beside & _OF_HTTP
        left = [
            path_of(place)
            for place, values in self.nodes.items()
            if place not in self.used and len(place) == len(at[0]) and place[:-1] == above
            if (of_request and values and not says_nothing(values))
            or (not above and is_text and are_written_differently(values))
        ]
        if left:
            more = f" and {len(left) - FEW} more" if len(left) > FEW else ""
            self.assumed.append(
                f"beside {path_of(at[0])}, the input, these are not read: {', '.join(left[:FEW])}{more}"
            )

    def take_pairing(self) -> None:
        """Take what joins lines of requests to lines of answers for the request id, whatever it is called.

        Each value stands once among the requests and once among the answers. Of several such fields the first one is
        taken that is called an id. Where there are two kinds of lines and nothing joins them, a note says so.
        """
        if "request_id" in self.columns:
            return
        said = self._rows_with([*self._column_paths(_ANSWERED), self.bodies.get("response")])
        if not said or len(said) > (1 - RARE) * len(self.rows):
            return
        # What stands on the lines of answers as well is no feature, if others do not.
        both = {path for path in _paths_of(self.features) if len(self._rows_with([path]) & said) > RARE * len(said)}
        own = [path for path in _paths_of(self.features) if path not in both]
        asked = self._rows_with([*self._column_paths(_ASKED), *own, self.bodies.get("request")])
        asks, says = [self.rows[at] for at in sorted(asked)], [self.rows[at] for at in sorted(said)]
        if min(len(asks), len(says)) * 2 < ROWS_TO_TELL or len(asked & said) > RARE * min(len(asks), len(says)):
            return
        joins = [place for place in self._ids() if _pairs(_at(asks, place), _at(says, place))]
        called = [place for place in joins if normal(place[-1]) == "id" or normal(place[-1]).endswith(IDS)]
        for place in (called or joins)[:1]:
            self.take("request_id", place)
            self.features = [one for one in self.features if _path(one) not in both]
            return
        self.assumed.append(
            "some lines say what was asked and others what was answered, and no field joins them: each counts as an "
            "event; if one has the id of the request, name it under columns as request_id"
        )

    def _ids(self) -> Iterator[Place]:
        """Return the fields of names or whole numbers that nothing was taken from, or that count as a feature each."""
        features = set(_paths_of(self.features))
        for place, values in self.nodes.items():
            held = [value for value in values if not is_missing(value)]
            is_free = (place not in self.used or path_of(place) in features) and len(held) >= ROWS_TO_TELL
            if is_free and nearly(isinstance(one, str | int) and not isinstance(one, bool) for one in held):
                yield place

    def _column_paths(self, names: Sequence[str]) -> list[str]:
        about = [self.columns[name] for name in names if name in self.columns]
        return [path for one in about for path in (*one.path, *one.parts)]

    def _rows_with(self, paths: Sequence[str | None]) -> set[int]:
        """Return in which rows something stands at one of some paths."""
        return _with_something(self.rows, [path for path in paths if path is not None])


def answered_rows_alone(found: FieldMap, rows: Sequence[Row]) -> list[Row]:
    """Return the rows that were answered, where some were asked in vain; else none.

    What a service refused says nothing of what its model takes: `"abc"` for a number made the call fail.

    Args:
        found: A map of all rows.
        rows: A sample.
    """
    about = [found.columns[name] for name in _ANSWERED if name in found.columns]
    paths = [path for one in about for path in (*one.path, *one.parts)]
    if not found.features or not paths:
        return []
    said = _with_something(rows, paths)
    if len(said) == len(rows):
        return []
    asked = _with_something(rows, _paths_of(found.features))
    is_usual = len(said & asked) >= max(ROWS_TO_TELL, (1 - MOST_UNANSWERED) * len(asked))
    return [rows[at] for at in sorted(said)] if is_usual and asked - said else []


def as_answered(found: FieldMap, of_answered: FieldMap | None) -> FieldMap:
    """Return a map whose features are numbers where they are such in all rows that were answered.

    Args:
        found: A map of all rows.
        of_answered: A map of the rows that were answered.
    """
    if of_answered is None or not of_answered.features:
        return found
    taken = {path for about in found.columns.values() for path in (*about.path, *about.parts)}
    features = {_path(one): one for one in found.features}
    for one in of_answered.features:
        before, path = features.get(_path(one)), _path(one)
        is_new = before is None and path not in taken
        if one.kind == "number" and (is_new or (before is not None and before.kind == "category")):
            features[path] = one if before is None else one.model_copy(update={"name": before.name})
    extra = tuple(path for path in found.extra if path not in features)
    kept = tuple(sorted(features.values(), key=lambda one: in_order(one.name)))
    return found.model_copy(update={"features": kept, "extra": extra})


def _path(feature: MapFeature) -> str:
    return feature.path or escaped(feature.name)


def _paths_of(features: Sequence[MapFeature]) -> list[str]:
    return [_path(one) for one in features]


def _with_something(rows: Sequence[Row], paths: Sequence[str]) -> set[int]:
    records, there = Records(list(rows)), set[int]()
    for path in dict.fromkeys(path.partition("[]")[0] for path in paths):
        held = records.values(steps_of(path))
        there |= {at for at, value in enumerate(held) if not is_missing(value) and value != []}
    return there


def _at(rows: Sequence[Row], place: Place) -> list[Any]:
    held = Records(list(rows)).values(steps_of(path_of(place)))
    return [str(value) for value in held if not is_missing(value)]


def _pairs(asks: Sequence[str], says: Sequence[str]) -> bool:
    """Tell whether nearly each value stands once on each side, and most of the fewer on both."""
    one, other = Counter(asks), Counter(says)
    fewer = min(len(one), len(other))
    once = all(sum(count == 1 for count in side.values()) >= NEARLY * len(side) for side in (one, other))
    return fewer * 2 >= ROWS_TO_TELL and once and len(one.keys() & other.keys()) >= NEARLY * fewer
