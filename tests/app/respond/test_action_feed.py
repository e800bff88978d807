from pathlib import Path

import pytest
from sqlalchemy import event

from app.respond.test_respond import EVASION, FILE, HOURS, incident
from caponier.app.respond.action_feed import ActionFeed, active_actions
from caponier.app.respond.respond import apply_response, undo_action
from caponier.records.inventory import Workspace
from respond.made import ADA, NOW, workspace


@pytest.fixture
def home(tmp_path: Path) -> Workspace:
    return workspace(tmp_path, ADA)


def test_a_guard_polls_for_one_number(home: Workspace) -> None:
    id_ = incident(home, EVASION)
    with ActionFeed(home) as one, ActionFeed(home) as other:
        assert one.poll(NOW) is not None
        assert one.poll(NOW) is None
        done = apply_response(home, id_, now=NOW)
        for feed in (one, other):
            seen = feed.poll(NOW)
            assert seen is not None
            assert sorted(one.action_id for one in seen.actions) == sorted(one.action_id for one in done.actions)
            assert feed.poll(NOW) is None
        before = seen.revision
        assert one.expire(NOW) == ()
        assert len(one.expire(NOW + 24 * HOURS)) == len(done.actions)
        after = other.poll(NOW + 24 * HOURS)
        assert after is not None
        assert (after.actions, after.revision) == ((), before + len(done.actions))


def test_a_poll_without_news_reads_one_number(home: Workspace) -> None:
    apply_response(home, incident(home, EVASION, FILE), now=NOW)
    with ActionFeed(home) as feed:
        feed.poll(NOW)
        said: list[str] = []
        engine = feed._store._readers
        event.listen(engine, "before_cursor_execute", lambda *given: said.append(given[2]))
        assert feed.poll(NOW) is None
    assert [statement.split()[:2] for statement in said] == [["BEGIN"], ["SELECT", "response_revision.revision"]]


def test_what_awaits_approval_or_is_over_is_not_in_force(home: Workspace) -> None:
    id_ = incident(home, FILE)
    assert active_actions(home, now=NOW).actions == ()
    (action,) = apply_response(home, id_, now=NOW).actions
    assert active_actions(home, now=action.expires - HOURS).actions == (action,)
    assert active_actions(home, now=action.expires).actions == ()
    undo_action(home, action.action_id, now=NOW)
    assert active_actions(home, now=NOW).actions == ()
