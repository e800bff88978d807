"""Which values an event must have for a rule to match, so that most events need not be asked about most rules.

A rule for `eventName: CreateAccessKey` matches no event with another name, whatever else it says. Where such values
follow from a rule's condition, the matcher looks for them first, and only what has one goes to the database. What
follows is necessary and never sufficient: the database decides, as it does without it.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Needs = dict[str, frozenset[str]]
"""Field to values in lower case, of which an event has at least one in one of the fields."""


def needed_values(rule: Any, usable: Callable[[str], bool]) -> Needs | None:
    """Return the values that an event needs to match; None if none follow.

    Args:
        rule: A plain rule, parsed by pySigma.
        usable: Tells whether a field is compared as the text that an event has.
    """
    found = [_of(condition.parsed, usable) for condition in rule.detection.parsed_condition]
    return _either(found)


def _of(node: Any, usable: Callable[[str], bool]) -> Needs | None:
    conditions: Any = import_module("sigma.conditions")
    if isinstance(node, conditions.ConditionFieldEqualsValueExpression):
        text = _text(node.value)
        field = node.field.lower()
        return {field: frozenset([text.lower()])} if text is not None and usable(field) else None
    if isinstance(node, conditions.ConditionAND):
        every = [needs for needs in (_of(child, usable) for child in node.args) if needs]
        # Each of them is necessary; the one with the fewest values rules most events out.
        return min(every, key=lambda needs: sum(map(len, needs.values())), default=None)
    if isinstance(node, conditions.ConditionOR):
        return _either([_of(child, usable) for child in node.args])
    return None


def _either(found: list[Needs | None]) -> Needs | None:
    """Join what any of several may need; None if one of them needs nothing."""
    joined: dict[str, set[str]] = {}
    for needs in found:
        if needs is None:
            return None
        for field, values in needs.items():
            joined.setdefault(field, set()).update(values)
    return {field: frozenset(values) for field, values in joined.items()} or None


def _text(value: Any) -> str | None:
    """Return what an equal value looks like as text; None if it is compared in another way."""
    types: Any = import_module("sigma.types")
    if isinstance(value, types.SigmaString):
        parts: list[Any] = list(value.s)
        return "".join(parts) if all(isinstance(part, str) for part in parts) else None
    if type(value) is types.SigmaNumber and isinstance(value.number, int):
        return str(value.number)
    return None


class Wanted:
    """The values that any rule of a table needs.

    Args:
        needs: By rule.
    """

    def __init__(self, needs: Mapping[str, Needs]) -> None:
        self._rules: dict[str, dict[str, set[str]]] = {}
        for rule, fields in needs.items():
            for field, values in fields.items():
                for value in values:
                    self._rules.setdefault(field, {}).setdefault(value, set()).add(rule)

    def rules(self, fields: dict[str, Any]) -> set[str] | None:
        """Return the rules that an event may match; None if there is none."""
        found: set[str] | None = None
        for field, values in self._rules.items():
            value = fields.get(field)
            if value is not None:
                rules = values.get(value.lower() if type(value) is str else str(value).lower())
                if rules:
                    found = rules if found is None else found | rules
        return found
