"""Rows of a log in another form to columns of the event schema, as a field map says, a column at a time."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import numpy as np
import orjson
import pyarrow as pa

from caponier.errors import InputError
from caponier.records.event import EVENT_SCHEMA
from caponier.records.field_map import Constant, FieldMap, MapColumn, MapFeature
from caponier.records.inventory import FeatureColumn, FeatureSpec
from caponier.telemetry.chunk import Chunk
from caponier.telemetry.column_layouts import STRANGE, ColumnLayouts, SeenTables
from caponier.telemetry.conversion import cast
from caponier.telemetry.field_maps.logged_bodies import LoggedExchange, exchange_of
from caponier.telemetry.field_maps.named_features import NamedFeatures, Problems, is_hidden, numbers_in
from caponier.telemetry.field_maps.paths import EACH, Records, Steps, escaped, stepped, steps_of
from caponier.telemetry.field_maps.times import RFC3339, UNITS, times_of, zone_of
from caponier.telemetry.framing.amounts import THOUSANDS, as_number, milliseconds_of, number_of
from caponier.telemetry.framing.written_values import loaded
from caponier.telemetry.principals import principal_of
from caponier.telemetry.raw_inputs import SpecOf
from caponier.telemetry.readers.json_columns import schema_of
from caponier.telemetry.rejections import Rejection

KNOWN_NAMES: Final = 100_000
"""Hashes of credentials that are kept, as a log has few callers and many rows."""
LONGEST: Final = 16_384
"""Letters of a text in which a pattern looks."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
ASKED: Final = frozenset(("input", "input_raw", "label", "scores"))
"""What the record of a prediction has."""
_TOLD: Final = (*ASKED, "principal", "session", "source_ip", "status", "feedback", "cost", "latency_ms")
"""What a record has of somebody who asked; a line of the same log without any of it is about something else."""
_TEXTS: Final = frozenset(
    [
        "event_id",
        "request_id",
        "system",
        "model",
        "model_version",
        "principal",
        "session",
        "source_ip",
        "operation",
        "label",
        "feedback",
        "user_agent",
        "input_digest",
    ]
)
_NUMBERS: Final = frozenset(("latency_ms", "cost", "status"))

Values: TypeAlias = Any
"""(n,) a list, or an Arrow array of the type of the schema."""


@dataclass
class _Unrolled:
    """Which row each record comes from, and the lists that were unrolled."""

    owners: list[int] | None
    """None where each row is one record."""
    lists: dict[Steps, list[Any]] = field(default_factory=dict)
    """Values of the records, by the path before `[]`."""
    asked: dict[str, list[Any]] = field(default_factory=dict)
    """Columns of the records that bodies of requests and responses hold."""


