"""Which field map a log is read with: the one that was named, one that knows it, or one that its rows suggest."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from caponier.records.event import REQUIRED
from caponier.records.field_map import FieldMap, MapColumn, MapFeature
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.chunk import Chunk, Row
from caponier.telemetry.field_maps.best_guess import guess
from caponier.telemetry.field_maps.callers import named_in_bodies
from caponier.telemetry.field_maps.guess import SAMPLE, GuessedMap
from caponier.telemetry.field_maps.mapped_rows import MappedRows
from caponier.telemetry.field_maps.paths import Records, escaped, plain_values, steps_of
from caponier.telemetry.field_maps.shapes.opened_rows import opened_rows
from caponier.telemetry.field_maps.value_kinds import features_at
from caponier.telemetry.field_maps.words import understood
from caponier.telemetry.joining.whether import CALLERS
from caponier.telemetry.raw_inputs import SpecOf
from caponier.telemetry.readers.json_columns import WantedColumns
from caponier.telemetry.rejections import RejectedRows

MODEL: Final = "model"
"""What a model is called of which no log and no map says the name."""
NO_MAP: Final = "no field map can be guessed"
"""What is said of a log that neither is of events nor shows how it could be read as some."""
NOBODY: Final = "no field is known to say who asked: all callers count as one"
_MOST_BYTES: Final = 32 * 2**20
"""Of a log of large rows fewer have to do."""
_MOST_LINES: Final = 20_000
"""As many lines are looked at for rows."""
_RARE: Final = 16
"""Rows that a sample has besides, at most, for the fields that only they have."""
_BODIES: Final = 20
"""Bodies that are looked at."""
_ENOUGH: Final = 0.9
"""Share of a sample in which the fields stand by which a map knows its log."""


@dataclass(frozen=True)
class MapChoice:
    """What is said of how logs are to be mapped."""

    named: FieldMap | None = None
    known: Sequence[FieldMap] = ()
    """Maps that are used where they know a log."""
    model: str = MODEL
    guessing: bool = True
    salt: bytes = field(default=b"", repr=False)
    spec_of: SpecOf | None = None
    """What a model takes: columns that come by name are put into its order."""


UNSAID: Final = MapChoice()


def mapped(
    chunks: Iterator[Chunk], choice: MapChoice, report: RejectedRows, source: str, wanted: WantedColumns | None = None
) -> Iterator[Chunk]:
    """Read a log that is not in the event schema by a map; one that is passes unchanged.

    Args:
        chunks: Of rows or record batches.
        choice: What is said of it.
        report: Told how the log was understood, or which fields were seen in it.
        source: The log, for what is said of it.
        wanted: Told which fields the map takes, so that the others need not be read.
    """
    held, rows = _peeked(chunks)
    whole = chain(held, chunks)
    if choice.named is None and (not rows or is_native(rows)):
        return whole
    chosen = choice.named or known_map(rows, choice.known) or _of_a_sister(rows, report)
    remarks: Sequence[str] = ()
    if chosen is None:
        found = guess(rows, choice.model)
        if not (choice.guessing and found.clear and found.map):
            report.see(source, found.seen)
            _tell_doubts(report, source, found)
            return whole
        chosen, remarks = found.map, found.remarks
        report.guessed.append(chosen)
    elif choice.named is None and not chosen.line and not _says_who(chosen, rows):
        chosen, remarks = _claimed(chosen, rows)
    as_logged = rows
    rows = opened_rows(rows, chosen.record, chosen.opened)
    chosen = _named(chosen, choice, rows)
    fitted = _fitted(chosen, choice, rows, report, source)
    reading = MappedRows(fitted, choice.salt, choice.model, choice.spec_of, report.tables)
    report.see(source, sorted({str(name) for row in as_logged[:100] for name in row}))
    if choice.named is None:
        report.tell(f"{source}: read as {understood(chosen, remarks)}")
    report.learn(reading.spec or _texts(chosen, rows))
    for model, spec in reading.specs.items():
        report.learn(spec, model)
    if wanted is not None and rows:
        wanted.schema = reading.schema(Records(as_logged))
    return reading.read(whole)


def _says_who(chosen: FieldMap, rows: Sequence[Row]) -> bool:
    records = Records(rows)
    paths = (path for name in CALLERS if name in chosen.columns for path in chosen.columns[name].path)
    return any(_share(records.values(steps_of(path.replace("[]", "[0]")))) > 0 for path in paths)


def _claimed(chosen: FieldMap, rows: Sequence[Row]) -> tuple[FieldMap, Sequence[str]]:
    """Take who is named in what was sent as a session, where a log that a map knows says nowhere else who asked."""
    raw = chosen.columns.get("input_raw")
    path = chosen.request or (raw.path[0] if raw is not None and len(raw.path) == 1 else None)
    if path is None:
        return chosen, ()
    if (who := named_in_bodies(rows, path)) is None:
        return chosen, (NOBODY,)
    return chosen.model_copy(update={"columns": chosen.columns | {"session": MapColumn(path=(who,), secret=True)}}), ()


def _named(chosen: FieldMap, choice: MapChoice, rows: Sequence[Row]) -> FieldMap:
    """Take the features from the log where a map knows where rows by name stand, and nobody what is in them."""
    raw = chosen.columns.get("input_raw")
    if raw is None or len(raw.path) != 1 or chosen.features or choice.named is not None:
        return chosen
    if choice.spec_of is not None and choice.spec_of(_model_of(chosen, choice, rows)) is not None:
        return chosen
    features = features_at(rows, raw.path[0])
    if (who := chosen.columns.get("session")) is not None:
        features = tuple(one for one in features if (one.path or "").replace("[]", "[0]") not in who.path)
    return chosen.model_copy(update={"features": features}) if features else chosen


def _texts(chosen: FieldMap, rows: Sequence[Row]) -> FeatureSpec | None:
    """Tell that a model takes texts, where texts are what it was asked."""
    raw = chosen.columns.get("input_raw")
    if raw is None or len(raw.path) != 1 or "[]" in raw.path[0]:
        return None
    held = [value for value in Records(rows).values(steps_of(raw.path[0])) if value is not None]
    are_texts = bool(held) and all(isinstance(value, str) and value.lstrip()[:1] not in ("{", "[") for value in held)
    return FeatureSpec(kind="text") if are_texts else None


def _fitted(chosen: FieldMap, choice: MapChoice, rows: Sequence[Row], report: RejectedRows, source: str) -> FieldMap:
    """Put the features of a map into the order of the model's columns, where both have names."""
    if choice.spec_of is None or not chosen.features:
        return chosen
    if chosen.models:
        spec_of = choice.spec_of
        each = {name: _in_order(those, spec_of(name), report, source) for name, those in chosen.models.items()}
        return chosen.model_copy(update={"models": each})
    takes = choice.spec_of(_model_of(chosen, choice, rows))
    return chosen.model_copy(update={"features": _in_order(chosen.features, takes, report, source)})


