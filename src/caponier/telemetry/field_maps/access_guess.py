"""What a log says of calls over HTTP: which path was called, and whether it says anything of an answer."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from caponier.records.event import UNKNOWN
from caponier.records.field_map import MapColumn
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.places import USUAL, Nodes, Place, path_of
from caponier.telemetry.field_maps.value_kinds import nearly
from caponier.telemetry.readers.field_names import CALLED, OPERATIONS, SCORE_PARTS, TOLD_BY_PATH, normal

MODEL_IN_PATH: Final = re.compile(r"/(?:models|predictions|explanations|endpoints|invocations)/([\w.~%-]{1,200})")
"""Where KServe, TensorFlow Serving, Triton, TorchServe and SageMaker have it."""
MOST_MODELS: Final = 100
"""Names in a sample; whoever calls may ask for models that nobody has."""
_ENDPOINT: Final = re.compile(r"[A-Za-z][\w.-]{0,199}")
_FUNCTION: Final = re.compile(r"predict|score|infer|classify|invo[ck]")
REQUEST_LINE: Final = re.compile(r"[A-Z]{3,10} \S+ HTTP/\d")


@dataclass(kw_only=True)
class AccessGuess:
    """Columns that were chosen, and what is known of calls beside them."""

    nodes: Nodes
    columns: dict[str, MapColumn] = field(default_factory=dict)
    used: set[Place] = field(default_factory=set)

    def take(self, column: str, place: Place, **about: Any) -> None:
        """Take a field for a column."""
        self.columns[column] = MapColumn(path=(path_of(place),), **about)
        self.used.add(place)

    def take_operation(self) -> bool:
        """Take what was asked for from the paths that were called, where they are of several kinds."""
        place = self.called()
        if place is None or self.are_calls(place):
            return False
        kinds = {OPERATIONS.get(found[1]) if (found := TOLD_BY_PATH.search(one)) else None for one in self.nodes[place]}
        if len(kinds) < 2:
            return False
        self.take("operation", place, take=TOLD_BY_PATH.pattern, values=OPERATIONS, otherwise="predict")
        return True

    def take_model(self, model: str) -> bool:
        """Take the model's name from the paths that were called, where a protocol has it in them.

        Args:
            model: What it is called where a path says nothing.
        """
        places = [place for place in self.nodes if normal(place[-1]) in CALLED or self.are_calls(place)]
        for place in places:
            names = [MODEL_IN_PATH.search(one) if isinstance(one, str) else None for one in self.nodes[place]]
            told = {found[1] for found in names if found}
            if 0 < len(told) <= MOST_MODELS and nearly(found is not None for found in names):
                self.columns["model"] = MapColumn(path=(path_of(place),), take=MODEL_IN_PATH.pattern, otherwise=model)
                return True
        return self._take_endpoint(places)

    def _take_endpoint(self, places: list[Place]) -> bool:
        """Take the names of endpoints, as clouds call what serves a model, where they are no paths and no functions."""
        for place in places:
            names = {str(one) for one in self.nodes[place]}
            is_function = any(one in OPERATIONS or _FUNCTION.match(one) for one in names)
            is_named = normal(place[-1]) == "endpoint" and all(_ENDPOINT.fullmatch(one) for one in names)
            if is_named and not is_function and len(names) <= MOST_MODELS and 2 * len(names) < len(self.nodes[place]):
                self.take("model", place)
                return True
        return False

    def take_answers_of_no_model(self) -> None:
        """Let lines that have the id of a request and name no model be read, where many do: the answers to others."""
        about = self.columns.get("model")
        if about is None or len(about.path) != 1 or about.otherwise is not None or "request_id" not in self.columns:
            return
        named = sum(
            not is_missing(one) for place in self.nodes if path_of(place) == about.path[0] for one in self.nodes[place]
        )
        with_id = [
            len(values) for place, values in self.nodes.items() if path_of(place) == self.columns["request_id"].path[0]
        ]
        if with_id and 0 < named <= (1 - USUAL) * with_id[0]:
            self.columns["model"] = about.model_copy(update={"otherwise": UNKNOWN})

    def called(self) -> Place | None:
        """Return where a log has what was called: a path, or the first line of a request."""
        found = (place for place in self.nodes if place not in self.used)
        return next((one for one in found if normal(one[-1]) in CALLED and self.are_texts(one)), None) or next(
            (one for one in self.nodes if one not in self.used and self.are_calls(one)), None
        )

    def are_texts(self, place: Place) -> bool:
        """Tell whether a field holds texts alone."""
        return all(isinstance(one, str) for one in self.nodes[place])

    def are_calls(self, place: Place) -> bool:
        """Tell whether a field holds first lines of requests over HTTP."""
        values = self.nodes[place]
        return normal(place[-1]) == "request" and nearly(
            isinstance(one, str) and REQUEST_LINE.match(one) is not None for one in values
        )

    def is_of_call(self, place: Place) -> bool:
        """Tell whether a field is a part of a call over HTTP, whatever its name could mean elsewhere."""
        return self.are_calls(place) or (normal(place[-1]) == "query" and self.is_access())

    def is_access(self, *, of_nobody: bool = False) -> bool:
        """Tell whether a log says who called what and how it went, and nothing of an answer.

        Args:
            of_nobody: Whether one counts, too, that says by ids or programs alone who called.
        """
        has = set(self.columns)
        return (
            self.called() is not None
            and "status" in has
            and bool({"source_ip", "principal", *(("request_id", "user_agent") if of_nobody else ())} & has)
            and not ({"label", "scores"} & has)
            and len(self.score_parts()) < 2
        )

    def is_of_calls(self) -> bool:
        """Tell whether a log says who asked which model and how that went, and nothing of what was asked."""
        went = {"status", "latency_ms"} & set(self.columns)
        who = {"principal", "source_ip", "request_id"} & set(self.columns)
        return "model" in self.columns and bool(who) and (bool(went) or self.called() is not None)

    def is_access_log(self) -> bool:
        """Tell whether a log is an access log, and take model and operation from what was called."""
        called = self.called()
        if called is None or not self.is_access(of_nobody=True):
            return False
        from caponier.telemetry.field_maps.shipped import ACCESS_LOG, find_map

        known = find_map(ACCESS_LOG).columns
        for column in ("model", "operation"):
            about = known[column].model_copy(update={"path": (path_of(called),)})
            if self.are_calls(called) and about.take and about.take.startswith("^"):
                about = about.model_copy(update={"take": f"^[A-Z]+ {about.take[1:]}"})
            self.columns.setdefault(column, about)
        self.used.add(called)
        return True

    def score_parts(self) -> list[Place]:
        """Return the columns that hold the score of a class each."""
        return [place for place in self.nodes if place not in self.used and SCORE_PARTS.fullmatch(normal(place[-1]))]
