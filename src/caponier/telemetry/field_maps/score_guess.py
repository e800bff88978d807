"""Where the scores of an answer stand, and the answer itself where no name tells: found by what the values say."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from caponier.records.field_map import MapColumn, MapFeature
from caponier.telemetry.field_maps.access_guess import AccessGuess
from caponier.telemetry.field_maps.answered.answers_by_shape import answers_by_shape
from caponier.telemetry.field_maps.answered.class_lists import (
    answers_of_each,
    are_ranked,
    listed_scores,
    plain_answers,
    ranked_items,
)
from caponier.telemetry.field_maps.answered.class_scores import (
    answer_below,
    answer_of_score,
    are_classes,
    banded,
    called_after,
    class_columns,
    class_share,
    is_decided,
    put_out,
    share_groups,
    shared_begin,
    shares_beside,
    told_by_shares,
    unexplained,
)
from caponier.telemetry.field_maps.conversations import said_class
from caponier.telemetry.field_maps.paths import EACH, escaped, stepped, steps_of
from caponier.telemetry.field_maps.places import Place, path_of
from caponier.telemetry.field_maps.value_kinds import NEARLY, as_long, is_continuous
from caponier.telemetry.framing.amounts import sample_number
from caponier.telemetry.readers.field_names import ALIASES, ANSWERS, SCORE_PARTS, SEVERAL, normal


def _is_no_part(values: list[Any], asked: list[Any]) -> bool:
    sizes = {len(one) for one in values if isinstance(one, list)}
    return bool(values) and bool(asked) and values[0] != asked[0] and len(sizes) > 1


def _are_decided(answers: list[Any], shares: list[Any]) -> bool:
    return are_classes(answers) and is_decided(answers, shares)


@dataclass(kw_only=True)
class ScoreGuess(AccessGuess):
    """Scores, and answers that they tell."""

    features: list[MapFeature] = field(default_factory=list)
    has_lists: bool = False
    """Whether there are answers of several examples a row, of which nothing else is known."""
    assumed: list[str] = field(default_factory=list)
    """What nobody but a person can be sure of."""
    is_flat: bool = False
    """Whether a column stands for a feature."""
    bodies: dict[str, str] = field(default_factory=dict)

    def choose_scores(self) -> None:
        """Take a column a class together as scores; or, below what was answered, an object or a list of numbers."""
        self._take_best_of_lists()
        if "scores" in self.columns and "label" not in self.columns:
            self._take_class_beside()
        if "scores" in self.columns or "response" in self.bodies:
            return
        if self._choose_listed():
            return
        places = self.score_parts()
        classes: tuple[str, ...] = ()
        if len(places) < 2:
            grouped, classes = share_groups(self.nodes, self.used)
            places = list(grouped)
        if len(places) > 1:
            named = [SCORE_PARTS.fullmatch(normal(place[-1])) for place in places]
            classes = tuple(found[1] for found in named if found) if all(named) else classes
            self.columns["scores"] = MapColumn(parts=tuple(map(path_of, places)), classes=classes)
            self.used |= set(places)
        elif "label" not in self.columns:
            for column, about in answer_below(self.nodes, self.used).items():
                self.columns[column] = about

    def widen_scores(self) -> None:
        """Take the shares of all classes where one of them was taken for its name, such as `predicted_fraud`."""
        score = self._place_of("scores")
        if score is None or self.columns["scores"].classes or self.columns["scores"].parts:
            return
        if len(group := shares_beside(self.nodes, self.used, score)) > 1:
            begin = shared_begin([normal(one[-1]) for one in group])
            names = tuple(normal(one[-1]).removeprefix(begin) for one in group)
            self.columns["scores"] = MapColumn(parts=tuple(map(path_of, group)), classes=names)
            self.used |= set(group)

    def _take_class_beside(self) -> None:
        """Take the class beside a score in an answer, whatever its name: `{"species": "a", "probability": 0.9}`."""
        scores = self._place_of("scores")
        if scores is None:
            return
        about = answer_below(self.nodes, set(self.used)).get("label")
        beside = [place for place in self.nodes if about is not None and about.path == (path_of(place),)]
        # The scores stand beside the class, or beside the object that holds nothing but it.
        if beside and (beside[0][:-1] == scores[:-1] != () or beside[0][:-2] == scores[:-1]):
            self.take("label", beside[0])

    def _take_best_of_lists(self) -> None:
        """Where classes and scores stand in a list each, the best first, take the answer and its score."""
        scores = self._place_of("scores")
        if "label" not in self.columns and scores and (items := ranked_items(self.nodes, self.used, scores)):
            self.take("label", items)
        pair = [self.columns.get(column) for column in ("label", "scores")]
        held = [self._values_at(about.path[0]) if about is not None and about.path else [] for about in pair]
        if held[0] and held[1] and are_ranked(held[0], held[1]):
            for column in ("label", "scores"):
                self.columns[column] = MapColumn(path=(f"{self.columns[column].path[0]}[0]",))

    def _place_of(self, column: str) -> Place | None:
        about = self.columns.get(column)
        return next((one for one in self.nodes if about and about.path and path_of(one) == about.path[0]), None)

    def _values_at(self, path: str) -> list[Any]:
        """Return what stands at a path of the sample, also of one into the lists of a field."""
        for place, values in self.nodes.items():
            field_path = path_of(place)
            if field_path == path:
                return values
            if path.startswith(f"{field_path}["):
                for step in steps_of(path)[len(steps_of(field_path)) :]:
                    lists = (one for one in values if isinstance(one, list))
                    values = [one for held in lists for one in held] if step == EACH else stepped(values, step)
                return values
        return []

    def _choose_listed(self) -> bool:
        """Take a list of classes with a score each; what says more of the answer than its class is taken as well."""
        asked = {path_of(one) for one in self.used}
        for place, values in sorted(self.nodes.items(), key=lambda one: len(one[0])):
            if place in self.used or path_of(place) in asked or self._below_input(place):
                continue
            if found := listed_scores(values, path_of(place)):
                for column, about in found.items():
                    self.columns.setdefault(column, about)
                self.used.add(place)
                return True
        return False

    def choose_class_columns(self) -> None:
        """Take columns that are called like the classes and hold the score of each."""
        answers = self._values_at(next(iter(self.columns["label"].path), ""))
        answers = answers if all(isinstance(one, str | int | None) for one in answers) else []
        if places := class_columns(self.nodes, self.used, answers):
            self.columns["scores"] = MapColumn(
                parts=tuple(map(path_of, places)), classes=tuple(one[-1] for one in places)
            )
            self.used |= set(places)
        elif (share := class_share(self.nodes, self.used, answers)) is not None:
            self.take("scores", share)

    def choose_called_after(self) -> None:
        """Take a column and the share that is called after it, such as `route` and `route_probability`."""
        for column, place in put_out(self.nodes, self.used).items():
            if column not in self.columns:
                self.take(column, place)
        label, scores = self._place_of("label"), self._place_of("scores")
        free = {place: values for place, values in self.nodes.items() if not self._below_input(place)}
        if "scores" in self.columns:
            if scores and "label" not in self.columns and (answer := answer_of_score(free, self.used, scores)):
                self.take("label", answer)
        elif ("label" not in self.columns or label is not None) and (
            pair := called_after(free, self.used, label) or (None if label else banded(free, self.used))
        ) is not None:
            for column, place in zip(("label", "scores"), pair, strict=True):
                self.columns.setdefault(column, MapColumn(path=(path_of(place),)))
            self.used |= set(pair)

    def take_said_class(self) -> None:
        """Take the class that a language model named for the answer, where it sorts texts and does not talk."""
        for place, values in self.nodes.items() if "label" not in self.columns else ():
            lists = [value for value in values if isinstance(value, list)]
            if place in self.used or len(lists) < len(values) or self._below_input(place):
                continue
            if (step := said_class(lists)) is not None:
                self.columns["label"] = MapColumn(path=(f"{path_of(place)}{step}",))
                self.used.add(place)
                return

    def take_lone_answer(self) -> None:
        """Take the only field that nothing explains for the answer, or its score, where all that was asked is known."""
        asked = bool(self.features) or bool({"input", "input_raw"} & set(self.columns))
        if self.is_flat or self.bodies or not asked or "scores" in self.columns:
            return
        label = self._place_of("label")
        if "label" in self.columns and label is None:
            return
        left = unexplained(self.nodes, self.used, self.nodes[label] if label else ())
        if len(left) == 1:
            self.take("scores", left[0])
            self._take_parted_beside(left[0])
            self.assumed.append(
                f"{path_of(left[0])} is taken for what was answered, as nothing else says: if it is not, "
                "write the map with caponier map guess LOG --out FILE, correct it, and give it with --map FILE"
            )

    def _take_parted_beside(self, score: Place) -> None:
        """Take the class next to a score that limits of it decide, such as the state of a machine."""
        order, shares = list(self.nodes), self.nodes[score]
        for place in order[max(0, order.index(score) - 1) : order.index(score) + 2]:
            free = place not in self.used and place[:-1] == score[:-1]
            if "label" not in self.columns and free and _are_decided(self.nodes[place], shares):
                self.take("label", place)

    def take_told_answer(self) -> None:
        """Take a category for the answer that is one by what it says: a column beside features is no feature then.

        It is the class of the highest score in every row; or it stands beside the only score, which is never below what
        the best of as many classes has at least.
        """
        about = self.columns.get("scores")
        if not self.is_flat and (score := self._place_of("scores")) is not None:
            self._take_parted_beside(score)
        if about is None or "label" in self.columns or (about.path and "[" in about.path[0]):
            return
        kinds = {one.path or escaped(one.name): one for one in self.features if one.kind == "category"}
        held = {place: values for place, values in self.nodes.items() if path_of(place) in kinds}
        scores = self._score_lists(about)
        place = told_by_shares(held.items(), scores)
        if place is None and about.path:
            order = [path_of(one) for one in self.nodes]
            at = order.index(about.path[0]) if about.path[0] in order else -9
            near = (at - 1, at + 1)
            amounts = self._values_at(about.path[0])
            beside = [one for one in held if order.index(path_of(one)) in near and is_decided(held[one], amounts)]
            if len(beside) == 1:
                place = beside[0]
        if place is not None:
            self.features.remove(kinds[path_of(place)])
        elif about.path:
            # The class beside a list of scores, whatever its name.
            score = self._place_of("scores")
            beside = [one for one in self.nodes if score and one[:-1] == score[:-1] and one not in self.used]
            place = told_by_shares([(one, self.nodes[one]) for one in beside if are_classes(self.nodes[one])], scores)
        if place is not None:
            self.take("label", place)

    def _score_lists(self, about: MapColumn) -> list[Any]:
        if about.parts:
            return [list(map(sample_number, one)) for one in zip(*map(self._values_at, about.parts), strict=False)]
        values = self._values_at(about.path[0]) if about.path else []
        if about.classes:
            return [[sample_number(one.get(name)) for name in about.classes] for one in values if isinstance(one, dict)]
        return [list(map(sample_number, one)) for one in values if isinstance(one, list)]

    def unroll(self, asked: list[Any]) -> None:
        """Where a row asks about several examples, its answers are lists, too."""
        for column in ("label", "scores"):
            # None where another field that holds lists has unrolled it before.
            if (place := self._place_of(column)) is not None and as_long(asked, values := self.nodes[place]):
                about = self.columns[column]
                is_amount = column == "label" and is_continuous([one for held in values for one in held or ()])
                if is_amount and "scores" not in self.columns:
                    del self.columns[column]
                    column = "scores"
                self.columns[column] = MapColumn(path=(f"{about.path[0]}[]",), classes=about.classes)
        for place, values in self.nodes.items():
            is_answer = any(ANSWERS.fullmatch(normal(step)) for step in place)
            if place not in self.used and as_long(asked, values) and (is_answer or _is_no_part(values, asked)):
                items = [one for value in values if isinstance(value, list) for one in value]
                where = path_of(place)
                found = answers_of_each(items, where) or plain_answers(items, where)
                if not {"label", "scores"} <= found.keys():
                    found = answers_by_shape(items, where) | found
                if found:
                    self.columns = found | self.columns
                    self.used.add(place)

    def asks_several(self, place: Place, values: list[Any]) -> bool:
        """Tell whether lists of lists hold an example each, and are no picture: they differ in their length."""
        told = (*ALIASES["label"], *ALIASES["scores"])
        answers = [self.nodes[one] for one in self.used | set(self.nodes) if normal(one[-1]) in told]
        return (
            normal(place[-1]) in SEVERAL
            or len({len(value) for value in values}) > 1
            or any(as_long(values, those) for those in answers)
            or all(len(value) == 1 for value in values)
        )

    def leave_out_lists(self) -> None:
        """Leave out answers of several examples in one row, where what was asked about them is not found.

        One label that is a list of labels would be read as an answer that nobody gave.
        """
        for column in ("label", "scores"):
            place = self._place_of(column)
            if place is None or any("[]" in path for path in self.columns[column].path):
                continue
            lists = [one for one in self.nodes[place] if isinstance(one, list)]
            # Scores that are sometimes cut off are still those of one example.
            lengths = Counter(len(one) for one in lists if one)
            differ = len(lengths) > 1 and (column == "label" or 2 * max(lengths.values()) <= lengths.total())
            if len(lists) >= NEARLY * len(self.nodes[place]) and differ:
                del self.columns[column]
                self.has_lists = True
                self.assumed.append(
                    f"{path_of(place)} answers several examples in each row, and no list is found that asks about "
                    f"them: it is not read as {column}"
                )

    def _below_input(self, place: Place) -> bool:
        raise NotImplementedError
