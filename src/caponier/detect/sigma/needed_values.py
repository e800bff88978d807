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

from caponier.telemetry.security_logs.fields import Fields, Scalar

MOST: Final = 6
"""Conditions of one rule that are looked at: further ones rule little out."""
_OF_EACH: Final = 3
"""Of those, how many of each alternative are joined with those of the others."""
_JOINED: Final = 30


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
        literal, field = _literal(node.value), node.field.lower()
        return ({field: frozenset([literal])},) if literal is not None and usable(field) else ()
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
    return tuple(sorted(map(_joined, product(*some)), key=_cost)[:MOST])


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
        self._needs = {
            rule: sorted(parts, key=lambda one: not derived.keys().isdisjoint(one)) for rule, parts in needs.items()
        }
        self._derived = derived
        self._fields = {field for rule in needs.values() for either in rule for field in either} - derived.keys()

    def candidates(self, rows: Sequence[Fields]) -> dict[str, set[int]]:
        """Return which rows each rule may match, for rules that may match any."""
        columns = {field: _Column([row.get(field) for row in rows]) for field in self._fields}
        derived = {field: _Derived(rows, derive) for field, derive in self._derived.items()}
        found = {}
        for rule, needs in self._needs.items():
            left: set[int] | None = None
            for either in needs:
                having: set[int] = set()
                for field, literals in either.items():
                    if field in derived:
                        having |= derived[field].having(literals, range(len(rows)) if left is None else left)
                    else:
                        having |= columns[field].having(literals)
                left = having if left is None else left & having
                if not left:
                    break
            if left:
                found[rule] = left
        return found


class _Derived:
    """The values of a field that is worked out, each at most once and only where it is asked for."""

    def __init__(self, rows: Sequence[Fields], derive: Derive) -> None:
        self._rows, self._derive = rows, derive
        self._known: dict[int, str] = {}

    def having(self, literals: Iterable[Literal], among: Iterable[int]) -> set[int]:
        """Return which of some rows have any of some texts."""
        found = set()
        for row in among:
            value = self._known.get(row)
            if value is None:
                value = self._known[row] = (self._derive(self._rows[row]) or "").lower()
            if any(value == one.text if one.whole else one.text in value for one in literals):
                found.add(row)
        return found


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
            # As bytes, of which only the letters of ASCII have a lower case, as in the database.
            plain = [value.encode("utf-8", "surrogatepass").lower() for value in self._texts]
            self._joined = b"\n".join(plain), [0, *accumulate(len(value) + 1 for value in plain)]
        joined, begins = self._joined
        wanted, at = text.encode("utf-8", "surrogatepass").lower(), 0
        while (at := joined.find(wanted, at)) >= 0:
            place = bisect_right(begins, at) - 1
            yield place
            at = begins[place + 1]
