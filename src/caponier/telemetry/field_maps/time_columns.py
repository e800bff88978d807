"""Which field of a log says when: one of those that hold times, or a day and a time of day beside each other."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise
from math import isfinite
from typing import Any, Final

from caponier.records.field_map import MapColumn
from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.places import READ, Nodes, Place, path_of
from caponier.telemetry.field_maps.time_forms import Ambiguous, time_form
from caponier.telemetry.field_maps.times import RFC3339, times_of
from caponier.telemetry.field_maps.value_kinds import are_spans, nearly
from caponier.telemetry.field_maps.words import FEW
from caponier.telemetry.framing.amounts import AROUND, MILLISECONDS, ONLY_COMMA, joined, sample_number
from caponier.telemetry.readers import other_languages
from caponier.telemetry.readers.field_names import normal

DAY: Final = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d\d)|\d{4}/\d\d/\d\d")
CLOCK: Final = re.compile(r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d{1,9})?)?")
UNITS: Final = re.compile(rf"(?:^|_)(?:in_)?({'|'.join(MILLISECONDS)})$|^(?:request|upstream_response)_time$")
"""How the names of durations end that say their unit; nginx writes seconds."""
_SLOWEST_S: Final = 20
"""Seconds that half of all answers nearly never take."""
_QUICKEST_MS: Final = 0.5
"""Milliseconds that half of all answers take at least: they come over a network."""
_QUICKEST_S: Final = 5
"""Seconds that not every single answer takes: some stand in a cache, or are refusals."""
_LEAST: Final = 10
_OF_ANOTHER: Final = re.compile(r"(.+?)_{1,2}(?:event_)?(?:timestamp|time|ts|at|updated_at)")
BEGINNING: Final = re.compile(rf"start|begin|request|received|arriv|inference|prediction|{other_languages.BEGINNINGS}")
"""How a time is called that says when something was asked, where others say when it was answered."""
_OF_MODELS: Final = re.compile(r"(?:^|_)(?:scor(?:ed|ing)|predict(?:ed|ion)|inferen(?:ce|tial)|inferred)_")
_DAY_FIRST: Final = re.compile(rf"(?:^|_)(?:{other_languages.DAY_FIRST})(?:_|$)")
_CALL: Final = 600_000_000
"""Microseconds within which whoever asked was answered, or given up."""
_SINCE, _UNTIL = 1_420_070_400, 4_102_444_800
"""Seconds since 1970: 2015, before which nobody has logs of models, and 2100."""
_RISING: Final = 0.95
"""Share of the steps from one row to the next in which a clock does not go back; lines of several workers are mixed."""


def moments(nodes: Nodes, is_taken: Callable[[Place], bool]) -> list[Place]:
    """Return the fields that hold moments as no number is one, where no name says which does: days, and times of day.

    Args:
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    found = [
        place for place, values in nodes.items() if place[-1] != READ and not is_taken(place) and _are_moments(values)
    ]
    if found:
        return found
    held: dict[Place, list[str]] = {place: _texts(values) for place, values in nodes.items() if len(place) == 1}
    days = [place for place, values in held.items() if values and nearly(map(_is_day, values))]
    # A birthday is a day as well: only one with a time of day beside it says when.
    clocks = [place for place, values in held.items() if values and nearly(map(_is_clock, values))]
    return list(days) if len(days) == len(clocks) == 1 else []


def ticking(nodes: Nodes, is_taken: Callable[[Place], bool]) -> list[Place]:
    """Return the fields with numbers as a clock has them, under names that say nothing of it.

    Args:
        nodes: The fields of a sample.
        is_taken: Tells which of them mean something else.
    """
    return [place for place, values in nodes.items() if not is_taken(place) and _are_ticking(values)]


def _are_ticking(values: Sequence[Any]) -> bool:
    """Tell whether whole numbers are those of a clock: since 1970, and rising with the rows."""
    held = [value for value in values if isinstance(value, int) and not isinstance(value, bool)]
    if len(held) < _LEAST or len(held) < len(values):
        return False
    steps = [after - before for before, after in pairwise(held)]
    in_unit = any(_SINCE * unit <= min(held) and max(held) < _UNTIL * unit for unit in (1, 10**3, 10**6, 10**9))
    return (
        in_unit
        and sum(step > 0 for step in steps) > len(steps) / 2
        and sum(step >= 0 for step in steps) >= _RISING * len(steps)
    )


def _is_day(text: str) -> bool:
    return DAY.fullmatch(text) is not None


def _is_clock(text: str) -> bool:
    return CLOCK.fullmatch(text) is not None


