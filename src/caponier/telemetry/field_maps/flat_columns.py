"""Columns that are a feature each, or what else was asked where no name says so: objects, and texts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from caponier.records.field_map import MapColumn, MapFeature
from caponier.telemetry.field_maps.answered.class_lists import answers_of_each
from caponier.telemetry.field_maps.beside_features import bounds_of, counts_rows, is_of_thing
from caponier.telemetry.field_maps.callers import are_addresses, are_places_in_code, names_somebody
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.places import Place, below, path_of
from caponier.telemetry.field_maps.score_guess import ScoreGuess
from caponier.telemetry.field_maps.unnamed_inputs import (
    features_of_objects,
    is_about_another,
    is_marked,
    is_of_row,
    is_sent,
    says_answer,
    says_nothing,
    text_place,
)
from caponier.telemetry.field_maps.value_kinds import ROWS_TO_TELL, are_moments, feature_of, features_of, is_number
from caponier.telemetry.framing.base64_numbers import kind_of
from caponier.telemetry.framing.base64_pictures import are_pictures
from caponier.telemetry.readers.field_names import (
    ANSWERS,
    CALLED,
    COUNTERS,
    CREDENTIALS,
    INPUTS,
    LIKE,
    NO_FEATURES,
    OF_CALLS,
    SCORE_PARTS,
    normal,
)

OF_FILES: Final = ("image", "file", "sample", "photo", "picture", "audio", "video", "document")
_OF_TEXTS: Final = re.compile(r"(?:^|_)(?:length|len|words|chars|characters|tokens|lang|language)(?:_|$)")
_SIGNED: Final = re.compile(r"[^\w\s\"'(\[]|_")
OF_SIZE: Final = re.compile(
    r"(?:.+_)?(?:shape|dims?|dimensions?|length|width|height|w|h|rows|cols|columns|channels|size)"
)
"""What says beside the bytes of an array how many numbers it has."""
_HEX: Final = re.compile(r"[0-9a-fA-F-]+")
_LONGEST_ID: Final = 128
"""Letters of an id, or of a digest, at most."""
LEAST: Final = 0.02
"""Share of the rows of a sample in which a feature stands at least."""
FEW_BESIDE: Final = 2
"""Columns beside a text that somebody wrote which say of it in what language it is, and where it came from."""


@dataclass(kw_only=True)
class FlatGuess(ScoreGuess):
    """What was asked where a column stands for a feature, or no name tells."""

    _sent: dict[Place, bool] = field(default_factory=dict, init=False)
    _is_closed: bool = field(default=False, init=False)
    """Whether what was asked stands there in a form that is not read: then what is beside it says of it."""

    def take_columns(self) -> None:
        """Take columns as features; but a text or an object that says more of what was asked where they say little."""
        before = set(self.used)
        self._take_flat()
        if self.bodies or any(is_marked(one.name) for one in self.features):
            return
        text = text_place(self.nodes, before)
        objects = {place for place in self.nodes if len(place) == 1 and self.is_call(place)}
        taken = set(before)
        told = bool({"label", "scores"} & set(self.columns))
        inner = features_of_objects(self.nodes, taken, objects, answered=told)
        if len(self.features) >= FEW_BESIDE and not (not told and self._are_before(inner)):
            inner = []
        about_text = [one for one in self.features if one.kind == "category" or _OF_TEXTS.search(normal(one.name))]
        if text is not None and len(about_text) == len(self.features) <= FEW_BESIDE:
            self.features, self.used, self.is_flat = [], before, False
            self.take("input_raw", text)
        elif len(inner) > len(self.features):
            self.features, self.used, self.is_flat = inner, taken, False

    def take_picture(self) -> bool:
        """Take the only picture in base64 that was asked about, whatever it is called: what is beside says of it."""
        found = [
            place
            for place, values in self.nodes.items()
            if place not in self.used and self.is_asked_for(place) and are_pictures(values)
        ]
        if len(found) != 1:
            return False
        self.columns["input"] = MapColumn(path=(f"{path_of(found[0])}|picture",))
        self.used |= set(found)
        return True

    def take_array(self, values: Sequence[Any], place: Place) -> bool:
        """Take the bytes of an array in base64, where it is plain what numbers they are; else say that none are read.

        Args:
            values: Texts in base64 that were asked about.
            place: Of the field that holds them.
        """
        beside = [one for one in self.nodes if one[:-1] == place[:-1] and OF_SIZE.fullmatch(normal(one[-1]))]
        sizes = [held[0] for one in beside if len(set(map(str, held := self.nodes[one]))) == 1]
        if (kind := kind_of(values, sizes)) is not None:
            self.columns["input"] = MapColumn(path=(f"{path_of(place)}|{kind}",))
            self.used |= {place, *beside}
            return True
        self.assumed.append(f"{path_of(place)} holds base64, which is not read: log numbers, or their digest")
        texts = [value for value in values if isinstance(value, str) and not _HEX.fullmatch(value)]
        self._is_closed = self._is_closed or sum(len(one) > _LONGEST_ID for one in texts) * 2 > len(values)
        return False

    def take_exchanges(self) -> bool:
        """Take a list of objects that each hold what was asked and what was answered, as Modelbit writes a batch."""
        for place, values in self.nodes.items():
            items = [one for value in values if isinstance(value, list) for one in value]
            if place in self.used or not items or not all(isinstance(one, dict) for one in items):
                continue
            asked = [key for key in items[0] if normal(str(key)) in INPUTS]
            told = [key for key in items[0] if ANSWERS.fullmatch(normal(str(key)))]
            if len(asked) != 1 or len(told) != 1 or not all({*asked, *told} <= one.keys() for one in items):
                continue
            path, held = path_of(place), [one[asked[0]] for one in items]
            if (answer := answers_of_each([{"label": one[told[0]]} for one in items], path)) == {}:
                continue
            (column,) = answer
            if all(isinstance(one, dict) for one in held):
                self.features = features_of(held, f"{path}[].{escaped(asked[0])}")
            else:
                numeric = all(isinstance(one, list) and all(map(is_number, one)) for one in held)
                self.columns["input" if numeric else "input_raw"] = MapColumn(path=(f"{path}[].{escaped(asked[0])}",))
            self.columns[column] = MapColumn(path=(f"{path}[].{escaped(told[0])}",), classes=answer[column].classes)
            self.used.add(place)
            return True
        return False

    def take_documents(self) -> bool:
        """Take the texts of a list of documents in a request, as services for languages are asked about several."""
        for place, values in self.nodes.items():
            is_inside = len(place) > 1 and normal(place[0]) in INPUTS and self.is_asked_for(place)
            if place in self.used or not is_inside or not all(isinstance(one, list) and one for one in values):
                continue
            items = [one for held in values for one in held]
            texts = [one.get("text") if isinstance(one, dict) else None for one in items]
            if not all(isinstance(one, str) for one in texts) or len(set(texts)) < 2:
                continue
            self.columns["input_raw"] = MapColumn(path=(f"{path_of(place)}[].text",))
            self.used.add(place)
            self.unroll(values)
            return True
        return False

    def _take_flat(self) -> None:
        if self._is_closed or self.is_access() or self._is_digest_of_all():
            return
        self.is_flat, changes = True, False
        most = max(map(len, self.nodes.values()), default=0)
        rest = [
            place
            for place, values in self.nodes.items()
            # What stands in single rows says nothing of the others.
            if place not in self.used and self._is_flat_place(place) and len(values) >= LEAST * most
        ]
        # What begins with a sign where others begin with a letter is the logger's own: `_count`, `$aml_model_version`.
        rest = [place for place in rest if not _SIGNED.match(place[-1])] or rest
        marked = [place for place in rest if is_marked(place[-1])]
        bounds = bounds_of(self.nodes, self._amounts())
        # Where some of the columns say that they are features, the others are none.
        for place in marked if len(marked) > 1 else rest:
            name = normal(place[-1])
            if place not in marked and (
                says_answer(name, self.columns) or name in COUNTERS or name in NO_FEATURES or OF_CALLS.fullmatch(name)
            ):
                continue
            if place not in marked and (place in bounds or self._says_which(place)):
                continue
            if is_about_another(place, self.nodes) or (LIKE["time"].fullmatch(name) and are_moments(self.nodes[place])):
                continue
            if SCORE_PARTS.fullmatch(name) or are_places_in_code(held := self.nodes[place]) or are_addresses(held):
                continue
            if place not in marked and (name in CREDENTIALS or names_somebody(place, self.nodes[place])):
                continue
            feature = feature_of(place[-1], None if len(place) == 1 else path_of(place), self.nodes[place])
            if feature is not None and not says_nothing(self.nodes[place]):
                self.features.append(feature)
                self.used.add(place)
                changes = changes or len(set(map(str, self.nodes[place]))) > 1
        if not changes and max((len(held) for held in self.nodes.values()), default=0) >= ROWS_TO_TELL:
            # What is the same in all rows is no input.
            self.features = []

    def _are_before(self, inner: list[MapFeature]) -> bool:
        """Tell whether features in an object stand before all columns that were taken for some."""
        order = [path_of(place) for place in self.nodes]
        flat = [order.index(path) for one in self.features if (path := one.path or escaped(one.name)) in order]
        objects = [order.index(path) for one in inner if (path := one.path or escaped(one.name)) in order]
        return bool(flat and objects) and max(objects) < min(flat)

    def _says_which(self, place: Place) -> bool:
        name, values = normal(place[-1]), self.nodes[place]
        return is_of_row(name, values) or is_of_thing(name, values) or counts_rows(name, values)

    def _amounts(self) -> list[Any]:
        """Return what was answered, or its score."""
        about = self.columns.get("label") or self.columns.get("scores")
        return self._values_at(about.path[0]) if about is not None and about.path else []

    def _is_flat_place(self, place: Place) -> bool:
        """Tell whether a field stands for itself: at the top, or as an attribute that says by its name what it is."""
        return len(place) == 1 or ("." in place[-1] and is_marked(place[-1]) and self.is_asked_for(place))

    def _is_digest_of_all(self) -> bool:
        """Tell whether a digest stands for a picture or a file: its width and size are not what a model was asked."""
        about = self.columns.get("input_digest")
        return about is not None and any(normal(path.rsplit(".", 1)[-1]).startswith(OF_FILES) for path in about.path)

    def is_call(self, place: Place) -> bool:
        """Tell whether an object is about a call over HTTP, or around what was asked: its fields are no features."""
        keys = {normal(one[-1]) for one in self.nodes if len(one) == len(place) + 1 and one[: len(place)] == place}
        return bool(keys & set(INPUTS) - {"x", "text", "row"}) or ("method" in keys and bool(keys & set(CALLED)))

    def holds_what_was_sent(self, place: Place) -> bool:
        """Tell whether a field is an object of what was asked, by its name; looked up once for all within."""
        if place not in self._sent:
            inside = below(place, self.nodes) if is_sent(normal(place[-1])) else None
            self._sent[place] = inside is not None and not self.is_call(inside)
        return self._sent[place]

    def is_asked_for(self, place: Place) -> bool:
        """Tell whether a field is no part of an answer: a response has a `body`, too."""
        return not any(ANSWERS.fullmatch(normal(step)) for step in place[:-1])