def _in_order(
    features: tuple[MapFeature, ...], takes: FeatureSpec | None, report: RejectedRows, source: str
) -> tuple[MapFeature, ...]:
    known = {column.name: place for place, column in enumerate(takes.columns)} if takes else {}
    if takes is None or not known:
        return features
    there = {feature.name: feature for feature in features}
    if not known.keys() & there.keys():
        report.tell(f"{source}: none of its columns is one of the model's ({', '.join(list(known)[:5])} …)")
        return features
    if list(there) == list(known):
        return features
    if missing := [name for name in known if name not in there]:
        report.tell(f"{source}: columns that the model takes and nobody logged: {', '.join(missing[:10])}")
    if extra := [name for name in there if name not in known]:
        report.tell(f"{source}: columns that the model does not take are left out: {', '.join(extra[:10])}")
    places = set(takes.categories or range(len(known))) if takes.kind == "categorical" else set()
    kinds = {name: "category" if place in places else "number" for name, place in known.items()}
    return tuple((there.get(name) or MapFeature(name=name)).model_copy(update={"kind": kinds[name]}) for name in known)


def _model_of(chosen: FieldMap, choice: MapChoice, rows: Sequence[Row]) -> str:
    """Return which model a log is about; the most frequent one, where it names several."""
    about = chosen.columns.get("model")
    if about is None or not about.path or "[]" in about.path[0]:
        return str(chosen.constants.get("model", choice.model))
    names = Counter(str(name) for name in Records(rows).values(steps_of(about.path[0])) if name is not None)
    return names.most_common(1)[0][0] if names else choice.model


