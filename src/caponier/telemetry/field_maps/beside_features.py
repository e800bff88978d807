"""Columns beside features that are none: ids of what was asked about, numbers of rows, and bounds of an answer."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from caponier.telemetry.field_maps.named_features import is_missing
from caponier.telemetry.field_maps.places import Nodes, Place
from caponier.telemetry.field_maps.value_kinds import ROWS_TO_TELL, is_number, nearly
from caponier.telemetry.framing.amounts import sample_number
from caponier.telemetry.readers.field_names import normal

_THING: Final = re.compile(
    r"(?:.+_)?(?:id|uuid|guid|ident|serial|serial_(?:no|nr|num|number|code)|seriennummer|numero_de_serie|kennung)"
    r"|(?:.+_)?(?:order|invoice|policy|claim|case|contract|machine|sensor|device|batch|lot|ticket|asset|vehicle|meter"
    r"|patient|file|dossier|record|application|loan|booking|flight|shipment|parcel|auftrags|vertrags|fall|akten"
    r"|rechnungs|maschinen|geraete?|vorgangs)_?(?:no|nr|num|number|nummer)"
)
"""How a column is called that says which thing was asked about."""
_KIND: Final = re.compile(
    r"(?:.+_)?(?:type|kind|category|class|group|segment|region|area|zone|location|place|city|country|state|district"
    r"|department|channel|brand|product|store|shop|site|app|campaign|creative|ad|banner|placement|slot|genre|language"
    r"|currency|merchant|provider|carrier|route|line|code|mcc|plan|tariff|shift"
    r"|item|article|document|page|video|movie|film|song|track|artist|job|news|post|question|course|book|recipe)_(?:id|uuid|ident|kennung)"
)
"""Of these those that say which kind of thing, or what is offered: a model learns of places, shops and films, not of
one machine or claim."""
_COUNTER: Final = re.compile(r"n|no|nr|num|numero|nummer|number|lfd|pos|position|zeile|ligne|rang|fila|riga|linha")
_LOW: Final = "lower|low|lo|lwr|min|inf|basse|inferieure?|inferiore?|untere?|minimum|p[0-4]?\\d|q[0-4]?\\d"
_HIGH: Final = "upper|high|hi|upr|max|sup|haute|superieure?|superiore?|obere?|maximum|p[5-9]\\d|q[5-9]\\d"
_SIDE: Final = re.compile(rf"(?:^|_)(?:(?P<low>{_LOW})|(?P<high>{_HIGH}))(?=_|$)")
_OF_ANSWER: Final = re.compile(
    r"(?:^|_)(?:bound|limit|ci|conf|interval|quantile|yhat|y_hat|pred|predicted|prediction|forecast|estimate|estimated"
    r"|borne|grenze|schranke|limite|intervalle|intervalo)(?:_|$)"
)
"""What is said of the bounds of an answer, and of those of nothing that is measured."""


def is_of_thing(name: str, values: Sequence[Any]) -> bool:
    """Tell whether a column says which single thing a row is about, by an id that may come again.

    Args:
        name: What it is called, as `normal` writes it.
        values: What stands there.
    """
    if not _THING.fullmatch(name) or _KIND.fullmatch(name):
        return False
    held = [value for value in values if not is_missing(value)]
    return nearly(not is_number(value) or float(sample_number(value)).is_integer() for value in held)


def counts_rows(name: str, values: Sequence[Any]) -> bool:
    """Tell whether a column numbers the rows: each value is one more, or one less, than that before.

    Args:
        name: What it is called. Whoever tries one age after the other is no counter.
        values: What stands there.
    """
    if not _COUNTER.fullmatch(name) or len(values) < ROWS_TO_TELL or not all(map(is_number, values)):
        return False
    numbers = list(map(sample_number, values))
    return {after - before for before, after in pairwise(numbers)} in ({1.0}, {-1.0})


def bounds_of(nodes: Nodes, amounts: Sequence[Any]) -> set[Place]:
    """Return the columns with the bounds of what was answered: by their names, or as the answer lies between.

    Only those at the top of a row are looked at.

    Args:
        nodes: The fields of a sample.
        amounts: What was answered, where that is an amount.
    """
    sides: dict[str, dict[str, Place]] = {}
    found: set[Place] = set()
    for place in nodes:
        name = normal(place[-1])
        if len(place) != 1 or (side := _SIDE.search(name)) is None:
            continue
        rest = name[: side.start()] + name[side.end() :]
        if _OF_ANSWER.search(rest):
            found.add(place)
        sides.setdefault(rest, {})["low" if side["low"] else "high"] = place
    for pair in sides.values():
        if len(pair) == 2 and _is_between(nodes[pair["low"]], amounts, nodes[pair["high"]]):
            found |= set(pair.values())
    return found


def _is_between(low: Sequence[Any], amounts: Sequence[Any], high: Sequence[Any]) -> bool:
    rows = [tuple(map(sample_number, row)) for row in zip(low, amounts, high, strict=False)]
    return len(rows) >= ROWS_TO_TELL and nearly(one <= middle <= other for one, middle, other in rows)
