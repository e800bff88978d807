"""How sure a finding of a rule is: measured on attacks, on benign months, and by what the estate's own analysts say.

The confidence of a rule is the share of its findings that are true in a month with one attack of its kind: the share of
such attacks that it finds, against what it tells in a benign month. What analysts say of its findings counts more and
more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, NamedTuple

from caponier.detect.log import LogRule
from caponier.formats.strict_yaml import shipped_yaml
from caponier.records.severity import LEVELS

ASSUMED: Final = dict(zip(LEVELS, (0.2, 0.35, 0.55, 0.75, 0.9), strict=True))
"""By level, for rules that nobody has measured."""
WEIGHT: Final = 4
"""Verdicts that count as much as what was measured elsewhere: after so many the estate's own word is half of it."""


class RuleVerdicts(NamedTuple):
    """What the analysts of an estate said of a rule's findings."""

    true: int = 0
    benign: int = 0


@dataclass(frozen=True, slots=True)
class RuleRecord:
    """What one of our rules was measured at."""

    found: int
    ways: int
    told: int
    months: int

    @property
    def confidence(self) -> float:
        """The share of true findings in a month with one attack; no count is taken for a certainty."""
        found = (self.found + 1) / (self.ways + 2)
        return found / (found + self.false_a_month)

    @property
    def false_a_month(self) -> float:
        """False findings in a benign month, at the half of what could have been overlooked where there were none."""
        return (self.told + 0.5) / self.months


@dataclass(frozen=True)
class RuleConfidence:
    """Tells how sure findings are.

    Args:
        said: By rule, as findings name it.
    """

    said: Mapping[str, RuleVerdicts] = field(default_factory=dict)

    def of(self, rule: LogRule) -> float:
        """Return how sure a finding of a rule is, from 0 to 1."""
        known = measured().get(rule.name.removeprefix("sigma:"))
        before = known.confidence if known else ASSUMED[rule.level]
        said = self.said.get(rule.name, RuleVerdicts())
        return round((WEIGHT * before + said.true) / (WEIGHT + said.true + said.benign), 2)

    def basis(self, rule: LogRule) -> str:
        """Say in words what that rests on."""
        known, said = measured().get(rule.name.removeprefix("sigma:")), self.said.get(rule.name)
        words = (
            f"in tests it found {known.found} of {known.ways} ways to do it and raised {known.told} findings in "
            f"{known.months} months of benign logs"
            if known
            else f"assumed for a rule of the level {rule.level}, which nobody has measured"
        )
        return f"{words}; here {said.true} were called true and {said.benign} benign" if said and any(said) else words


@cache
def measured() -> dict[str, RuleRecord]:
    """Return what our rules were measured at, by name."""
    document = shipped_yaml("caponier.detect.sigma", "measured.yaml")
    return {name: RuleRecord(**row, months=document["months"]) for name, row in document["rules"].items()}
