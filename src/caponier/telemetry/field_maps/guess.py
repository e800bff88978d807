"""What a log in another form probably means: a field map from a sample of its rows, and what speaks against it.

A map is guessed from names that loggers use and from the values under them. Where two readings are as good as each
other the guess says so, and nobody uses it unasked.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from caponier.records.field_map import FieldMap, MapColumn
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.answered.class_lists import answers_of_each, listed_scores, only_in_text
from caponier.telemetry.field_maps.answered.class_scores import lone_share, one_of_the_scored, share_place, with_classes
from caponier.telemetry.field_maps.callers import (
    address_part,
    address_place,
    are_places_in_code,
    caller_place,
    is_chosen,
    machine_place,
    may_have_asked,
    outer_address,
    proven_first,
    tells_who,
    who_come_again,
)
from caponier.telemetry.field_maps.conversations import last_words
from caponier.telemetry.field_maps.named_features import in_order, is_missing
from caponier.telemetry.field_maps.paths import escaped
from caponier.telemetry.field_maps.places import Place, below, is_deep, keys_of, names_of, nodes_of, path_of, usual
from caponier.telemetry.field_maps.several_models import of_each_model
from caponier.telemetry.field_maps.shapes.rows_with_answers import answered_rows, columns_of_lists
from caponier.telemetry.field_maps.shapes.whole_rows import WholeRows, answered_rows_alone, as_answered
from caponier.telemetry.field_maps.tensors.shaped_lists import tensor_columns
from caponier.telemetry.field_maps.tensors.text_tensors import are_tensors, text_in_tensors
from caponier.telemetry.field_maps.time_columns import (
    finer,
    milliseconds_in_one,
    moments,
    ticking,
    time_column,
    without_fixed,
)
from caponier.telemetry.field_maps.unnamed_inputs import (
    answers_alone,
    are_answers_alone,
    are_texts,
    asked_rank,
    is_around,
    is_asked,
    is_sent,
    lists_beside_answers,
    lone_list,
    lone_text,
    says_nothing,
)
from caponier.telemetry.field_maps.value_kinds import (
    FITS,
    NEARLY,
    ROWS_TO_TELL,
    alike,
    are_amounts,
    are_probabilities,
    are_references,
    features_of,
    is_array,
    is_continuous,
    is_encoded,
    is_name,
    is_number,
    is_number_list,
    mixed_rows,
    named_values,
    nearly,
)
from caponier.telemetry.field_maps.words import FEW
from caponier.telemetry.framing.amounts import AROUND, ONLY_COMMA, ONLY_POINT, joined
from caponier.telemetry.framing.base64_tensors import are_tensors_in_base64
from caponier.telemetry.framing.written_values import loaded
from caponier.telemetry.readers.field_names import (
    ALIASES,
    ANSWERS,
    BODIES,
    COUNTED,
    IDS,
    LIKE,
    LOGSTASH,
    NO_FEATURES,
    OF_CALLS,
    PERHAPS,
    normal,
)

SAMPLE: Final = 1_000
_AT: Final = re.compile(r"\[\d+\]$")
_HASHED: Final = re.compile(r"k-[0-9a-f]{16}")
_SAMPLED_BODIES: Final = 20
STEADY: Final = 0.98
"""Share of the rows of a sample in which a field stands by which a log is known again."""


@dataclass
class GuessedMap:
    """A map, and how sure it is."""

    map: FieldMap | None
    seen: tuple[str, ...]
    """Every path in the sample."""
    doubts: list[str] = field(default_factory=list)
    """Why nobody should use it unasked."""
    remarks: list[str] = field(default_factory=list)
    steady: tuple[str, ...] = ()
    """Fields that the map takes and that stand in nearly every row."""

    @property
    def clear(self) -> bool:
        """Whether the log can be read so without being asked."""
        return self.map is not None and not self.doubts


def guess_as_it_is(rows: Sequence[Row], model: str, name: str = "guessed") -> GuessedMap:
    """Guess a map of rows as they stand there.

    Args:
        rows: A sample.
        model: What the model is called where no row says so.
        name: What the map is called.
    """
    try:
        return _guessed(rows, model, name)
    except RecursionError:
        # Whoever calls may put lists into each other as deep as he likes: such rows decide nothing.
        return _guessed([row for row in rows if not is_deep(row)], model, name)


def _guessed(rows: Sequence[Row], model: str, name: str) -> GuessedMap:
    nodes = nodes_of(rows[:SAMPLE])
    work = _Work(nodes=nodes, out=GuessedMap(None, tuple(path_of(place) for place in nodes)), rows=rows[:SAMPLE])
    work.work_out()
    found = work.finished(model, name)
    if found.map is not None and (answered := answered_rows_alone(found.map, rows[:SAMPLE])):
        found.map = as_answered(found.map, _guessed(answered, model, name).map)
    if found.map is not None:
        found.map = of_each_model(found.map, rows[:SAMPLE], lambda part: _guessed(part, model, name).map)
    return found


@dataclass
class _Work(WholeRows):
    out: GuessedMap

    def work_out(self) -> None:
        """Find out what each field means: by names, then by shapes, the surest first."""
        self.choose_columns()
        self.take_ranked()
        if (clock := self.lone_clock()) is not None:
            self.out.doubts.clear()
            self._choose_time([clock])
            self.assumed.append(f"{path_of(clock)} is taken for the time, as it rises as a clock does")
        self.take_by_shape()
        self.choose_inputs()
        self.choose_scores()
        self.take_told_answer()
        self.take_lone_answer()
        self.leave_behind_answers()
        self.take_pairing()
        self.tell_beside_input()

    def choose_columns(self) -> None:
        """Find the columns that a name tells."""
        for column in ALIASES:
            ranked = self._ranked(column)
            if ranked and column == "time":
                ranked = without_fixed(ranked, self.nodes)
                best = [one for other, one in ranked if other == ranked[0][0]]
                self._choose_time([finer(best[0], [one for _, one in ranked], self.nodes)] if len(best) == 1 else best)
            elif ranked:
                self._choose(column, self._of_classes(ranked)[0][1] if column == "label" else ranked[0][1])
        if "time" not in self.columns:
            self._choose_time(moments(self.nodes, self._is_taken))
        if "principal" not in self.columns and (who := caller_place(self.nodes, self._is_taken)) is not None:
            self._choose("principal", who)
        if not {"principal", "session"} & set(self.columns):
            self._choose_named_in_body()
        is_nobodys = not {"principal", "session", "source_ip"} & set(self.columns)
        if is_nobodys and (address := address_place(self.nodes, self._is_taken)) is not None:
            self._choose("source_ip", address)
        elif is_nobodys and (machine := machine_place(self.nodes, self._is_taken)) is not None:
            self._choose("principal", machine)

    def _of_classes(self, ranked: list[tuple[tuple[int, int], Place]]) -> list[tuple[tuple[int, int], Place]]:
        """Leave out shares of fields that are called alike: `loan_yes_prediction` beside `loan_prediction`."""
        best = [one for one in ranked if one[0][0] == ranked[0][0][0]]
        found = [one for one in best if not is_continuous(alike(self.nodes[one[1]]))]
        return found if len(best) > len(found) > 0 else ranked

    def _is_taken(self, place: Place) -> bool:
        return place in self.used or self._below_input(place) or not self.is_asked_for(place)

    def _choose_named_in_body(self) -> None:
        """Take who is named in a body or an address: as a session, since whoever calls may write any name there."""
        names = ALIASES["principal"]
        found = [
            (names.index(told), len(place), place)
            for place, values in self.nodes.items()
            if (told := normal(place[-1])) in names and told.endswith(IDS) and place not in self.used
            if is_chosen(place) or any(normal(step) in BODIES or is_sent(normal(step)) for step in place[:-1])
            if is_name([value for value in values if not is_missing(value)])
        ]
        if found:
            _, _, place = min(found)
            self.take("session", place, secret=True)

    def _ranked(self, column: str) -> list[tuple[tuple[int, int], Place]]:
        names, fits = ALIASES[column], FITS.get(column, is_name)
        found = []
        for order, (place, values) in enumerate(self.nodes.items()):
            if place in self.used or place[-1] == LOGSTASH or self._below_input(place):
                continue
            if column in ("label", "scores") and any(COUNTED.fullmatch(normal(step)) for step in place[:-1]):
                continue
            like = len(names) if self._is_like(column, place) else None
            rank = min((names.index(name) for name in names_of(place) if name in names), default=like)
            if rank is None:
                continue
            held = [value for value in values if not is_missing(value)]
            if held and fits(held) and not (column == "principal" and are_places_in_code(held)):
                # What an answer calls its model is a name inside the server: what the log says of the call comes first.
                rank += len(names) if column == "model" and not self.is_asked_for(place) else 0
                found.append(((rank, len(keys_of(place))), order, place))
        ranked = usual([(key, place) for key, _, place in sorted(found)], self.nodes)
        if column == "source_ip":
            return outer_address(ranked, self.nodes)
        if column == "principal":
            return who_come_again(proven_first(ranked, self.nodes, self._is_taken), self.nodes, self._is_taken)
        return ranked

    def _is_like(self, column: str, place: Place) -> bool:
        """Tell whether a field is called like those of a column, where no name is a known one."""
        if column not in LIKE or not (told := names_of(place)):
            return False
        if column == "principal":
            return any(LIKE[column].fullmatch(name) for name in told)
        # Beside an x a y is a place, and no answer.
        is_place = told[0] == "y" and not any(isinstance(x, list) for x in self.nodes.get((*place[:-1], "x"), [[]]))
        return LIKE[column].fullmatch(told[0]) is not None and not is_place

    def _below_input(self, place: Place) -> bool:
        """Tell whether a field is a feature by its name alone: `features.age`, and never `features.user`'s twin."""
        answered = any(ANSWERS.fullmatch(normal(step)) for step in place[:-1]) or answers_alone(place, self.nodes)
        return not answered and any(self.holds_what_was_sent(place[:at]) for at in range(1, len(place)))

    def _choose_time(self, places: list[Place]) -> None:
        if not places:
            self.out.doubts.append("no field holds a time")
            for place in ticking(self.nodes, self._is_taken)[:1]:
                self.out.doubts.append(
                    f"{path_of(place)} rises as a clock does: say time: {path_of(place)} if it is one"
                )
            return
        self.columns["time"], taken = time_column(places, self.nodes, self.out.doubts, self.out.remarks)
        self.used |= taken

    def _choose(self, column: str, place: Place) -> None:
        values = alike([value for value in self.nodes[place] if not is_missing(value)])
        about: dict[str, Any] = {"path": (path_of(place),)}
        if column == "principal" and not all(_HASHED.fullmatch(str(value)) for value in values):
            about["secret"] = True
        if column == "latency_ms":
            scale = milliseconds_in_one(normal(place[-1]), values)
            if scale is None:
                self.out.remarks.append(
                    f"{path_of(place)} names no unit: say scale (milliseconds in one) to have it read"
                )
                return
            about |= {"scale": scale} if scale != 1 else {}
        if column == "label" and (is_continuous(values) or are_probabilities(values) or are_amounts(values)):
            column = "scores"
        if column == "scores" and isinstance(values[0], dict):
            about["classes"] = tuple(sorted({str(key) for value in values for key in value}))
            if "" in about["classes"]:
                # A class without a name cannot be told from one that is missing.
                return
        if column == "source_ip" and (part := address_part(values)) is not None:
            about["take"] = part
        if column in self.columns:
            return
        if column == "label" and (inner := only_in_text(values)):
            about["path"] = (f"{path_of(place)}{inner}",)
        self.columns[column] = MapColumn(**about)
        self.used.add(place)

    def choose_inputs(self) -> None:
        """Find what the model was asked: a body, a list, an object of features, or a column a feature."""
        self.widen_scores()
        if "label" not in self.columns:
            if (scored := one_of_the_scored(self.nodes, self.used, self.score_parts())) is not None:
                self._choose("label", scored)
        elif "scores" not in self.columns:
            self.choose_class_columns()
            if "scores" not in self.columns and (share := share_place(self.nodes, self.used)) is not None:
                self._choose("scores", share)
        if not {"label", "scores"} & set(self.columns) and (lone := lone_share(self.nodes, self.used)) is not None:
            self._choose("scores", lone)
        self.choose_called_after()
        if self.take_picture():
            return
        named = sorted(
            (asked_rank(normal(place[-1])), len(keys_of(place)), place)
            for place in self.nodes
            if is_asked(normal(place[-1])) and not self.is_of_call(place) and self.is_asked_for(place)
        )
        # The whole request first: a part of it is read with less knowledge of the protocol.
        for _, _, place in sorted(named, key=lambda one: (len(keys_of(one[2])), one[0])):
            if place not in self.used and not is_around(place, self.nodes) and self._take_body(place):
                return
        if self.take_exchanges() or self.take_documents():
            return
        if not {"label", "scores"} & set(self.columns):
            self._take_lone_answer([place for _, _, place in named])
        # What stands within another candidate is nearer to what was asked: `request.features` before `request`.
        around = {place[:at] for _, _, place in named for at in range(1, len(place))}
        for _, _, place in named:
            if place not in self.used and are_answers_alone(place, self.nodes):
                items = [one for value in self.nodes[place] if isinstance(value, list) for one in value]
                self.columns = answers_of_each(items, path_of(place)) | self.columns
                self.used.add(place)
        for _, _, place in sorted(named, key=lambda one: -1 if self._is_tensor(one[2]) else one[2] in around):
            if place not in self.used and self._take_input(place):
                return
        lists = lists_beside_answers(self.nodes, self.used)
        if any(self._take_list(path_of(place), alike(self.nodes[place]), place) for place in lists):
            return
        if (lone := lone_list(self.nodes, self.used)) is not None:
            if not self.take_mixed(lone, self._held(lone), path_of(lone)):
                self.take("input", lone)
            return
        self.take_columns()
        unread = [path_of(place) for _, _, place in named if place not in self.used and self.nodes[place]]
        if unread and not self.features:
            self.out.remarks.append(f"what {', '.join(unread[:FEW])} holds is not understood as an input")

    def _take_input(self, place: Place) -> bool:
        values = alike([value for value in self.nodes[place] if not is_missing(value)])
        if not values:
            return False
        inside = below(place, self.nodes)
        if inside is not None and are_tensors_in_base64(self.nodes[inside]):
            self.columns["input"] = MapColumn(path=(f"{path_of(inside)}|tensor",))
            self.used |= {one for one in self.nodes if one[: len(inside)] == inside}
            return True
        if inside is not None and self.is_call(inside):
            return False
        if inside is not None:
            held = [value for value in self.nodes[inside] if isinstance(value, dict)]
            if (columns := tensor_columns(held, path_of(inside))) is not None:
                self.columns |= columns
                self.used |= {one for one in self.nodes if one[: len(inside)] == inside}
                return True
            if lists := columns_of_lists(held, path_of(inside)):
                self.features, self.used = (
                    lists,
                    self.used | {one for one in self.nodes if one[: len(inside)] == inside},
                )
                self.unroll([next(iter(one.values())) for one in held])
                return True
            return self._take_object(path_of(inside), held, inside)
        if isinstance(values[0], list):
            return self._take_list(path_of(place), values, place)
        # A caller may write a number in the place of his text; it says no more of the field than a broken row does.
        texts = [value for value in values if isinstance(value, str)]
        if texts and (says_nothing(texts) or nearly(map(is_number, texts))):
            # A number for each row is none of the texts that a model is asked about.
            return False
        return bool(texts) and len(texts) >= NEARLY * len(values) and self._take_text(texts, place)

    def _is_tensor(self, place: Place) -> bool:
        return are_tensors_in_base64(self.nodes[place])

    def _take_text(self, values: list[Any], place: Place) -> bool:
        """Take texts: of objects or of lists, of numbers, or what a model of texts was asked."""
        path = path_of(place)
        if is_encoded(values):
            return self.take_array(values, place)
        if are_references(values):
            self.out.remarks.append(
                f"{path} says where inputs are, and these are not fetched: log numbers, or a digest"
            )
            return False
        begins = values[0].lstrip()[:2]
        held = [loaded(value) for value in values] if begins[:1] == "[" else []
        if held and all(isinstance(one, list) and one for one in held):
            nested = begins in ("[{", "[[") and self._take_list(f"{path}|json", held, place)
            if nested or self.take_mixed(place, held, f"{path}|json"):
                return True
        numeric = nearly(is_number_list(value) or is_array(value.strip()) for value in values)
        self.take("input" if numeric else "input_raw", place)
        return True

    def _take_body(self, place: Place) -> bool:
        """Take a whole request of a protocol of model servers, and the response beside it."""
        from caponier.telemetry.field_maps.logged_bodies import exchange_of, is_request

        values = [value for value in self.nodes[place] if not is_missing(value)][:_SAMPLED_BODIES]
        bodies = [value for value in values if is_request(value)]
        if not values or len(bodies) < NEARLY * len(values):
            return False
        if sum(exchange_of(value, None).problem is None for value in bodies) < NEARLY * len(bodies):
            return False
        self.bodies["request"] = path_of(place)
        self.used.add(place)
        for beside in (one for one in self.nodes if self._is_answer_to(place, one)):
            pairs = list(zip(self.nodes[place], self.nodes[beside], strict=False))[:_SAMPLED_BODIES]
            told = [exchange_of(*pair) for pair in pairs if is_request(pair[0]) and not is_missing(pair[1])]
            if listed_scores(self.nodes[beside], path_of(beside)):
                # All classes, as a sample shows them: one body alone does not say whether it has them all.
                continue
            if told and sum(one.problem is None for one in told) >= NEARLY * len(told):
                self.bodies["response"] = path_of(beside)
                self.used.add(beside)
                for column in ("label", "scores"):
                    if column in self.columns and self.columns[column].path[0].startswith(path_of(beside)):
                        del self.columns[column]
                break
        return True

    def _take_lone_answer(self, places: Sequence[Place]) -> None:
        """Take the whole response of a protocol, where the request stands in another log."""
        from caponier.telemetry.field_maps.logged_bodies import are_answers

        for place in (one for one in places if one not in self.used):
            if are_answers([value for value in self.nodes[place] if not is_missing(value)][:_SAMPLED_BODIES]):
                self.bodies["response"] = path_of(place)
                self.used |= {one for one in self.nodes if one[: len(place)] == place}
                return

    def _is_answer_to(self, place: Place, other: Place) -> bool:
        """Tell whether a field has the answer to a request: `response` beside `request`, also with a `body` in each."""
        if len(other) != len(place) or other == place:
            return False
        if OF_CALLS.fullmatch(normal(other[-1])) or normal(other[-1]) in ALIASES["status"]:
            return False
        twin = other[-1] == place[-1] and any(ANSWERS.fullmatch(normal(step)) for step in other[:-1])
        return twin or ANSWERS.fullmatch(normal(other[-1])) is not None

    def _take_object(self, path: str, values: list[Any], place: Place, each: str = "") -> bool:
        taken = {path_of(one) for one in self.used}
        found = features_of(values, f"{path}{each}")
        features = [one for one in found if _AT.sub("", one.path or "") not in taken]
        if normal(place[-1]) in PERHAPS:
            features = [one for one in features if normal(one.name) not in NO_FEATURES]
        if not features and not each and (text := lone_text(values)) is not None:
            self.columns["input_raw"] = MapColumn(path=(f"{path}.{escaped(text)}",))
            self.used.add(place)
            return True
        if not features or (len(values) >= ROWS_TO_TELL and all(len(one.categories) == 1 for one in features)):
            # Where a picture lies is the same in all rows, and not what a model sees of it.
            return False
        self.features = features
        self.used |= {place} | {one for one in self.nodes if one[: len(place)] == place}
        return True

    def _take_list(self, path: str, values: list[Any], place: Place) -> bool:
        inner = alike([value[0] for value in values if value])
        if not inner:
            return False
        if (said := last_words(values)) is not None:
            # What was said last is what the model is asked.
            self.columns["input_raw"] = MapColumn(path=(f"{path}{said}",))
            self.used.add(place)
            self.take_said_class()
            return True
        if all(isinstance(one, dict) for one in inner):
            items = [one for value in values for one in value if isinstance(one, dict)]
            if are_tensors(items):
                return self._take_text_tensors(values, path, place)
            if pairs := named_values(items, path):
                self.features = pairs
                self.used.add(place)
                return True
            asked, answers = answered_rows(items, path)
            taken = self._take_object(path, asked, place, "[]")
            self.columns = answers | self.columns if taken else self.columns
            self.unroll(values)
            return taken
        if all(isinstance(one, list) for one in inner):
            several = self.asks_several(place, values)
            if several and (found := mixed_rows([one for value in values for one in value], f"{path}[]")):
                self.features = found
            else:
                self.columns["input"] = MapColumn(path=(f"{path}[]" if several else path,))
            if several:
                self.unroll(values)
        elif found := mixed_rows(values, path):
            self.features = found
        elif all(isinstance(one, int | float | None) for one in inner):
            self.columns["input"] = MapColumn(path=(path,))
        elif are_texts(values):
            self.columns["input_raw"] = MapColumn(path=(f"{path}[]",))
            self.unroll(values)
        else:
            return False
        self.used.add(place)
        return True

    def _take_text_tensors(self, values: list[Any], path: str, place: Place) -> bool:
        """Take the text in tensors that could not be read as numbers; what is around it is no feature."""
        if (asked := text_in_tensors(values, path)) is None:
            return False
        self.columns["input_raw"] = MapColumn(path=(asked,))
        for other, held in self.nodes.items():
            if ANSWERS.fullmatch(normal(other[-1])) and (said := text_in_tensors(held, path_of(other))):
                self.columns.setdefault("label", MapColumn(path=(said,)))
                self.used.add(other)
        self.used.add(place)
        return True

    def finished(self, model: str, name: str) -> GuessedMap:
        """Put the map together."""
        out = self.out
        told = {"input", "input_raw", "label", "scores"} & set(self.columns)
        asked = bool(self.features or self.bodies or told or self.has_lists)
        out.doubts += self.doubts_of_table()
        if not asked and not self._told_as_access_log():
            out.doubts.append("no field holds what the model was asked or what it answered")
        if "time" not in self.columns:
            return out
        self._tell_who_may_have_asked()
        out.remarks += self.assumed
        constants: dict[str, Any] = {}
        if "operation" not in self.columns and not self.take_operation():
            constants["operation"] = "predict"
        if "model" not in self.columns and not self.take_model(model):
            constants["model"] = model
            out.remarks.append(f"the model is called {model!r}: no field tells its name")
        self.take_answers_of_no_model()
        self.take_duration()
        if self.features and (left := [path_of(place) for place in self.nodes if self._is_left(place)]):
            more = f" and {len(left) - FEW} more" if len(left) > FEW else ""
            out.remarks.append(f"fields that are not features: {', '.join(left[:FEW])}{more}")
        places = {path_of(place): len(values) for place, values in self.nodes.items()}
        most = max(places.values(), default=0)
        taken = [about.path[0] for about in self.columns.values() if about.path]
        taken += [*self.bodies.values(), *(one.path or escaped(one.name) for one in self.features)]
        out.steady = tuple(path for path in taken if places.get(path, 0) >= STEADY * most)
        out.map = FieldMap(
            name=name,
            decimal=self._decimal(),
            constants=constants,
            columns=with_classes(self.columns, self.nodes),
            # By name, so that a row in which one is missing does not change the order: as tensors of a request are.
            features=tuple(sorted(self.features, key=lambda feature: in_order(feature.name))),
            request=self.bodies.get("request"),
            response=self.bodies.get("response"),
            extra=tuple(map(path_of, filter(self._is_told, self.nodes)))[:50],
        )
        return out

    def _tell_who_may_have_asked(self) -> None:
        """Say that nobody is known to have asked, and how to say who did: else all of them count as one."""
        if {"principal", "session", "source_ip"} & set(self.columns):
            return
        told = {one.path or escaped(one.name): one for one in self.features}
        outer = set(self.used) - {place for place in self.nodes if path_of(place) in told}
        found = [path_of(one) for one in may_have_asked(self.nodes, lambda place: place in outer)]
        shown = f"; if it is one of {', '.join(found[:FEW])}," if found else ";"
        self.out.remarks.append(
            f"no field is known to say who asked{shown} write the map with caponier map guess LOG --out FILE, name it "
            "there under columns as principal, and give it with --map FILE"
        )

    def _told_as_access_log(self) -> bool:
        if not self.is_access_log() and not self.is_of_calls():
            return False
        self.out.remarks.append("an access log: it says who asked, and not what")
        return True

    def _is_left(self, place: Place) -> bool:
        return place not in self.used and len(place) == 1 and not isinstance(self.nodes[place][0], dict | list)

    def _is_told(self, place: Place) -> bool:
        """Tell whether events carry a field beside what they are read as: never who asked, who is hashed there."""
        if not self._is_left(place) or any(one[: len(place)] == place for one in self.used):
            return False
        secret = [about.path[0] for about in self.columns.values() if about.secret]
        return not tells_who(place, self.nodes[place], [value for path in secret for value in self._values_at(path)])

    def _decimal(self) -> str:
        """Return the decimal sign of the numbers in text that are read; where they contradict each other, say so."""
        read = [one.path or escaped(one.name) for one in self.features if one.kind == "number"]
        columns = (self.columns.get(name) for name in ("scores", "latency_ms", "cost"))
        read += [path for about in columns if about is not None for path in (*about.path, *about.parts)]
        texts = [text for path in read for text in self._values_at(path)[:SAMPLE] if isinstance(text, str)]
        bare = [joined(AROUND.sub("", text)) for text in texts]
        comma, point = (any(map(form.fullmatch, bare)) for form in (ONLY_COMMA, ONLY_POINT))
        if comma and point:
            self.out.doubts.append("the decimal sign is a comma in some numbers and a point in others; say decimal")
        return "," if comma else "."
