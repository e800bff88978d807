"""Of every way to do what a rule is about: whatever matched is told, and whatever is told is in every export."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.export import to_json, to_ocsf
from caponier.app.incidents.export_flow import to_flow
from caponier.app.incidents.incidents import list_incidents, show_incident
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.assets.inside import Inside
from caponier.detect.assets.scope import Scope
from caponier.detect.sigma.sigma import Sigma
from caponier.emulate.attack_steps import acts, clouds, cluster, people, planted, servers, taken
from caponier.emulate.attack_steps.attack_step import Row, timed
from caponier.emulate.attack_steps.story import SYSTEM
from caponier.records.inventory import Workspace
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.security_logs.events import read_logs

STEPS = cluster.STEPS | servers.STEPS | people.STEPS | clouds.STEPS | acts.STEPS | planted.STEPS | taken.STEPS
START = datetime(2026, 3, 2, 2, tzinfo=UTC)


def attacks() -> Iterator[Row]:
    """Every way of every step, one an hour and a half."""
    ways = [way for step in STEPS.values() for way in step.variants]
    for number, way in enumerate(ways):
        yield from timed(way, START + timedelta(minutes=90 * number))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    found = require_workspace(create_workspace(tmp_path_factory.mktemp("home") / "home"))
    found = found.model_copy(update={"systems": (SYSTEM,)})
    (found.root / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in attacks()))
    return found


@pytest.fixture(scope="module")
def report(home: Workspace) -> LogScanReport:
    return scan_logs([home.root / "log.jsonl"], workspace=home)


def test_whatever_matched_is_a_finding_or_context(home: Workspace, report: LogScanReport) -> None:
    matched = set()
    with RejectedRows() as rejected, Sigma().start(Scope([SYSTEM]), inside=Inside(home.inside)) as run:
        for read in read_logs([home.root / "log.jsonl"], rejected):
            run.feed(read.events)
        for match in run.matches():
            matched |= {match.trigger.event_id, *(hit.event_id for hit in match.hits)}
    told = {id_ for one in report.findings for id_ in one.event_ids}
    told |= {id_ for one in (*report.context, *report.usual) for id_ in (one.event_ids or (one.event_id,))}
    # The events of one log are named with the salt of the workspace, so that what is compared is how many there are.
    assert len(told) == len(matched) > len(STEPS)


def test_whatever_is_told_is_in_every_export(home: Workspace, report: LogScanReport) -> None:
    keep_findings(home, report.findings, report.context)
    correlate_findings(home)
    texts = {"json": "", "ocsf": "", "flow": ""}
    context = set()
    for one in list_incidents(home):
        case = show_incident(home, one.incident_id)
        texts["json"] += str(to_json(case))
        texts["ocsf"] += json.dumps(to_ocsf(case))
        texts["flow"] += to_flow(case)
        context |= {id_ for step in one.steps for id_ in step.event_ids}
    told = {id_ for finding in report.findings for id_ in finding.event_ids}
    assert told <= context
    for name, text in texts.items():
        assert not [id_ for id_ in context if id_ not in text], name
