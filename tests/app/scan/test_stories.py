"""Every log story against the rules that claim it: seen in the attack, silent in the same days without it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from caponier.app.incidents.correlate import settings_of
from caponier.app.scan.logs import LogScanReport, scan_logs
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.coverage.log_emulations import log_emulations
from caponier.detect.sigma.rule_files import RuleDocument, own_rules
from caponier.detect.sigma.sigma import Sigma
from caponier.emulate.log_story import LogTrace
from caponier.emulate.registry import stories
from caponier.records.inventory import Workspace
from caponier.respond.correlate import correlate

SEED = 5


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return require_workspace(create_workspace(tmp_path_factory.mktemp("stories")))


def scanned(trace: LogTrace, home: Workspace, path: Path) -> LogScanReport:
    path.write_bytes(trace.to_json_lines())
    report = scan_logs([path], workspace=home)
    assert report.rejected.count == 0, report.rejected.first
    return report


@pytest.mark.slow
@pytest.mark.parametrize("name", stories())
def test_the_claims_of_a_story_hold(name: str, home: Workspace, tmp_path: Path) -> None:
    story = stories()[name]
    workspace = home.model_copy(update={"systems": (story.system,)})
    rules = {f"sigma:{rule}" for rule, claimed in log_emulations().items() if name in claimed}
    trace = story.attack(SEED)
    bad = scanned(trace, workspace, tmp_path / "bad.jsonl")
    joined = correlate(bad.findings, bad.context, [], workspace, settings_of(workspace), datetime.now(UTC))
    silent = {id_ for one in joined.incidents for step in one.steps if not step.finding_id for id_ in step.event_ids}
    seen = {one.detector for one in bad.findings if one.subject.id == trace.actor}
    seen |= {one.rule for one in bad.context if one.account == trace.actor and one.event_id in silent}
    assert rules <= seen
    assert len(joined.incidents) == 1
    calm = scanned(story.control(SEED), workspace, tmp_path / "calm.jsonl")
    assert rules.isdisjoint(finding.detector for finding in calm.findings)


def test_every_rule_that_speaks_has_a_story() -> None:
    written = {document.content["name"] for document in own_rules() if isinstance(document, RuleDocument)}
    spoken = {rule.name.removeprefix("sigma:") for rule in Sigma().rules}
    assert set(log_emulations()) == spoken & written