def _are_moments(values: Sequence[Any]) -> bool:
    held = [value for value in values if not is_missing(value)]
    is_written = nearly(isinstance(value, datetime) or (isinstance(value, str) and ":" in value) for value in held)
    try:
        return bool(held) and is_written and bool(time_form(held))
    except Ambiguous:
        return True
    except ValueError:
        return False


def time_column(
    places: Sequence[Place], nodes: Nodes, doubts: list[str], remarks: list[str]
) -> tuple[MapColumn, set[Place]]:
    """Return how the time is read, and the fields that it takes.

    Args:
        places: Fields whose names are as good as each other's.
        nodes: All fields.
        doubts: Told why nobody should read it so unasked.
        remarks: Told what is assumed.
    """
    if len(begun := [one for one in places if BEGINNING.match(normal(one[-1]))]) == 1:
        places = begun
    places = _own(places, nodes)
    if len(places) > 1 and (first := _first_of_all(places, nodes)) is not None:
        remarks.append(f"{path_of(first)} is taken as the time: {_shown(places, first)} comes after it in each row")
        places = [first]
    if len(places) > 1:
        shown = ", ".join(path_of(one) for one in places[:FEW])
        doubts.append(f"several times are as good: {shown}{' …' if len(places) > FEW else ''}")
    place = places[0]
    if (clock := _clock_beside(place, nodes, remarks)) is not None:
        return _of_day_and_clock(place, clock, nodes, doubts, remarks), {place, clock}
    form, zone = _form_of([one for one in nodes[place] if not is_missing(one)], path_of(place), nodes, doubts, remarks)
    if form == "epoch_ns" and "ticks" in normal(place[-1]).split("_"):
        form = "ticks"
    if zone:
        remarks.append(f"times in {path_of(place)} name no zone: taken as UTC")
    return MapColumn(path=(path_of(place),), format=form, zone=zone), {place}


