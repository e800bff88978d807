"""Any sequence of apply, approve, undo and waiting, against a model of a few lines."""

from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import record_findings
from caponier.app.incidents.incidents import show_incident
from caponier.app.respond.action_feed import active_actions
from caponier.app.respond.respond import apply_response, approve_action, expire_actions, list_actions, undo_action
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.errors import InputError
from caponier.records.incident import Stage
from caponier.records.response_action import ActionState, ResponseAction
from respond.made import ADA, NOW, file_finding, finding, log_finding, workspace

pytestmark = pytest.mark.slow

PEOPLE = st.sampled_from(["ada", "ben"])


class Responses(RuleBasedStateMachine):
    """What the store says must be what the model says, whatever was done."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.home = workspace(Path(self.folder.name), ADA)
        found = [log_finding(1, "ada"), finding(2, days=1), file_finding(3, days=2)]
        record_findings(self.home, found, actor="test")
        (incident,) = correlate_findings(self.home, actor="test").opened
        self.incident = incident.incident_id
        self.now = NOW
        self.model: dict[str, ResponseAction] = {}
        self.revision = 0
        self.changes = 0

    def teardown(self) -> None:
        self.folder.cleanup()

    def live(self, state: ActionState) -> list[str]:
        return sorted(id_ for id_, one in self.model.items() if one.state is state and self.now < one.expires)

    def known(self, *changed: ResponseAction) -> None:
        self.model |= {one.action_id: one for one in changed}
        self.changes += len(changed)

    @rule(who=PEOPLE)
    def apply(self, who: str) -> None:
        self.settle()
        done = apply_response(self.home, self.incident, now=self.now, actor=who).actions
        assert not {one.action_id for one in done} & set(self.model)
        self.known(*done)

    @precondition(lambda self: self.model)
    @rule(who=PEOPLE, data=st.data())
    def approve(self, who: str, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.model)))
        may = id_ in self.live(ActionState.AWAITING_APPROVAL) and self.model[id_].author != who
        try:
            self.known(approve_action(self.home, id_, now=self.now, actor=who))
            assert may
        except InputError:
            assert not may

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def undo(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.model)))
        may = id_ in self.live(ActionState.ACTIVE) + self.live(ActionState.AWAITING_APPROVAL)
        try:
            self.known(undo_action(self.home, id_, now=self.now, actor="ben"))
            assert may
        except InputError:
            assert not may

    @rule(hours=st.sampled_from([1, 25, 80]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def settle(self) -> None:
        over = expire_actions(self.home, now=self.now, actor="test")
        live = (ActionState.ACTIVE, ActionState.AWAITING_APPROVAL)
        due = {id_ for id_, one in self.model.items() if one.state in live and self.now >= one.expires}
        assert {one.action_id for one in over} == due
        self.known(*over)

    @invariant()
    def what_is_in_force_is_what_the_model_says(self) -> None:
        active = active_actions(self.home, now=self.now)
        assert sorted(one.action_id for one in active.actions) == self.live(ActionState.ACTIVE)
        assert active.revision == self.changes >= self.revision
        self.revision = active.revision
        everything = list_actions(self.home, everything=True, now=self.now)
        assert {one.action_id for one in everything} == set(self.model)

    @invariant()
    def the_audit_log_has_one_row_a_change_and_is_whole(self) -> None:
        rows = [row.action for row in list_audit(self.home, limit=10_000)]
        assert sum(row.startswith("action.") for row in rows) == self.changes
        assert verify_audit(self.home).ok

    @invariant()
    def contained_means_that_something_is_in_force(self) -> None:
        stage = show_incident(self.home, self.incident).incident.stage
        noted = {one.state for one in self.model.values()}
        assert stage in (Stage.OPEN, Stage.CONTAINED)
        if ActionState.ACTIVE not in noted:
            assert stage is Stage.OPEN


Responses.TestCase.settings = settings(
    max_examples=6, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
test_responses = Responses.TestCase