def _peeked(chunks: Iterator[Chunk]) -> tuple[list[Chunk], list[Row]]:
    """Return the first chunks, and as many rows as a choice rests on, however the log was cut into chunks."""
    held: list[Chunk] = []
    rows: list[Row] = []
    size = lines = 0
    for chunk in chunks:
        held.append(chunk)
        rows += sample_of(chunk, SAMPLE - len(rows))
        size += chunk.bytes_read
        lines += len(chunk.lines) + len(chunk.rejections)
        if len(rows) >= SAMPLE or size >= _MOST_BYTES or lines >= _MOST_LINES or is_native(rows):
            break
    return held, rows if is_native(rows) else _with_rare(held, rows)


def _with_rare(held: Sequence[Chunk], rows: list[Row]) -> list[Row]:
    """Put rows into a sample that have fields which none in it has: what callers send back comes once in a while.

    They are few, so that they decide nothing about the fields that all rows have.
    """
    known = {place for row in rows for place in _filled(row)}
    rare: list[Row] = []
    for chunk in held:
        for row in chunk.rows:
            if len(rare) == _RARE:
                break
            if not known.issuperset(places := _filled(row)):
                known |= places
                rare.append(row)
    return [*rows[: SAMPLE - len(rare)], *rare]


def _filled(row: Row) -> set[tuple[str, str]]:
    """Return the fields of a row that hold something, those of objects in it too."""
    held = {(str(key), ""): value for key, value in row.items() if value is not None and value != ""}
    inner = {(key, str(name)) for (key, _), value in held.items() if isinstance(value, dict) for name in value}
    return held.keys() | inner


def _tell_doubts(report: RejectedRows, source: str, found: GuessedMap) -> None:
    report.tell(f"{source}: {NO_MAP}: {'; '.join(found.doubts)}")


def is_native(rows: Sequence[Row]) -> bool:
    """Tell whether rows are in the event schema, or mean to be."""
    return any(all(row.get(name) is not None for name in REQUIRED) for row in rows)


def known_map(rows: Sequence[Row], maps: Sequence[FieldMap]) -> FieldMap | None:
    """Return the first map whose fields stand in nearly all of the rows."""
    records = Records(rows)
    for one in maps:
        places = [steps_of(path) for path in one.when]
        if places and all(_share(records.values(steps)) >= _ENOUGH for steps in places) and _says(records, one):
            return one
    return None


def _says(records: Records, one: FieldMap) -> bool:
    """Tell whether in its fields there stands what a map says."""
    return all(
        sum(value in said for value in records.values(steps_of(path))) >= _ENOUGH * records.count
        for path, said in one.says.items()
    )


def _of_a_sister(rows: Sequence[Row], report: RejectedRows) -> FieldMap | None:
    """Return the map that was guessed for an earlier log of the same run, where this one has its fields, too.

    A category that is rare, or a column of which nothing is there on one day, must not make another table of it.
    """
    for one in report.guessed:
        records = Records(rows, one.record, one.opened)
        time, *_ = (*one.columns["time"].path, *one.columns["time"].parts)
        inputs = [feature.path or escaped(feature.name) for feature in one.features]
        inputs += [
            path for name in ("input", "input_raw") if name in one.columns for path in one.columns[name].path[:1]
        ]
        if (whole := one.request or one.response) and not _are_bodies(records, whole, asked=one.request is not None):
            continue
        inputs += [whole] if whole else []
        # Of a log that says nothing of what was asked, all fields have to be there: others have its ids, too.
        inputs = inputs or [path for about in one.columns.values() for path in about.path[:1]]
        there = [_share(records.values(steps_of(path.replace("[]", "[0]")))) > 0 for path in inputs]
        if _share(records.values(steps_of(time))) >= _ENOUGH and sum(there) >= _ENOUGH * len(there):
            return one
    return None


def _are_bodies(records: Records, path: str, *, asked: bool) -> bool:
    """Tell whether requests stand at a path, or answers: a log of the one and a log of the other may look alike."""
    from caponier.telemetry.field_maps.logged_bodies import is_answer, is_request

    held = [value for value in records.values(steps_of(path)) if value is not None]
    return bool(held) and any(map(is_request if asked else is_answer, held[:_BODIES]))


def _share(values: list[object]) -> float:
    return sum(value is not None for value in values) / max(1, len(values))


def sample_of(chunk: Chunk, rows: int = SAMPLE) -> list[Row]:
    """Return the first rows of a chunk."""
    if chunk.batch is not None:
        part = chunk.batch.slice(0, rows)
        columns = {name: plain_values(part.column(name)) for name in part.schema.names}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return chunk.rows[:rows]
