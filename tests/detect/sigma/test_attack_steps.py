"""Each rule against several ways to do what it is about, and against what only looks like it, in native records."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caponier.detect.assets.scope import Scope
from caponier.detect.log import LogMatch
from caponier.detect.sigma.sigma import Sigma
from caponier.emulate.attack_steps import acts, clouds, cluster, people, planted, servers, taken
from caponier.emulate.attack_steps.attack_step import AttackStep, Row, timed
from caponier.emulate.attack_steps.story import SYSTEM
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs

START = datetime(2026, 1, 6, 2, tzinfo=UTC)
STEPS: dict[str, AttackStep] = cluster.STEPS | servers.STEPS | people.STEPS | clouds.STEPS | acts.STEPS
STEPS |= planted.STEPS | taken.STEPS
LEAST = 3
ELSEWHERE = {
    *("console_login_outside", "idp_rights_granted", "login_two_countries", "idp_login_risky"),
    "mail_phishing_delivered",
}
"""Rules about what happens before an ML system is touched."""


@pytest.fixture(scope="module")
def sigma() -> Sigma:
    return Sigma()


def matches(sigma: Sigma, rows: Sequence[Row], rule: str, path: Path) -> list[LogMatch]:
    path.write_text("".join(json.dumps(row) + "\n" for row in timed(rows, START)))
    with RejectedRows() as rejected, sigma.start(Scope([SYSTEM])) as run:
        for read in read_logs([path], rejected):
            run.feed(read.events)
        assert rejected.count == 0, rejected.first
        return [match for match in run.matches() if match.rule.name == f"sigma:{rule}"]


def cases(kind: str) -> list[tuple[str, int]]:
    return [(rule, number) for rule, step in STEPS.items() for number in range(len(getattr(step, kind)))]


def test_every_rule_that_speaks_has_several_of_both(sigma: Sigma) -> None:
    assert {f"sigma:{rule}" for rule in STEPS} == {rule.name for rule in sigma.rules}
    assert min(len(step.variants) for step in STEPS.values()) >= LEAST
    assert min(len(step.lookalikes) for step in STEPS.values()) >= LEAST


@pytest.mark.parametrize(("rule", "number"), cases("variants"))
def test_every_way_to_do_it_is_seen(sigma: Sigma, rule: str, number: int, tmp_path: Path) -> None:
    found = matches(sigma, STEPS[rule].variants[number], rule, tmp_path / "x.jsonl")
    assert found
    if rule not in ELSEWHERE:
        assert any(match.systems == ("digits",) for match in found)


@pytest.mark.parametrize(("rule", "number"), cases("lookalikes"))
def test_what_only_looks_like_it_is_not(sigma: Sigma, rule: str, number: int, tmp_path: Path) -> None:
    assert matches(sigma, STEPS[rule].lookalikes[number], rule, tmp_path / "x.jsonl") == []


def test_all_steps_are_different(sigma: Sigma) -> None:
    del sigma
    assert len({step.name for step in STEPS.values()}) == len(STEPS)
    for step in STEPS.values():
        written = [json.dumps(list(rows), sort_keys=True) for rows in (*step.variants, *step.lookalikes)]
        assert len(set(written)) == len(written), step.name