class MappedRows:
    """Reads chunks by one field map.

    Args:
        field_map: The map.
        salt: Salt for what is secret.
        model: What the model is called where the map does not say.
        spec_of: What a model takes, for bodies whose columns come by name.
        tables: Told of the tables in bodies.

    Raises:
        InputError: If a path, a zone or a pattern of the map cannot be meant.
    """

    def __init__(
        self,
        field_map: FieldMap,
        salt: bytes,
        model: str,
        spec_of: SpecOf | None = None,
        tables: SeenTables | None = None,
    ) -> None:
        self.map, self._salt = field_map, salt
        self._tables = tables if tables is not None else SeenTables()
        self._spec_of: SpecOf = spec_of or (lambda _: None)
        self._layouts = ColumnLayouts()
        self._names: dict[str, str | None] = {}
        self._paths = {name: [steps_of(path) for path in about.path] for name, about in field_map.columns.items()}
        self._parts = {name: [steps_of(path) for path in about.parts] for name, about in field_map.columns.items()}
        self._extra = {path: steps_of(path) for path in field_map.extra}
        self._features = _named(field_map.features, field_map.decimal)
        self._of_model = {name: _named(features, field_map.decimal) for name, features in field_map.models.items()}
        every = [*self._features.places, *self._extra.values()]
        every += [steps for features in self._of_model.values() for steps in features.places]
        every += [steps for part in (self._paths, self._parts) for those in part.values() for steps in those]
        self._patterns = {name: _pattern(about.take) for name, about in field_map.columns.items() if about.take}
        self._request = steps_of(field_map.request) if field_map.request else None
        self._response = steps_of(field_map.response) if field_map.response else None
        self._every = every
        self._lists = list(dict.fromkeys(steps[: steps.index(EACH)] for steps in every if EACH in steps))
        self._constants: dict[str, Constant] = {"operation": "predict", "model": model, **field_map.constants}
        self._asks = field_map.features or field_map.request or not ASKED.isdisjoint(field_map.columns)
        self._is_secret = any(about.secret for about in field_map.columns.values())
        _check_time(field_map.columns["time"])
        self._texts = Records((), field_map.record, field_map.opened).texts

    @property
    def spec(self) -> FeatureSpec | None:
        """What the model takes, as far as the map names it."""
        return None if self.map.models else _spec(self.map.features)

    @property
    def specs(self) -> dict[str, FeatureSpec]:
        """What each of several models takes, as far as the map names it."""
        told = {name: _spec(features) for name, features in self.map.models.items()}
        return {name: spec for name, spec in told.items() if spec is not None}

    def schema(self, sample: Records) -> pa.Schema | None:
        """Return the fields that the map takes, and their types, where a sample tells; None where it does not.

        Args:
            sample: Rows as they are logged, with nothing opened.
        """
        every = dict.fromkeys(self._logged(steps) for steps in self._every)
        if self._request or self.map.record or any(step[0] != "key" for steps in every for step in steps):
            return None
        scores = self.map.columns.get("scores")
        samples: dict[tuple[str, ...], list[Any]] = {}
        for steps in every:
            values = sample.values(steps)
            keys = tuple(step[1] for step in steps)
            if scores is not None and scores.classes and steps in self._paths["scores"] and steps not in self._texts:
                inner = {(*keys, name): stepped(values, ("key", name)) for name in scores.classes}
                samples |= inner
            else:
                samples[keys] = values
        return schema_of(samples)

    def _logged(self, steps: Steps) -> Steps:
        """Return a path as far as the log has it: to the text that it goes on into."""
        return next((text for text in self._texts if steps[: len(text)] == text), steps)

    def read(self, chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        """Turn chunks of rows into chunks of columns."""
        for chunk in chunks:
            yield self._read(chunk)

    def _read(self, chunk: Chunk) -> Chunk:
        rows = chunk.rows if chunk.batch is None else chunk.batch
        records = Records(rows, self.map.record, self.map.opened)
        rejections = chunk.rejections
        if self._is_secret:
            rejections = [Rejection(one.file, one.line, one.reason) for one in rejections]
        out = Chunk(native=False, rejections=list(rejections), bytes_read=chunk.bytes_read)
        unrolled = self._unrolled(records, chunk.lines, out)
        owners = unrolled.owners
        out.lines = chunk.lines if owners is None else [chunk.lines[owner] for owner in owners]
        find = _Finder(records, unrolled)
        n = len(out.lines)
        values: dict[str, Values] = {name: [given] * n for name, given in self._constants.items()}
        values |= unrolled.asked
        for name, about in self.map.columns.items():
            values[name] = self._column(name, about, find, out)
        if self.map.features:
            values["input"], problems = self._inputs(_names(values["model"]), find)
            out.rejections += [Rejection("", out.lines[place], reason) for place, reason in problems]
        if self._extra:
            held = {path: find(steps) for path, steps in self._extra.items()}
            values["extra"] = [_object({path: those[at] for path, those in held.items()}) for at in range(n)]
        _label_by_scores(values, self.map.columns.get("scores"))
        if "model" in self.map.columns and "request_id" in values:
            values["model"] = _models(values, self._constants["model"])
        told = self.map.columns.get("operation")
        if self._asks and (told.otherwise if told else self.map.constants.get("operation")) == "predict":
            values["operation"] = _operations(values, n)
        out.values = values
        return out

    def _inputs(self, models: list[Any], find: "_Finder") -> tuple[pa.Array, Problems]:
        """Return the inputs of n records: where several models take different features, each row its model's."""
        kinds = set(models) if self._of_model else set()
        if not kinds & self._of_model.keys():
            return self._features.of([find.column(steps) for steps in self._features.places])
        found, order, problems = [], [], []
        for model in [*sorted(kinds & self._of_model.keys()), None]:
            own = [at for at, one in enumerate(models) if (one if one in self._of_model else None) == model]
            features = self._of_model[model] if model is not None else self._features
            if own:
                inputs, wrong = features.of([_chosen(find.column(steps), own) for steps in features.places])
                found.append(inputs)
                order += own
                problems += [(own[place], reason) for place, reason in wrong]
        return pa.concat_arrays(found).take(pa.array(np.argsort(order))), sorted(problems)

    def _unrolled(self, records: Records, lines: list[int], out: Chunk) -> _Unrolled:
        if self._request is not None or self._response is not None:
            return self._opened(records, self._request, lines, out)
        if not self._lists:
            return _Unrolled(None)
        lists = {steps: [_list(value) for value in records.values(steps)] for steps in self._lists}
        counts = []
        for row, sizes in enumerate(zip(*([len(one or ()) for one in those] for those in lists.values()), strict=True)):
            told = set(sizes) - {0}
            if len(told) > 1:
                # The model was asked all the same: the request stays as an event of its caller, with nothing to see.
                out.rejections.append(Rejection("", lines[row], f"lists of different lengths: {sorted(told)}"))
            counts.append(max(told) if len(told) == 1 else 0)
        owners = np.repeat(np.arange(records.count), np.maximum(counts, 1)).tolist()
        return _Unrolled(
            owners,
            {
                steps: [
                    one
                    for value, count in zip(those, counts, strict=True)
                    for one in (value if value and count else [None] * max(count, 1))
                ]
                for steps, those in lists.items()
            },
        )

    def _opened(self, records: Records, request: Steps | None, lines: list[int], out: Chunk) -> _Unrolled:
        """Make a record of each example in the bodies."""
        responses = records.values(self._response) if self._response else [None] * records.count
        owners: list[int] = []
        asked: dict[str, list[Any]] = {name: [] for name in ("input", "input_raw", "input_shape", "label", "scores")}
        about = self._paths.get("model")
        models = records.values(about[0]) if about else [self._constants["model"]] * records.count
        requests = records.values(request) if request else [None] * records.count
        for row, (body, said, model) in enumerate(zip(requests, responses, models, strict=True)):
            held = exchange_of(body, said, self._spec_of(str(model)))
            if not self._layouts.is_usual(str(model), held.names):
                held = LoggedExchange(problem=f"request: {STRANGE}")
            self._tables.see(str(model), held.names, held.texts)
            if held.problem is not None:
                out.rejections.append(Rejection("", lines[row], f"body cannot be read: {held.problem}"[:200]))
            n = held.count
            owners += [row] * n
            asked["input"] += held.inputs or [None] * n
            asked["input_raw"] += held.raw or [None] * n
            asked["input_shape"] += [held.shape] * n
            asked["label"] += held.labels or [None] * n
            asked["scores"] += held.scores or [None] * n
        return _Unrolled(
            owners, asked={name: those for name, those in asked.items() if set(map(type, those)) != {type(None)}}
        )

    def _column(self, name: str, about: MapColumn, find: "_Finder", out: Chunk) -> Values:
        if (held := self._direct(name, about, find)) is not None:
            return held
        if about.parts:
            found: list[Any] = [list(those) for those in zip(*map(find, self._parts[name]), strict=True)]
        else:
            first, *others = self._paths[name]
            found = find(first)
            for other in others:
                found = [b if a is None else a for a, b in zip(found, find(other), strict=True)]
        if about.take is not None:
            found = [_taken(value, self._patterns[name]) for value in found]
        if about.values:
            found = [about.values.get(_plain_text(value), value) for value in found]
        if about.otherwise is not None:
            found = [about.otherwise if value is None else value for value in found]
        if about.secret:
            return [self._hashed(value) for value in found]
        if name == "time":
            if about.parts:
                found = [" ".join(map(str, one)) if None not in one else None for one in found]
            times, wrong = times_of(found, about.format, about.zone)
            reason = f"time cannot be read: expected {about.format or 'RFC 3339 or a number since 1970'}, found "
            out.faults |= {place: f"{reason}{str(found[place])[:40]!r}" for place in wrong}
            return times
        return self._shaped(name, about, found)

    def _direct(self, name: str, about: MapColumn, find: "_Finder") -> pa.Array | None:
        """Return a column without making an object of each of its values, where the log holds it as the schema does."""
        if about.parts or len(about.path) != 1 or about.take is not None or about.values or about.otherwise is not None:
            return None
        held = find.array(self._paths[name][0])
        if held is None:
            return None
        if pa.types.is_string(held.type) and name in _TEXTS:
            return self._hashed_all(held) if about.secret else held
        if name not in ("input", "scores") or about.secret or about.classes or not _holds_floats(held.type):
            return None
        if name == "scores" and not _is_whole(held):
            return None
        try:
            return cast(held, EVENT_SCHEMA.field(name).type)
        except pa.ArrowException:
            return None

    def _hashed_all(self, texts: pa.Array) -> pa.Array:
        encoded = texts.dictionary_encode()
        names = pa.array([self._hashed(one) for one in encoded.dictionary.to_pylist()], pa.string())
        return names.take(encoded.indices)

    def _shaped(self, name: str, about: MapColumn, found: list[Any]) -> list[Any]:
        decimal = self.map.decimal
        if name == "input":
            return [numbers_in(value, decimal) for value in found]
        if name == "scores":
            return [_scores(value, about.classes, decimal) for value in found]
        if name == "input_raw":
            return [value if value is None or isinstance(value, str) else _object(value) for value in found]
        if name in _TEXTS:
            return found if set(map(type, found)) <= {str, type(None)} else [_text(value) for value in found]
        if name in _NUMBERS and (about.scale is not None or str in set(map(type, found))):
            return [_number(value, about.scale or 1, decimal, name) for value in found]
        return found

    def _hashed(self, value: Any) -> str | None:
        text = _text(value)
        if text is None:
            return None
        if text not in self._names:
            if len(self._names) >= KNOWN_NAMES:
                self._names.clear()
            # No credential has a control character; a name that a caller chose may, and is one of its own.
            told = _CONTROL.sub("\ufffd", text)
            self._names[text] = None if is_hidden(text) else principal_of(told, self._salt)
        return self._names[text]


@dataclass
class _Finder:
    """Finds the values of the records at a path."""

    records: Records
    unrolled: _Unrolled
    _known: dict[Steps, list[Any]] = field(default_factory=dict)

    def __call__(self, steps: Steps) -> list[Any]:
        known = self._known.get(steps)
        if known is None:
            known = self._known[steps] = self._found(steps)
        return known

    def array(self, steps: Steps) -> pa.Array | None:
        """Return the values as Arrow holds them; None where it does not, or a row makes several records."""
        return self.records.array(steps) if self.unrolled.owners is None else None

    def column(self, steps: Steps) -> list[Any] | pa.Array:
        """Return the values as Arrow's where they are numbers that came so: no object is made of each."""
        held = self.array(steps)
        return self(steps) if held is None or not pa.types.is_floating(held.type) else held

    def _found(self, steps: Steps) -> list[Any]:
        owners = self.unrolled.owners
        if EACH in steps:
            before = steps.index(EACH)
            values = self.unrolled.lists[steps[:before]]
            for step in steps[before + 1 :]:
                values = stepped(values, step)
            return values
        values = self.records.values(steps)
        return values if owners is None else [values[owner] for owner in owners]


def _named(features: Sequence[MapFeature], decimal: str) -> NamedFeatures:
    return NamedFeatures(features, [steps_of(one.path or escaped(one.name)) for one in features], decimal)


def _spec(features: Sequence[MapFeature]) -> FeatureSpec | None:
    if not features:
        return None
    places = tuple(place for place, one in enumerate(features) if one.kind == "category")
    return FeatureSpec(
        kind="categorical" if places else "numeric",
        shape=(len(features),),
        categories=places,
        columns=tuple(FeatureColumn(name=one.name, unit=one.unit) for one in features),
    )


def _chosen(held: Values, places: list[int]) -> Values:
    return held.take(pa.array(places)) if isinstance(held, pa.Array) else [held[at] for at in places]


def _names(held: Values) -> list[Any]:
    return list(held.to_pylist() if isinstance(held, pa.Array) else held)


def _pattern(take: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(take)
    except re.error as wrong:
        raise InputError(f"the pattern {take!r} cannot be read: {wrong}") from wrong
    if pattern.groups != 1:
        raise InputError(
            f"the pattern {take!r} has {pattern.groups} groups", hint="Put what is meant in one: ^/([^/]+)"
        )
    return pattern


def _taken(value: Any, pattern: re.Pattern[str]) -> str | None:
    found = pattern.search(value[:LONGEST]) if isinstance(value, str) else None
    return found[1] if found else None


def _check_time(about: MapColumn) -> None:
    zone_of(about.zone)
    form = about.format
    if form is None or form in UNITS or form == RFC3339:
        return
    if "%" not in form:
        raise InputError(f"there is no form of a time {form!r}", hint=f"{', '.join((RFC3339, *UNITS))}, or a pattern")
    if "%z" not in form and about.zone is None:
        hint = "Say zone, such as UTC or Europe/Berlin: guessing one would shift this log against the others."
        raise InputError(f"times such as {form!r} name no zone", hint=hint)


def _list(value: Any) -> list[Any] | None:
    if isinstance(value, str) and value[:1] == "[":
        value = loaded(value)
    return value if isinstance(value, list) else None


def _plain_text(value: Any) -> str:
    return value if isinstance(value, str) else str(_text(value))


def _text(value: Any) -> str | None:
    """Return a name; one that stands alone in a list or an object is itself."""
    while isinstance(value, list | dict) and len(value) == 1:
        value = value[0] if isinstance(value, list) else next(iter(value.values()))
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value if isinstance(value, str) else _object(value) if isinstance(value, list | dict) else str(value)


def _number(value: Any, scale: float, decimal: str, column: str) -> Any:
    if isinstance(value, str):
        if column == "latency_ms" and (span := milliseconds_of(value, decimal)) is not None:
            return span
        number = number_of(value, decimal)
        if number is None:
            return value
        value = number
    if not isinstance(value, int | float):
        return value
    made = value * scale
    return int(made) if column == "status" and float(made).is_integer() else made


def _scores(value: Any, classes: tuple[str, ...], decimal: str) -> Any:
    if isinstance(value, dict) and classes:
        value = [value.get(name) for name in classes]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        value = [value]
    if isinstance(value, str) and decimal == "." and "." in value and THOUSANDS.fullmatch(value.strip()):
        value = [as_number(value)]
    held = numbers_in(value, decimal)
    # Scores of which one is missing, or no number, are no scores; the row is still an event of its caller.
    return held if held is not None and all(map(_is_score, held)) else None


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value - value == 0


def _operations(values: dict[str, Values], n: int) -> Values:
    """Tell the predictions of a log from its other lines, of which nobody can say more than when they were written."""
    told = np.zeros(n, bool)
    for name in _TOLD:
        held = values.get(name)
        if isinstance(held, pa.Array):
            told |= held.is_valid().to_numpy(zero_copy_only=False)
        elif held is not None:
            told |= np.fromiter((value is not None for value in held), bool, n)
        if told.all():
            return values["operation"]
    kinds = zip(values["operation"], told.tolist(), strict=True)
    return ["other" if kind == "predict" and not one else kind for kind, one in kinds]


def _models(values: dict[str, Values], model: Constant) -> Values:
    """Say of answers that stand apart from what was asked which model gave them: their other half will tell."""
    names = values["model"]
    if isinstance(names, pa.Array) and not names.null_count:
        return names
    said = [_names(values[name]) for name in ("label", "scores") if name in values]
    asked = [_names(values[name]) for name in ("input", "input_raw") if name in values]
    return [
        model
        if one is None and any(held[at] is not None for held in said) and all(x[at] is None for x in asked)
        else one
        for at, one in enumerate(_names(names))
    ]


def _holds_floats(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_floating(kind.value_type))


def _is_whole(lists: pa.Array) -> bool:
    """Tell whether every score is a number."""
    flat = lists.flatten()
    return flat.null_count == 0 and bool(np.isfinite(flat.to_numpy(zero_copy_only=False)).all())


def _label_by_scores(values: dict[str, Values], about: MapColumn | None) -> None:
    """Where no answer is logged, take the class of the highest score."""
    if about is None or "label" in values:
        return
    classes, held = about.classes, values["scores"]
    rows = held.to_pylist() if isinstance(held, pa.Array) else held
    values["label"] = [_best(scores, classes) for scores in rows]


def _best(scores: Any, classes: tuple[str, ...]) -> str | None:
    if not scores or len(scores) < 2:
        return None
    best = max(range(len(scores)), key=scores.__getitem__)
    return classes[best] if len(classes) == len(scores) else str(best)


def _object(value: Any) -> str | None:
    held = {name: one for name, one in value.items() if one is not None} if isinstance(value, dict) else value
    try:
        return orjson.dumps(held, option=orjson.OPT_SORT_KEYS, default=str).decode() if held else None
    except TypeError:
        return None
