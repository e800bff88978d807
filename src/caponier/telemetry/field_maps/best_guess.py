"""The better of several ways to read a log: as its rows stand there, or with what stands closed in them."""

from collections.abc import Sequence
from typing import Final

from caponier.records.field_map import FieldMap
from caponier.telemetry.chunk import Row
from caponier.telemetry.field_maps.guess import GuessedMap, guess_as_it_is
from caponier.telemetry.field_maps.shapes.opened_rows import carrier_of, closed_texts, opened_rows

_WHO: Final = frozenset(("principal", "session", "source_ip"))
_ASKED: Final = frozenset(("input", "input_raw"))
_ANSWERED: Final = frozenset(("label", "scores"))


def guess(rows: Sequence[Row], model: str, name: str = "guessed") -> GuessedMap:
    """Guess a map, in each way in which the rows may be meant, and return the one that says most.

    Args:
        rows: A sample.
        model: What the model is called where no row says so.
        name: What the map is called.
    """
    best = guess_as_it_is(rows, model, name)
    carrier = carrier_of(rows)
    if carrier is not None:
        best = _better(best, _opened(rows, carrier, (), model, name))
    texts = closed_texts(opened_rows(rows, carrier, ()))
    if texts:
        best = _better(best, _told_outside(_opened(rows, carrier, texts, model, name), best))
    return best


def _told_outside(opened: GuessedMap, closed: GuessedMap) -> GuessedMap:
    """Have a map that opens texts name callers by what stands outside of them, if it does: a caller may write one."""
    if opened.map is None or closed.map is None or opened.map.record != closed.map.record:
        return opened
    who = closed.map.columns.get("principal")
    if who is not None and not any("|" in path for path in who.path):
        opened.map = opened.map.model_copy(update={"columns": {**opened.map.columns, "principal": who}})
    return opened


def _opened(rows: Sequence[Row], carrier: str | None, texts: tuple[str, ...], model: str, name: str) -> GuessedMap:
    found = guess_as_it_is(opened_rows(rows, carrier, texts), model, name)
    if found.map is not None:
        found.map = found.map.model_copy(update={"record": carrier, "opened": texts})
    return found


def _better(one: GuessedMap, other: GuessedMap) -> GuessedMap:
    return other if _worth(other) > _worth(one) or _closes_input(one, other) else one


def _worth(found: GuessedMap) -> tuple[bool, int, int]:
    """Return how much a map tells: whether it may be used, of the three questions how many, and all that it takes."""
    if found.map is None:
        return False, 0, 0
    columns = set(found.map.columns)
    asked = bool(columns & _ASKED or found.map.features or found.map.request)
    answered = bool(columns & _ANSWERED or found.map.response)
    return found.clear, asked + answered + bool(columns & _WHO), len(columns)


def _closes_input(one: GuessedMap, other: GuessedMap) -> bool:
    """Tell whether a map takes for features what stands around an input that the other one opens."""
    if one.map is None or other.map is None or not other.clear:
        return False
    return bool(other.map.opened) and _worth(other)[1] >= _worth(one)[1] and not _reads(one.map, other.map.opened)


def _reads(taken: FieldMap, texts: Sequence[str]) -> bool:
    """Tell whether a map reads all of some texts: by a step into them, or as the numbers of a list."""
    whole = [path for name in ("input", "scores") if name in taken.columns for path in taken.columns[name].path]
    paths = [path for about in taken.columns.values() for path in (*about.path, *about.parts)]
    paths += [feature.path or feature.name for feature in taken.features]
    paths += [path for path in (taken.request, taken.response) if path is not None]
    whole += [path for path in (taken.request, taken.response) if path is not None]
    return all(text in whole or any(path.startswith(f"{text}|") for path in paths) for text in texts)
