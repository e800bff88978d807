"""What was answered, in an object under any name: the class and its share that alone stand in it, or its only value.

A table has such objects as columns whose names begin alike, up to a dot.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from caponier.records.field_map import MapFeature
from caponier.telemetry.field_maps.answered.class_scores import are_classes, is_of_best, says_score
from caponier.telemetry.field_maps.flat_columns import FlatGuess
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.places import READ, Nodes, Place, path_of
from caponier.telemetry.field_maps.unnamed_inputs import is_about_calls
from caponier.telemetry.field_maps.value_kinds import ROWS_TO_TELL, is_continuous
from caponier.telemetry.readers.field_names import normal

_LEAST: Final = 3
"""Columns that are called alike."""
_MARK: Final = re.compile(r"([a-z]{1,16}_(?=.)|[a-z]{1,16}(?=\d{1,4}$))")
_PAIR: Final = ("label", "scores")
_MANY: Final = 2
"""Times as many columns are features as those of an answer beside them."""


@dataclass(kw_only=True)
class AnswerObjects(FlatGuess):
    """What was answered where no name tells it, but the object in which it stands."""

    def _free(self) -> list[Place]:
        """Return the fields that nothing has taken and that are neither asked nor inside of what was asked."""
        return [one for one in self.nodes if one not in self.used and not self._below_input(one)]

    def _held(self, place: Place) -> list[Any]:
        return [value for value in self.nodes[place] if not is_missing(value)]

    def _take_judged_pair(self) -> None:
        """Take the class and the share of the best class that alone stand together in an object."""
        if {*_PAIR} & set(self.columns):
            return
        free = set(self._free())
        found = [
            (one, other)
            for group in objects_of(self.nodes).values()
            if len(group) == len(_PAIR) and free.issuperset(group)
            for one, other in (group, group[::-1])
            if are_classes(self.nodes[one]) and is_continuous(self.nodes[other])
            if is_of_best(self.nodes[one], self.nodes[other])
        ]
        if len(found) == 1:
            for column, place in zip(_PAIR, found[0], strict=True):
                self.take(column, place)

    def take_lone_answer(self) -> None:
        """Take what only its place says to be the answer, where all that was asked is known and nothing else is one."""
        self.leave_out_lists()
        if not {*_PAIR} & set(self.columns) and "response" not in self.bodies:
            for take in (self._take_object_of_one, self._take_called_score, self._take_beside_marked):
                if not {*_PAIR} & set(self.columns):
                    take()
        super().take_lone_answer()
        if "label" not in self.columns and self.is_flat:
            self._take_beside_marked()

    def leave_behind_answers(self) -> None:
        """Leave out columns behind what was answered."""
        raise NotImplementedError

    def _take_object_of_one(self) -> None:
        """Take the only value of the only object that is none of a call, behind what was asked."""
        if not self.features and not self._is_asked():
            return
        asked = {one.path or escaped(one.name): one for one in self.features}
        others = {place for place in self.used if path_of(place) not in asked}
        found = [
            group[0]
            for group in objects_of(self.nodes).values()
            if len(group) == 1 and not others & set(group) and self._stands_alone(group[0], asked)
        ]
        if len(found) == 1:
            self._take_assumed(found[0])

    def _stands_alone(self, place: Place, asked: Collection[str]) -> bool:
        if self._below_input(place) or is_about_calls(place) or len(self.nodes[place]) < ROWS_TO_TELL:
            return False
        if path_of(place) in asked and (not self.is_flat or len(asked) <= _MANY):
            return False
        values = self.nodes[place]
        return is_continuous(values) or are_classes(values)

    def _take_called_score(self) -> None:
        """Take the only share of a table that has a word for scores in its name, before or behind all features."""
        self.leave_behind_answers()
        tops = [place for place in self.nodes if len(place) == 1]
        free = [place for place in tops if place not in self.used]
        asked = self._columns_asked(tops)
        ends = {asked[0], asked[-1]} if len(asked) > _MANY else set()
        found = [place for place in (*asked, *free) if says_score(place, self.nodes[place])]
        if len(found) == 1 and (found[0] in ends or found[0] in free) and (self.features or self._is_asked()):
            self._take_assumed(found[0])

    def _take_beside_marked(self) -> None:
        """Take the only column that is not called as all others are: `verdict` beside `f_age` and `f_income`."""
        asked = self._columns_asked([place for place in self.nodes if len(place) == 1])
        begins = Counter(_begin(place) for place in asked)
        if len(asked) <= _LEAST or begins.most_common(1)[0][1] != len(asked) - 1:
            return
        (other,) = (one for one in asked if begins[_begin(one)] == 1)
        scores = self._place_of("scores")
        is_class = are_classes(self.nodes[other]) and (
            scores is None or is_of_best(self.nodes[other], self.nodes[scores])
        )
        if is_class or (scores is None and is_continuous(self.nodes[other])):
            self._take_assumed(other)

    def may_be_answers(self) -> list[Place]:
        """Return the first and the last column of a table that says how a call went, and of none that it is the answer.

        Whoever logs inputs alone does not log how long an answer took.
        """
        if {*_PAIR} & set(self.columns) or self.bodies or not {"latency_ms", "status"} & set(self.columns):
            return []
        tops = [place for place in self.nodes if len(place) == 1]
        asked = self._columns_asked(tops)
        if any(are_classes(self.nodes[place]) for place in tops if place not in self.used and place not in asked):
            # A column that is read as nothing may be it: then nothing is read that is not so.
            return []
        ends = dict.fromkeys((asked[0], asked[-1])) if len(asked) > _MANY else {}
        return [place for place in ends if is_continuous(self.nodes[place]) or are_classes(self.nodes[place])]

    def _columns_asked(self, tops: Sequence[Place]) -> list[Place]:
        """Return the columns that are features of a table, in its order."""
        paths = {_path(one) for one in self.features} if self.is_flat else set()
        return [place for place in tops if path_of(place) in paths]

    def _is_asked(self) -> bool:
        return bool({"input", "input_raw"} & set(self.columns))

    def _take_assumed(self, place: Place) -> None:
        """Take a field for the answer, and say so."""
        self.features = [one for one in self.features if _path(one) != path_of(place)]
        self.take("scores" if is_continuous(self.nodes[place]) else "label", place)
        self.assumed.append(
            f"{path_of(place)} is taken for what was answered, as nothing else says: if it is not, "
            "write the map with caponier map guess LOG --out FILE, correct it, and give it with --map FILE"
        )


def _begin(place: Place) -> str:
    """Return the word, or the letters before a number, with which a name begins where another follows."""
    around, _, _ = place[-1].rpartition(".")
    found = _MARK.match(normal(place[-1]))
    return around or (found[1] if found else place[-1])


def objects_of(nodes: Nodes) -> dict[tuple[str, ...], list[Place]]:
    """Return the plain fields of each object that holds nothing else, also of one that a table has as columns.

    Args:
        nodes: The fields of a sample.
    """
    found: dict[tuple[str, ...], list[Place]] = {}
    for place in nodes:
        above, _, _ = place[-1].rpartition(".")
        around = (*place[:-1], above) if above else place[:-1]
        if around and place[-1] != READ:
            found.setdefault(around, []).append(place)
    return {around: group for around, group in found.items() if all(_is_plain(nodes[one]) for one in group)}


def _is_plain(values: Sequence[Any]) -> bool:
    held = [value for value in values if not is_missing(value)]
    return bool(held) and all(isinstance(one, str | int | float) for one in held)


def _path(feature: MapFeature) -> str:
    return feature.path or escaped(feature.name)
