"""Any sequence of findings, context, stages, notes and response actions over a real store, against plain sets."""

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from caponier.app.incidents.correlate import correlate_findings
from caponier.app.incidents.findings import show_finding
from caponier.app.incidents.incidents import (
    advance_incident,
    assign_incident,
    count_loose_findings,
    list_incidents,
    note_incident,
    show_incident,
)
from caponier.app.incidents.keep_findings import keep_findings
from caponier.app.respond.respond import apply_response, list_actions, undo_action
from caponier.app.workspace.verify_audit import list_audit, verify_audit
from caponier.errors import InputError
from caponier.records.finding import Finding
from caponier.records.incident import TRANSITIONS, Incident, Stage
from caponier.records.inventory import Identity
from caponier.records.response_action import ActionState
from respond.made import LATERAL, NOW, context, finding, log_finding, rows_finding, workspace

pytestmark = pytest.mark.slow

IDENTITIES = (Identity(key_hash="k-1", account="ada"), Identity(key_hash="k-2", account="bob"))
ACCOUNTS = st.sampled_from(["ada", "bob", "eve"])
DAYS = st.integers(0, 40)


class Incidents(RuleBasedStateMachine):
    """What the store says must fit what was put into it, whatever was done in between."""

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.home = workspace(Path(self.folder.name), IDENTITIES)
        self.now: datetime = NOW
        self.number = 0
        self.found: dict[str, Finding] = {}
        self.logins: dict[tuple[str, int], str] = {}
        self.notes: list[str] = []
        self.ids: set[str] = set()
        self.rows = 0

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    def incidents(self) -> list[Incident]:
        return list_incidents(self.home)

    def keep(self, *made: Finding) -> None:
        keep_findings(self.home, made, actor="test")
        self.found |= {one.finding_id: one for one in made}
        self.ids |= {one.incident_id for one in self.incidents()}

    @rule(who=ACCOUNTS, days=DAYS)
    def log_in(self, who: str, days: int) -> None:
        self.number += 1
        made = log_finding(self.number, who, days=days, address=f"10.0.9.{self.number}")
        same = self.logins.setdefault((who, days), made.finding_id)
        if same == made.finding_id:
            self.keep(made)
            return
        # The same again within the hour is no finding of its own: the first one grows.
        keep_findings(self.home, [made], actor="test")
        grown = show_finding(self.home, same)
        assert {*self.found[same].event_ids, *made.event_ids} <= {*grown.event_ids}
        self.found[same] = grown

    @rule(who=st.sampled_from(["k-1", "k-2", "k-9"]), days=DAYS)
    def attack(self, who: str, days: int) -> None:
        self.number += 1
        self.keep(finding(self.number, who, days=days))

    @rule(days=DAYS)
    def flip_labels(self, days: int) -> None:
        self.number += 1
        self.keep(rows_finding(self.number, days=days))

    @rule(who=ACCOUNTS, days=DAYS)
    def wander_elsewhere(self, who: str, days: int) -> None:
        self.number += 1
        keep_findings(self.home, [], [context(self.number, who, days=days, techniques=LATERAL)], actor="test")

    @precondition(lambda self: self.found)
    @rule(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        """What is known already changes nothing, not even the audit log."""
        before, rows = self.incidents(), verify_audit(self.home).rows
        self.keep(self.found[data.draw(st.sampled_from(sorted(self.found)))])
        assert correlate_findings(self.home, actor="test").opened == ()
        assert self.incidents() == before
        assert verify_audit(self.home).rows == rows

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), to=st.sampled_from(list(Stage)))
    def advance(self, data: st.DataObject, to: Stage) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.ids)))
        before = show_incident(self.home, id_).incident
        self.now += timedelta(minutes=1)
        if to not in TRANSITIONS[before.stage]:
            with pytest.raises(InputError, match="From here it may become"):
                advance_incident(self.home, id_, to, reason="so", now=self.now, actor="ada")
            assert show_incident(self.home, id_).incident == before
            return
        after = advance_incident(self.home, id_, to, reason="so", now=self.now, actor="ada")
        assert (after.stage, after.stage_since) == (to, self.now)
        self.notes.append("so")

    @precondition(lambda self: self.ids)
    @rule(data=st.data(), text=st.sampled_from(["a", "<b>", "|c|", "  d "]))
    def note(self, data: st.DataObject, text: str) -> None:
        self.now += timedelta(minutes=1)
        id_ = data.draw(st.sampled_from(sorted(self.ids)))
        note_incident(self.home, id_, text, now=self.now, actor="ada")
        assign_incident(self.home, id_, "ben", actor="ada")
        self.notes.append(text.strip())

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def respond(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.ids)))
        self.now += timedelta(minutes=1)
        done = apply_response(self.home, id_, now=self.now, actor="ada")
        assert apply_response(self.home, id_, now=self.now, actor="ben").actions == ()
        in_force = {one.state for one in list_actions(self.home, incident_id=id_, now=self.now)}
        if in_force == {ActionState.ACTIVE}:
            assert done.incident.stage is not Stage.OPEN

    @rule(hours=st.sampled_from([1, 30, 24 * 40]))
    def wait(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.ids)
    @rule(data=st.data())
    def undo_everything(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.ids)))
        live = list_actions(self.home, incident_id=id_, now=self.now)
        for one in live:
            undo_action(self.home, one.action_id, now=self.now, actor="ada")
        assert list_actions(self.home, incident_id=id_, now=self.now) == []
        if live:
            assert show_incident(self.home, id_).incident.stage is not Stage.CONTAINED

    @invariant()
    def every_finding_is_in_one_incident_and_no_incident_is_empty(self) -> None:
        if not self.ids:
            return
        listed = self.incidents()
        held = [id_ for one in listed for id_ in one.finding_ids]
        assert sorted(held) == sorted(self.found)
        assert all(one.finding_ids for one in listed)
        assert count_loose_findings(self.home) == 0

    @invariant()
    def the_timeline_is_that_of_the_findings_and_context(self) -> None:
        for one in self.incidents() if self.ids else []:
            times = [step.time for step in one.steps]
            assert times == sorted(times)
            assert one.first_time == times[0]
            assert one.last_time >= max(self.found[id_].last_time for id_ in one.finding_ids)
            assert {step.finding_id for step in one.steps} - {None} == set(one.finding_ids)
            worst = max(self.found[id_].severity.rank for id_ in one.finding_ids)
            assert one.severity.rank == worst

    @invariant()
    def context_is_in_one_incident_at_most(self) -> None:
        events = [
            event
            for one in (self.incidents() if self.ids else [])
            for event in {step.event_ids for step in one.steps if step.finding_id is None}
        ]
        assert len(set(events)) == len(events)

    @invariant()
    def an_id_that_was_ever_told_still_leads_somewhere(self) -> None:
        """Tickets elsewhere name incidents; one that was merged leads to the one that it is a part of."""
        if not self.ids:
            return
        listed = {one.incident_id for one in self.incidents()}
        for id_ in self.ids:
            assert show_incident(self.home, id_).incident.incident_id in listed

    @invariant()
    def no_note_is_lost(self) -> None:
        if self.ids:
            assert sorted(note.text for one in self.incidents() for note in one.notes) == sorted(self.notes)

    @invariant()
    def the_audit_log_only_grows_and_is_whole(self) -> None:
        if not hasattr(self, "home"):
            return
        report = verify_audit(self.home)
        assert report.ok
        assert report.rows >= self.rows
        self.rows = report.rows
        opened = {row.object for row in list_audit(self.home, limit=10_000) if row.action == "incident.opened"}
        assert opened == self.ids


Incidents.TestCase.settings = settings(
    max_examples=6, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
)
test_incidents = Incidents.TestCase