def milliseconds_in_one(name: str, values: Sequence[Any]) -> float | None:
    """Return how many milliseconds one of a duration has: by its name, by its text, or where its size leaves no doubt.

    Whatever no service would take in one unit is in the other; between the two nobody can tell.

    Args:
        name: What the field is called, as `normal` writes it.
        values: What stands there.
    """
    if (unit := UNITS.search(name)) and (unit[1] or not _is_in_ms(values)):
        return MILLISECONDS[unit[1] or "s"]
    if are_spans(values):
        return 1.0
    sizes = sorted(map(sample_number, values))
    if len(sizes) < _LEAST or not all(map(isfinite, sizes)):
        return None
    middle = sizes[len(sizes) // 2]
    if sizes[0] >= _QUICKEST_S or middle >= _SLOWEST_S:
        if middle < 1_000 * _SLOWEST_S:
            return 1.0
        # Go and Datadog count nanoseconds: what was too slow in millionths of a second is in billionths.
        return 1e-6 if 1e6 * _SLOWEST_S <= middle < 1e9 * _SLOWEST_S else None
    return 1_000.0 if middle < _QUICKEST_MS and any(one != int(one) for one in sizes) else None


def may_be_of_call(numbers: Sequence[float], scale: float) -> bool:
    """Tell whether spans are short enough for answers of a service: what takes minutes is a journey, or a delivery.

    Args:
        numbers: The spans.
        scale: How many milliseconds one has.
    """
    return bool(numbers) and sorted(numbers)[len(numbers) // 2] * scale < 1_000 * _SLOWEST_S


def _is_in_ms(values: Sequence[Any]) -> bool:
    """Tell whether durations without a unit can be no seconds, as nginx writes them: whole, and far too long."""
    sizes = sorted(map(sample_number, values))
    return len(sizes) >= _LEAST and all(one == int(one) for one in sizes) and sizes[len(sizes) // 2] >= _SLOWEST_S


def _form_of(
    values: list[Any], where: str, nodes: Nodes, doubts: list[str], remarks: list[str]
) -> tuple[str | None, str | None]:
    try:
        return time_form(values)
    except Ambiguous as doubt:
        if doubt.form.startswith("%d") and _DAY_FIRST.search(normal(where)):
            remarks.append(f"days in {where} are read before months, as its name's language writes them")
            return doubt.form, "UTC"
        if doubt.form.startswith("%d") and _has_decimal_commas(nodes):
            # Nobody who writes 1,5 for one and a half writes the month before the day.
            remarks.append(f"days in {where} are read before months, as who writes numbers with a comma does")
            return doubt.form, "UTC"
        doubts.append(f"{where}: {doubt}")
        return doubt.form, "UTC"


def _has_decimal_commas(nodes: Nodes) -> bool:
    """Tell whether the amounts of a column can only be read with a comma for the decimal sign."""
    for values in nodes.values():
        held = [joined(AROUND.sub("", one)) for one in values if isinstance(one, str) and not is_missing(one)]
        if len(held) >= _LEAST and nearly(ONLY_COMMA.fullmatch(one) is not None for one in held):
            return True
    return False


def without_fixed(ranked: Sequence[tuple[Any, Place]], nodes: Nodes) -> list[tuple[Any, Place]]:
    """Leave out moments that are one and the same in all rows, where others differ: when a caller was registered.

    Args:
        ranked: Fields that may say when, the surest first.
        nodes: All fields.
    """
    kept = [one for one in ranked if len(nodes[one[1]]) < _LEAST or len(set(map(str, nodes[one[1]]))) > 1]
    return kept or list(ranked)


def of_models(path: str) -> bool:
    """Tell whether a time says by its name that a model was asked then, such as `scoring_timestamp`."""
    return _OF_MODELS.search(normal(path)) is not None


def finer(place: Place, others: Sequence[Place], nodes: Nodes) -> Place:
    """Return the field with the same moments as one that holds whole seconds, and what these leave out; else the one.

    Args:
        place: The one.
        others: What else holds times, under names that are less sure.
        nodes: All fields.
    """
    held = _micros(place, nodes)
    if len(held) < _LEAST or any(one is None or one % 1_000_000 for one in held):
        return place
    for other in others:
        exact = _micros(other, nodes) if other != place else []
        is_same = len(exact) == len(held) and all(
            one is not None and whole is not None and one // 1_000_000 == whole // 1_000_000
            for one, whole in zip(exact, held, strict=True)
        )
        if is_same and any((one or 0) % 1_000_000 for one in exact):
            return other
    return place


def _micros(place: Place, nodes: Nodes) -> list[int | None]:
    """Return the moments of a field in microseconds since 1970; none where it holds no times."""
    try:
        form = time_form([value for value in nodes[place] if not is_missing(value)])
    except ValueError:
        return []
    return list(times_of(nodes[place], *form)[0].cast("int64").to_pylist())


def _first_of_all(places: Sequence[Place], nodes: Nodes) -> Place | None:
    """Return the time that no other of a row is before, and of which none is further away than an answer."""
    try:
        forms = [time_form([value for value in nodes[one] if not is_missing(value)]) for one in places]
    except ValueError:
        return None
    read = [times_of(nodes[one], *form)[0] for one, form in zip(places, forms, strict=True)]
    rows = list(zip(*(held.cast("int64").to_pylist() for held in read), strict=False))
    rows = [row for row in rows if None not in row]
    for at, place in enumerate(places):
        # Where all of them are the same, it is no order.
        if (
            len(rows) >= _LEAST
            and any(row[at] < max(row) for row in rows)
            and nearly(row[at] == min(row) and max(row) - row[at] <= _CALL for row in rows)
        ):
            return place
    return None


def _shown(places: Sequence[Place], but: Place) -> str:
    return ", ".join(path_of(one) for one in places if one != but)


def _own(places: Sequence[Place], nodes: Nodes) -> Sequence[Place]:
    """Leave out times that are of another field, such as `amount__timestamp` beside `amount`, and days of a time."""
    names = {place[-1] for place in nodes}
    own = [one for one in places if not ((found := _OF_ANOTHER.fullmatch(one[-1])) and found[1] in names)]
    exact = [one for one in own if not nearly(map(_is_day, _texts(nodes[one][:_LEAST])))]
    return exact or own or places


def _clock_beside(place: Place, nodes: Nodes, remarks: list[str]) -> Place | None:
    """Return the field with the times of day, where the one that was chosen holds days alone."""
    days = _texts(nodes[place])
    if not nearly(map(_is_day, days)):
        return None
    for other, values in nodes.items():
        held = _texts(values)
        if other != place and held and len(held) == len(days) and nearly(map(_is_clock, held)):
            return other
    remarks.append(f"{path_of(place)} holds days alone: of one day nobody can say what came first")
    return None


def _texts(values: list[Any]) -> list[str]:
    return [str(value).strip() for value in values if not is_missing(value)]


def _of_day_and_clock(day: Place, clock: Place, nodes: Nodes, doubts: list[str], remarks: list[str]) -> MapColumn:
    both = [f"{one} {other}" for one, other in zip(nodes[day], nodes[clock], strict=False)]
    try:
        form, zone = _form_of(both, f"{path_of(day)} {path_of(clock)}", nodes, doubts, remarks)
    except ValueError:
        doubts.append(f"{path_of(day)} and {path_of(clock)} make no time together")
        form, zone = RFC3339, "UTC"
    if zone:
        remarks.append(f"times in {path_of(day)} and {path_of(clock)} name no zone: taken as UTC")
    return MapColumn(parts=(path_of(day), path_of(clock)), format=form, zone=zone)
