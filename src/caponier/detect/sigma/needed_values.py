r"""Which values an event must have for a rule to match, so that most events need not be asked about most rules.

A rule for `eventName: CreateAccessKey` matches no event with another name, and one for `Image|endswith: \nc.exe` none
whose `Image` does not have `\nc.exe` in it, whatever else they say. Where such texts follow from a condition of a rule,
the matcher looks for them first, in whole columns at a time, and only what has them goes to the database. What follows
is necessary and never sufficient: the database decides, as it does without it.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from itertools import product
from math import prod
from typing import Any, Final

from caponier.detect.sigma.regex_literals import regex_literals
from caponier.detect.sigma.searched_rows import ANY, Either, Literal, SearchedRows

MOST: Final = 6
"""Conditions of one rule that are looked at: further ones rule little out."""
_OF_EACH: Final = 3
"""Of those, how many of each alternative are joined with those of the others."""
_JOINED: Final = 30

Needs = tuple[Either, ...]
"""An event must have something of each of them."""


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
        derived: Fields that no event has, and that have to be worked out.
    """

    def __init__(self, needs: Mapping[str, Needs], derived: Collection[str] = ()) -> None:
        # What has to be worked out comes last, when few rows are left.
        late = frozenset(derived)
        self._needs = {rule: sorted(every, key=lambda one: not late.isdisjoint(one)) for rule, every in needs.items()}

    def candidates(self, rows: SearchedRows) -> dict[str, set[int]]:
        """Return which rows each rule may match, for rules that may match any."""
        found = {}
        for rule, needs in self._needs.items():
            left: set[int] | None = None
            for either in needs:
                left = rows.having(either, left)
                if not left:
                    break
            if left:
                found[rule] = left
        return found
