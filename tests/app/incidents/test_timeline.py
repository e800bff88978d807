"""What an incident tells of one thing, it tells once."""

from dataclasses import replace
from datetime import timedelta

from caponier.app.incidents.timeline import moments
from caponier.records.finding import SubjectRef
from caponier.records.incident import Step
from respond.made import START, refs

LOGIN = Step(START, "Initial Access", refs("T1078"), SubjectRef("account", "ada"), "f-1", ("e-1",), "ada logs in")


def test_a_finding_of_two_tactics_is_one_moment() -> None:
    (told,) = moments([LOGIN, replace(LOGIN, tactic="Execution", techniques=refs("T1078", "AML.T0012"))])
    assert told.tactics == "Initial Access, Execution"
    assert [ref.id for ref in told.techniques] == ["T1078", "AML.T0012"]
    assert (told.time, told.seen, told.finding_ids) == (START, "ada logs in", ("f-1",))


def test_one_login_that_several_rules_name_is_one_moment() -> None:
    context = replace(LOGIN, finding_id=None, summary="a risky login")
    (told,) = moments([LOGIN, context, replace(LOGIN, finding_id="f-2", event_ids=("e-1", "e-2"))])
    assert told.seen == "ada logs in; a risky login"
    assert told.finding_ids == ("f-1", "f-2")


def test_rules_that_say_the_same_of_an_event_stand_before_it_together() -> None:
    first, second, third = (
        replace(LOGIN, finding_id=f"f-{n}", summary=said)
        for n, said in enumerate(("A key made: ada on gpu-1", "Rights changed: ada on gpu-1", "A login: ben on gpu-2"))
    )
    (told,) = moments([first, second, third])
    assert told.seen == "A key made; Rights changed: ada on gpu-1; A login: ben on gpu-2"


def test_what_joins_two_that_were_apart_makes_one_of_them() -> None:
    other = replace(LOGIN, finding_id="f-2", event_ids=("e-2",))
    assert len(moments([LOGIN, other])) == 2
    assert len(moments([LOGIN, other, replace(LOGIN, finding_id="f-3", event_ids=("e-1", "e-2"))])) == 1


def test_another_time_is_another_moment() -> None:
    later = replace(LOGIN, time=START + timedelta(seconds=1))
    assert [one.time for one in moments([LOGIN, later])] == [LOGIN.time, later.time]


def test_no_steps_are_no_moments() -> None:
    assert moments([]) == []
