from dataclasses import replace
from itertools import product

import pytest

from caponier.errors import InputError
from caponier.records.incident import TRANSITIONS, Stage
from caponier.respond.stage import advance, least
from respond.made import NOW, finding, joined

ALLOWED = {
    ("open", "contained"),
    ("open", "remediated"),
    ("open", "closed"),
    ("contained", "open"),
    ("contained", "remediated"),
    ("contained", "closed"),
    ("remediated", "open"),
    ("remediated", "verified"),
    ("verified", "open"),
    ("verified", "closed"),
    ("closed", "open"),
}


@pytest.mark.parametrize(("before", "after"), list(product(Stage, Stage)))
def test_every_transition_is_allowed_or_refused(before: Stage, after: Stage) -> None:
    incident = replace(joined(finding(1)).incidents[0], stage=before)
    if (before.value, after.value) in ALLOWED:
        moved = advance(incident, after, NOW)
        assert (moved.stage, moved.stage_since) == (after, NOW)
        assert replace(moved, stage=before, stage_since=None) == incident
    else:
        with pytest.raises(InputError, match=f"cannot become {after}") as refused:
            advance(incident, after, NOW)
        assert all(stage.value in str(refused.value.hint) for stage in TRANSITIONS[before])


def test_no_stage_is_a_dead_end() -> None:
    assert all(TRANSITIONS[stage] for stage in Stage)


def test_incidents_that_become_one_are_as_far_as_the_slowest() -> None:
    assert least([Stage.CLOSED, Stage.CONTAINED, Stage.VERIFIED]) is Stage.CONTAINED
