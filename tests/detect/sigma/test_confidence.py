"""How sure findings are: what was measured is what tests measure, and the estate's own word counts more and more."""

from itertools import pairwise

import pytest

from caponier.detect.log import LogRule
from caponier.detect.sigma.confidence import ASSUMED, WEIGHT, RuleConfidence, RuleRecord, RuleVerdicts, measured
from caponier.detect.sigma.sigma import Sigma
from caponier.emulate.attack_steps import acts, clouds, cluster, people, planted, servers, taken
from caponier.records.severity import LEVELS

STEPS = cluster.STEPS | servers.STEPS | people.STEPS | clouds.STEPS | acts.STEPS | planted.STEPS | taken.STEPS


def rule(name: str, level: str = "high") -> LogRule:
    return LogRule(f"sigma:{name}", "A rule", level, (), "", "r.yml")


def test_every_rule_that_speaks_was_measured_on_all_of_its_ways() -> None:
    known = measured()
    assert {f"sigma:{name}" for name in known} == {one.name for one in Sigma().rules}
    # tests/detect/sigma/test_attack_steps.py holds each of them to be found.
    assert {name: (one.found, one.ways) for name, one in known.items()} == {
        name: (len(step.variants), len(step.variants)) for name, step in STEPS.items()
    }


def test_what_is_never_told_in_benign_months_is_surer_than_what_is() -> None:
    quiet, loud = RuleRecord(5, 5, 0, 12), RuleRecord(5, 5, 12, 12)
    assert quiet.confidence > 0.9
    assert 0.4 < loud.confidence < 0.5
    assert quiet.false_a_month > 0, "what was not seen in a few months is not impossible"


@pytest.mark.parametrize("false", range(0, 40, 5))
def test_more_false_findings_and_fewer_found_attacks_lower_it(false: int) -> None:
    assert RuleRecord(5, 5, false, 12).confidence > RuleRecord(5, 5, false + 1, 12).confidence
    assert RuleRecord(5, 5, false, 12).confidence > RuleRecord(2, 5, false, 12).confidence
    assert 0 < RuleRecord(0, 5, false, 12).confidence < 1


@pytest.mark.parametrize("level", LEVELS)
def test_a_rule_that_nobody_measured_has_what_its_level_says(level: str) -> None:
    mine = rule("mine", level)
    assert RuleConfidence().of(mine) == ASSUMED[level]
    assert "assumed" in RuleConfidence().basis(mine)


def test_the_word_of_the_estate_counts_more_and_more() -> None:
    mine = rule("workload_exec")
    benign = [RuleConfidence({mine.name: RuleVerdicts(0, number)}).of(mine) for number in range(12)]
    assert all(more > less for more, less in pairwise(benign))
    assert benign[WEIGHT] == pytest.approx(benign[0] / 2, abs=0.01)
    assert RuleConfidence({mine.name: RuleVerdicts(9, 0)}).of(mine) > benign[0]
    assert "9 were called true and 0 benign" in RuleConfidence({mine.name: RuleVerdicts(9, 0)}).basis(mine)


def test_the_word_on_one_rule_is_none_on_another() -> None:
    said = RuleConfidence({"sigma:workload_exec": RuleVerdicts(0, 50)})
    assert said.of(rule("store_destroyed")) == RuleConfidence().of(rule("store_destroyed"))
