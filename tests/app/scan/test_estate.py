"""The month of an ordinary estate, small: what everybody does is quiet, and three attacks are told."""

import random
from pathlib import Path

from bench.machinery.estate.attacks import STORIES, plant
from bench.machinery.estate.month import OF_HOST, describe, write
from bench.machinery.estate.people import people

from caponier.app.incidents.incidents import list_incidents
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.scan.logs import scan_logs
from caponier.app.scan.memory import recall, remember
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.matrix.case_study import Strategy
from caponier.records.finding import Finding, Severity
from caponier.records.inventory import Workspace

SEED, SIZE = 1, 0.004
MOST = 8
"""Findings of a month of usual work; the rare acts of people are as many here as in a month of its full size."""


def scanned(root: Path, *, attacked: bool, inside: bool) -> tuple[Workspace, list[Finding]]:
    describe(create_workspace(root / "home"), inside=inside)
    home, found = require_workspace(root / "home"), []
    write(root / "month", seed=SEED, size=SIZE, planted=plant(people(random.Random(SEED))) if attacked else None)
    for folder, host in (("logs", None), *((host, host) for host in OF_HOST.values())):
        memory = recall(home)
        report = scan_logs([root / "month" / folder], workspace=home, host=host, memory=memory)
        assert report.rejected.count == 0
        keep_findings(home, report.findings, report.context)
        remember(home, memory)
        found += report.findings
    return home, found


def test_a_month_of_usual_work_is_quiet(tmp_path: Path) -> None:
    _, found = scanned(tmp_path, attacked=False, inside=False)
    assert len(found) <= MOST, [one.summary for one in found]
    assert not [one for one in found if one.severity is Severity.CRITICAL]


def test_each_attack_is_one_incident_of_its_own_steps(tmp_path: Path) -> None:
    home, found = scanned(tmp_path, attacked=True, inside=True)
    by_id = {one.finding_id: one for one in found}
    incidents = list_incidents(home)
    everybody = people(random.Random(SEED))
    for name, story in STORIES.items():
        mine = [one for one in incidents if story.actor(everybody) in one.actors]
        assert len(mine) == 1, name
        steps = [step for step in mine[0].steps if step.finding_id]
        told = list(dict.fromkeys(by_id[step.finding_id or ""].detector for step in steps))
        assert [one for one in told if one in story.detectors] == list(story.detectors), name
        assert mine[0].strategy is Strategy.TRADITIONAL
        assert (mine[0].last_time - mine[0].first_time).total_seconds() < 3 * 3600, "no steps from outside the window"
