r"""Which values an event must have for a rule to match, so that most events need not be asked about most rules.

A rule for `eventName: CreateAccessKey` matches no event with another name, and one for `Image|endswith: \nc.exe` none
whose `Image` does not have `\nc.exe` in it, whatever else they say. Where such texts follow from a condition of a rule,
the matcher looks for them first, in whole columns at a time, and only what has them goes to the database. What follows
is necessary and never sufficient: the database decides, as it does without it.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import accumulate, product
from math import prod
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from caponier.detect.sigma.regex_literals import regex_literals
from caponier.telemetry.security_logs.fields import Fields, Scalar

MOST: Final = 6
"""Conditions of one rule that are looked at: further ones rule little out."""
_OF_EACH: Final = 3
"""Of those, how many of each alternative are joined with those of the others."""
_JOINED: Final = 30
_LONG_S: Final = "\u017f".encode()
_KELVIN: Final = "\u212a".encode()
_FEW: Final = 8
"""A column is not made for less than one in so many of its rows."""


class Literal(NamedTuple):
    """A text that an event must have in a field, in lower case."""

    text: str
    whole: bool = True
    """Whether it is the whole value, or somewhere in it."""


ANY: Final = Literal("", whole=False)
"""Whatever is there at all."""
Either = dict[str, frozenset[Literal]]
"""Field to texts, of which an event has at least one in one of the fields."""
Needs = tuple[Either, ...]
"""An event must have something of each of them."""
Derive = Callable[[Fields], str | None]
NONE: Final[Mapping[str, Derive]] = MappingProxyType({})


def needed_values(rule: Any, usable: Callable[[str], bool]) -> Needs:
    """Return what an event must have to match; nothing, if nothing follows.

    Args:
        rule: A plain rule, parsed by pySigma.
        usable: Tells whether a field is compared as the text that an event has.
    """
    found = [_of(condition.parsed, usable) for condition in rule.detection.parsed_condition]
    return found[0] if len(found) == 1 else _any(found)


def _of(node: Any, usable: Callable[[str], bool]) -> Needs:
    conditions: Any = import_module("sigma.conditions")
    if isinstance(node, conditions.ConditionFieldEqualsValueExpression):
        literals, field = _literals(node.value), node.field.lower()
        return ({field: literals},) if literals and usable(field) else ()
    if isinstance(node, conditions.ConditionAND):
        every = [either for child in node.args for either in _of(child, usable)]
        return tuple(sorted(every, key=_cost)[:MOST])
    if isinstance(node, conditions.ConditionOR):
        return _any([_of(child, usable) for child in node.args])
    return ()


def _any(found: Sequence[Needs]) -> Needs:
    """Join what any of several may need: nothing if one of them needs nothing.

    Of (a and b) or (c and d) follow a or c, a or d, b or c, and b or d; which of them rules the most out only the log
    tells.
    """
    if not found or not all(found):
        return ()
    some = [sorted(needs, key=_cost)[:_OF_EACH] for needs in found]
    if prod(map(len, some)) > _JOINED:
        some = [needs[:1] for needs in some]
    among = [_joined(parts) for parts in _of_one_field(found)]
    among += sorted((one for one in map(_joined, product(*some)) if one not in among), key=_cost)
    return tuple(among[:MOST])


def _of_one_field(found: Sequence[Needs]) -> Iterator[list[Either]]:
    """Yield what every alternative needs of one and the same field.

    Eight alternatives that each name a call, and a service or a method that nearly every event has, are told apart by
    the calls, though there are more of those.
    """
    by_field = [{next(iter(either)): either for either in reversed(needs) if len(either) == 1} for needs in found]
    shared = set(by_field[0]).intersection(*by_field[1:])
    for field in sorted(shared, key=lambda field: _cost(_joined(one[field] for one in by_field)), reverse=True):
        yield [one[field] for one in by_field]


def _joined(parts: Iterable[Either]) -> Either:
    joined: dict[str, frozenset[Literal]] = {}
    for part in parts:
        for field, literals in part.items():
            joined[field] = joined.get(field, frozenset()) | literals
    return joined


def _cost(either: Either) -> tuple[bool, int]:
    """Rank by how little it rules out: texts of one or two letters are everywhere, and many more than few."""
    literals = [literal for many in either.values() for literal in many]
    return any(not literal.whole and len(literal.text) < 3 for literal in literals), len(literals)


def _literals(value: Any) -> frozenset[Literal]:
    types: Any = import_module("sigma.types")
    if isinstance(value, types.SigmaRegularExpression):
        return frozenset(Literal(text, whole=False) for text in regex_literals(str(value.regexp)) or ())
    literal = _literal(value)
    return frozenset() if literal is None else frozenset([literal])


def _literal(value: Any) -> Literal | None:
    """Return the text that a value that matches has; None if it is compared in another way."""
    types: Any = import_module("sigma.types")
    if isinstance(value, types.SigmaString):
        texts = [part for part in value.s if isinstance(part, str)]
        if len(texts) == len(value.s):
            return Literal("".join(texts).lower())
        longest = max(texts, key=len, default="")
        return Literal(longest.lower(), whole=False) if longest else None
    if type(value) is types.SigmaNumber and isinstance(value.number, int):
        return Literal(str(value.number))
    return ANY if isinstance(value, types.SigmaExists) and value.exists else None


class Prefilter:
    """The texts that the rules of a table need.

    Args:
        needs: By rule; each needs something.
        derived: Fields that no event has, and how to work them out.
    """

    def __init__(self, needs: Mapping[str, Needs], derived: Mapping[str, Derive] = NONE) -> None:
        # What has to be worked out comes last, when few rows are left.
        self._needs = {rule: sorted(every, key=lambda one: bool(derived.keys() & one)) for rule, every in needs.items()}
        self._derived = derived

    def candidates(self, rows: Sequence[Fields]) -> dict[str, set[int]]:
        """Return which rows each rule may match, for rules that may match any."""
        table = _Table(rows, self._derived)
        found = {}
        for rule, needs in self._needs.items():
            left: set[int] | None = None
            for either in needs:
                left = table.having(either, left)
                if not left:
                    break
            if left:
                found[rule] = left
        return found


class _Table:
    """The rows of one batch; a column is made when a rule asks for it."""

    def __init__(self, rows: Sequence[Fields], derived: Mapping[str, Derive]) -> None:
        self._rows, self._derived = rows, derived
        self._columns: dict[str, _Column] = {}
        self._known: dict[tuple[str, int], Scalar | None] = {}

    def having(self, either: Either, left: set[int] | None) -> set[int]:
        """Return the rows that have one of some texts, of all or of those that are left."""
        found: set[int] = set()
        for field, literals in either.items():
            few = left is not None and _FEW * len(left) < len(self._rows) and field not in self._columns
            if few or field in self._derived:
                among = range(len(self._rows)) if left is None else left
                found.update(row for row in among if _has(self._value(field, row), literals))
            else:
                found |= self._column(field).having(literals)
        return found if left is None else found & left

    def _column(self, field: str) -> "_Column":
        known = self._columns.get(field)
        if known is None:
            known = self._columns[field] = _Column([row.get(field) for row in self._rows])
        return known

    def _value(self, field: str, row: int) -> Scalar | None:
        derive = self._derived.get(field)
        if derive is None:
            return self._rows[row].get(field)
        key = (field, row)
        if key not in self._known:
            self._known[key] = derive(self._rows[row])
        return self._known[key]


def _has(value: Scalar | None, literals: Iterable[Literal]) -> bool:
    if value is None or type(value) is float:
        return value is not None
    text = str(value)
    return any(
        text.lower() == one.text if one.whole else not one.text or _plain(one.text) in _plain(text) for one in literals
    )


def _plain(text: str) -> bytes:
    """Return a text as bytes, of which only the letters of ASCII have a lower case, as in the database.

    The two letters beside ASCII that a regular expression without case takes for `s` and `k` become those: what has
    them is never ruled out.
    """
    plain = text.encode("utf-8", "surrogatepass").lower()
    return plain if text.isascii() else plain.replace(_LONG_S, b"s").replace(_KELVIN, b"k")


class _Column:
    """The values of one field in many rows, each different one once."""

    def __init__(self, values: Iterable[Scalar | None]) -> None:
        rows: dict[str, list[int]] = defaultdict(list)
        self._open: set[int] = set()
        """Rows whose value the database may write in another way than we do."""
        for row, value in enumerate(values):
            if type(value) is str:
                rows[value].append(row)
            elif type(value) is float:
                self._open.add(row)
            elif value is not None:
                rows[str(value)].append(row)
        self._rows = list(rows.values())
        self._whole: dict[str, list[int]] = defaultdict(list)
        for place, value in enumerate(rows):
            self._whole[value.lower()].append(place)
        self._texts = list(rows)
        self._joined: tuple[bytes, list[int]] | None = None

    def having(self, literals: Iterable[Literal]) -> set[int]:
        """Return the rows that have any of some texts."""
        found = set(self._open)
        for literal in literals:
            if literal == ANY:
                found.update(*self._rows)
                continue
            for place in self._whole.get(literal.text, ()) if literal.whole else self._with(literal.text):
                found.update(self._rows[place])
        return found

    def _with(self, text: str) -> Iterator[int]:
        """Yield the places of the values that have a text in them."""
        if self._joined is None:
            plain = [_plain(value) for value in self._texts]
            self._joined = b"\n".join(plain), [0, *accumulate(len(value) + 1 for value in plain)]
        joined, begins = self._joined
        wanted, at = _plain(text), 0
        while (at := joined.find(wanted, at)) >= 0:
            place = bisect_right(begins, at) - 1
            yield place
            at = begins[place + 1]
