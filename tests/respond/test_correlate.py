from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import Color
from caponier.records.finding import Evidence, Finding, Severity, SubjectRef
from caponier.records.incident import Incident, Note, Stage
from caponier.records.inventory import Identity
from caponier.respond.correlate import incident_id, strategy_of
from caponier.respond.settings import RespondSettings
from respond.made import (
    BULK_READ,
    EXTRACTION,
    LATERAL,
    NOW,
    at,
    context,
    file_finding,
    finding,
    joined,
    log_finding,
    rows_finding,
)


def only(*findings: Finding, **given_: object) -> Incident:
    (incident,) = joined(*findings, **given_).incidents  # type: ignore[arg-type]
    return incident


def test_one_finding_is_one_incident() -> None:
    one = finding(1)
    incident = only(one)
    assert incident.incident_id == incident_id(one)
    assert (incident.stage, incident.owner, incident.stage_since) == (Stage.OPEN, None, None)
    assert (incident.systems, incident.models, incident.finding_ids) == (
        ("digits",),
        ("digits-mlp",),
        (one.finding_id,),
    )
    assert incident.actors == ("account:ada", "address:10.0.0.1", "principal:k-1")
    assert (incident.first_time, incident.last_time) == (one.first_time, one.last_time)


def test_nothing_is_nothing() -> None:
    assert joined().incidents == ()
    assert joined(events=(context(1),)).incidents == ()


def test_the_whole_story_is_one_combined_incident() -> None:
    """The attacker of the demo: a login, a download, extraction and evasion, flipped labels and a malicious file."""
    incident = only(
        log_finding(1, "ada", days=0.0),
        log_finding(2, "ada", days=0.1, techniques=BULK_READ, detector="sigma:bulk_read"),
        finding(3, days=0.2, techniques=EXTRACTION, detector="distance_shape", harms=("confidentiality",)),
        finding(4, days=0.3),
        rows_finding(5, days=0.4),
        file_finding(6, days=0.5, harms=("confidentiality", "integrity", "availability")),
    )
    assert incident.strategy is Strategy.COMBINED
    assert incident.tactics == ("Initial Access", "Exfiltration", "Model Evasion", "Execution")
    assert incident.harms == ("confidentiality", "integrity", "availability")
    assert len(incident.finding_ids) == len(incident.steps) == 6
    assert [step.time for step in incident.steps] == sorted(step.time for step in incident.steps)


# -- who is one actor


def test_an_account_and_its_key_are_one_actor_only_by_the_inventory() -> None:
    pair = (log_finding(1, "ada"), finding(2, "k-1", days=1))
    assert len(joined(*pair).incidents) == 1
    assert len(joined(*pair, identities=()).incidents) == 2


def test_a_renewed_key_is_the_same_actor() -> None:
    rotated = (Identity(key_hash="k-1", account="ada"), Identity(key_hash="k-2", account="ada"))
    assert len(joined(finding(1, "k-1"), finding(2, "k-2", days=1), identities=rotated).incidents) == 1


def test_two_actors_on_one_model_stay_apart() -> None:
    assert len(joined(finding(1, "k-1"), finding(2, "k-2")).incidents) == 2


def test_an_actor_stays_one_over_two_systems() -> None:
    incident = only(finding(1), finding(2, days=1, model="fraud", system="cards"))
    assert incident.systems == ("cards", "digits")


def test_one_address_joins_unless_it_is_shared() -> None:
    pair = (log_finding(1, "bob"), log_finding(2, "eve", days=1))
    assert len(joined(*pair, identities=()).incidents) == 1
    office = RespondSettings.model_validate({"shared_addresses": ["10.0.0.0/24"]})
    assert len(joined(*pair, identities=(), settings=office).incidents) == 2


def test_a_user_agent_does_not_hide_an_address() -> None:
    first, second = (SubjectRef("address", f"10.9.9.9 {agent}") for agent in ("curl/8", "python/3"))
    assert len(joined(finding(1, first), finding(2, second, days=1)).incidents) == 1


def test_the_victims_of_a_password_spray_are_no_actors() -> None:
    spray = log_finding(
        1,
        "x",
        subject=SubjectRef("address", "10.7.7.7"),
        evidence=Evidence("rule", 9, 5, facts={"account": ["ada", "bob"], "address": ["10.7.7.7"]}),
    )
    assert only(spray, identities=()).actors == ("address:10.7.7.7",)


def test_accounts_are_told_apart_without_regard_to_case() -> None:
    assert (
        len(joined(log_finding(1, "Ada", address="1.1.1.1"), log_finding(2, "ADA", address="2.2.2.2")).incidents) == 1
    )


# -- what has no actor


def test_rows_join_who_was_last_on_their_system() -> None:
    first, second = finding(1, "k-1", days=0), finding(2, "k-2", days=1)
    rows = rows_finding(3, days=2)
    found = joined(first, second, rows).incidents
    assert [incident.finding_ids for incident in found] == [
        (first.finding_id,),
        (second.finding_id, rows.finding_id),
    ]


def test_rows_that_come_first_are_taken_over_by_the_next_actor_alone() -> None:
    rows, first, second = rows_finding(1), finding(2, "k-1", days=1), finding(3, "k-2", days=2)
    found = joined(rows, first, second).incidents
    assert [incident.finding_ids for incident in found] == [
        (rows.finding_id, first.finding_id),
        (second.finding_id,),
    ]


def test_what_has_neither_actor_nor_system_stays_alone() -> None:
    lost = file_finding(1, system=None)
    other = file_finding(2, system=None, subject=SubjectRef("file", "b", (), "/b", "ef" * 32))
    assert len(joined(lost, other, finding(3)).incidents) == 3


def test_the_same_file_is_one_incident() -> None:
    assert len(joined(file_finding(1, system=None), file_finding(2, system=None, days=1)).incidents) == 1


def test_a_model_belongs_to_its_system_without_being_told() -> None:
    assert only(finding(1, system=None), rows_finding(2, days=1)).systems == ("digits",)


# -- time


@pytest.mark.parametrize(("days", "incidents"), [(7.0, 1), (7.02, 2)])
def test_silence_separates(days: float, incidents: int) -> None:
    assert len(joined(finding(1, lasting=0.01), finding(2, days=days)).incidents) == incidents


def test_the_gap_is_the_users() -> None:
    pair = (finding(1), finding(2, days=3))
    assert len(joined(*pair).incidents) == 1
    assert len(joined(*pair, settings=RespondSettings(gap_days=1)).incidents) == 2


# -- context


def test_context_alone_opens_nothing_and_joins_its_actor() -> None:
    outside, login = context(1, "ada"), log_finding(1, "ada", days=2)
    assert joined(events=(outside,)).incidents == ()
    incident = only(login, events=(outside,))
    assert [step.finding_id for step in incident.steps] == [None, login.finding_id]
    assert incident.finding_ids == (login.finding_id,)
    assert incident.first_time == outside.time


@pytest.mark.parametrize(
    ("event", "joins"),
    [
        (context(1, "ada", days=-6.9), True),
        (context(1, "ada", days=-7.1), False),
        (context(1, "ada", days=5), True),
        (context(1, "bob"), False),
        (context(1, None, host=None), False),
        (context(1, "bob", address="10.0.0.1"), True),
    ],
)
def test_context_needs_the_actor_and_the_time(event: object, joins: bool) -> None:
    incident = only(log_finding(1, "ada"), events=(event,))
    assert (len(incident.steps) == 2) == joins


def test_context_does_not_bridge_a_silence() -> None:
    events = (context(1, days=5),)
    found = joined(log_finding(1, "ada"), log_finding(2, "ada", days=9), events=events).incidents
    assert [len(incident.steps) for incident in found] == [1, 2]


def test_context_counts_for_the_strategy() -> None:
    evasion = finding(1)
    assert only(evasion).strategy is Strategy.ADVERSARIAL_ML
    combined = only(evasion, events=(context(1, "ada", days=-1, techniques=LATERAL),))
    assert combined.strategy is Strategy.COMBINED
    assert combined.tactics == ("Lateral Movement", "Model Evasion")


# -- labels


@pytest.mark.parametrize(
    ("findings", "strategy"),
    [
        ((log_finding(1, "ada"),), Strategy.TRADITIONAL),
        ((finding(1),), Strategy.ADVERSARIAL_ML),
        ((log_finding(1, "ada"), finding(2)), Strategy.COMBINED),
        ((finding(1, techniques=()),), Strategy.TRADITIONAL),
        ((finding(1, techniques=("T1021",)),), Strategy.TRADITIONAL),
        ((finding(1, techniques=("AML.T0012",)),), Strategy.TRADITIONAL),
        ((finding(1, techniques=("AML.T0024.002",)),), Strategy.ADVERSARIAL_ML),
    ],
)
def test_the_strategy_is_that_of_the_colours(findings: tuple[Finding, ...], strategy: Strategy) -> None:
    assert only(*findings).strategy is strategy


def test_every_set_of_colours_has_a_strategy() -> None:
    assert strategy_of([]) is strategy_of([Color.WHITE]) is Strategy.TRADITIONAL
    assert strategy_of([Color.ORANGE]) is Strategy.ADVERSARIAL_ML
    assert strategy_of([Color.ORANGE, Color.WHITE]) is Strategy.COMBINED


def test_the_severity_is_that_of_the_severest_finding_and_no_more() -> None:
    story = (
        log_finding(1, "ada", severity=Severity.MEDIUM),
        finding(2, days=1, severity=Severity.LOW),
        finding(3, days=2, techniques=EXTRACTION, severity=Severity.MEDIUM),
        file_finding(4, days=3, severity=Severity.MEDIUM),
    )
    incident = only(*story)
    assert (incident.strategy, len(incident.tactics)) == (Strategy.COMBINED, 4)
    assert incident.severity is Severity.MEDIUM


# -- growth


def test_growth_keeps_id_owner_notes_and_stage() -> None:
    first = finding(1)
    note = Note(at(1), "ben", "called")
    stored = replace(only(first), owner="ben", notes=(note,), stage=Stage.CONTAINED, stage_since=at(5))
    old_news = finding(2, days=2)
    grown = only(first, old_news, stored=(stored,))
    assert (grown.incident_id, grown.owner, grown.notes) == (stored.incident_id, "ben", (note,))
    assert (grown.stage, grown.stage_since) == (Stage.CONTAINED, at(5))
    assert len(grown.finding_ids) == 2


@pytest.mark.parametrize("stage", [Stage.CONTAINED, Stage.REMEDIATED])
def test_an_attack_that_goes_on_reopens(stage: Stage) -> None:
    first = finding(1)
    stored = replace(only(first), stage=stage, stage_since=at(1))
    assert only(first, finding(2, days=0.5), stored=(stored,)).stage is stage
    reopened = only(first, finding(2, days=2), stored=(stored,))
    assert (reopened.stage, reopened.stage_since) == (Stage.OPEN, NOW)


@pytest.mark.parametrize("stage", [Stage.VERIFIED, Stage.CLOSED])
def test_anything_new_reopens_what_was_over(stage: Stage) -> None:
    first = finding(1)
    stored = replace(only(first), stage=stage, stage_since=at(5))
    assert only(first, stored=(stored,)) == stored
    assert only(first, finding(2, days=0.5), stored=(stored,)).stage is Stage.OPEN


def test_context_reopens_nothing() -> None:
    first = log_finding(1, "ada")
    stored = replace(only(first), stage=Stage.CLOSED, stage_since=at(1))
    grown = only(first, stored=(stored,), events=(context(1, days=2),))
    assert (grown.stage, len(grown.steps)) == (Stage.CLOSED, 2)


def test_a_finding_that_names_two_actors_makes_two_incidents_one() -> None:
    early, late = finding(1, "k-1"), finding(2, "k-2", days=1)
    one, two = joined(early, late, identities=()).incidents
    one, two = replace(one, stage=Stage.CONTAINED, stage_since=at(9)), replace(two, owner="ben", merged=("i-older",))
    link = finding(3, SubjectRef("principal", "k-1"), days=2, facts={"principal": ["k-2"]})
    result = joined(early, late, link, stored=(two, one), identities=())
    (merged,) = result.incidents
    assert result.merged == {two.incident_id: one.incident_id}
    assert merged.incident_id == one.incident_id
    assert merged.merged == tuple(sorted([two.incident_id, "i-older"]))
    assert (merged.owner, merged.stage) == ("ben", Stage.OPEN)


def test_an_earlier_finding_does_not_change_the_id() -> None:
    later = finding(2, days=3)
    stored = only(later)
    grown = only(finding(1), later, stored=(stored,))
    assert grown.incident_id == stored.incident_id != incident_id(finding(1))


# -- laws

subjects = st.sampled_from(["k-1", "k-2", "k-3", "account", "rows", "file"])


@st.composite
def some_findings(draw: st.DrawFn) -> list[Finding]:
    drawn = draw(st.lists(st.tuples(subjects, st.integers(0, 40), st.booleans()), max_size=14))
    made: list[Finding] = []
    for number, (subject, day, linked) in enumerate(drawn):
        if subject == "account":
            made.append(log_finding(number, "ada", days=day))
        elif subject in ("rows", "file"):
            made.append((rows_finding if subject == "rows" else file_finding)(number, days=day))
        else:
            made.append(finding(number, subject, days=day, facts={"principal": ["k-2"]} if linked else None))
    return made


def content(incidents: tuple[Incident, ...]) -> set[Incident]:
    """What incidents say, without their ids, which depend on what was known when they were opened."""
    return {replace(incident, incident_id="", merged=(), stage_since=None) for incident in incidents}


@given(some_findings(), st.randoms())
@settings(max_examples=60, deadline=None)
def test_order_does_not_matter(findings: list[Finding], random: object) -> None:
    events = tuple(context(number, days=3 * number) for number in range(9))
    shuffled = [*findings, *findings[:3]]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert joined(*shuffled, events=events[::-1]) == joined(*findings, events=events)


@given(some_findings())
@settings(max_examples=60, deadline=None)
def test_a_replay_adds_nothing(findings: list[Finding]) -> None:
    events = tuple(context(number, days=3 * number) for number in range(9))
    first = joined(*findings, events=events).incidents
    again = joined(*findings, events=events, stored=first)
    assert (again.incidents, again.merged) == (first, {})


@given(some_findings(), st.data())
@settings(max_examples=60, deadline=None)
def test_any_split_into_runs_gives_the_same_incidents(findings: list[Finding], data: st.DataObject) -> None:
    stored: tuple[Incident, ...] = ()
    seen: list[Finding] = []
    rest = data.draw(st.permutations(findings))
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        seen, rest = [*seen, *rest[:size]], rest[size:]
        stored = joined(*seen, stored=stored).incidents
    assert content(stored) == content(joined(*findings).incidents)


@given(some_findings(), st.data())
@settings(max_examples=60, deadline=None)
def test_runs_in_order_of_time_give_the_same_ids(findings: list[Finding], data: st.DataObject) -> None:
    stored: tuple[Incident, ...] = ()
    rest = sorted(findings, key=lambda one: (one.first_time, one.finding_id))
    seen: list[Finding] = []
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        seen, rest = [*seen, *rest[:size]], rest[size:]
        stored = joined(*seen, stored=stored).incidents
    whole = joined(*findings).incidents
    assert [one.incident_id for one in stored] == [one.incident_id for one in whole]


@given(some_findings())
@settings(max_examples=60, deadline=None)
def test_every_finding_is_in_exactly_one_incident(findings: list[Finding]) -> None:
    inside = [id_ for incident in joined(*findings).incidents for id_ in incident.finding_ids]
    assert sorted(inside) == sorted({one.finding_id for one in findings})


def test_context_of_an_account_may_be_bound_to_hours() -> None:
    near, far = context(1, "ada", days=4.9), context(2, "ada", days=2)
    settings = RespondSettings(context_hours=24)
    (one,) = joined(log_finding(5, "ada", days=5), events=(near, far), settings=settings).incidents
    assert one.first_time == near.time


ANY_USE = ("AML.T0040", "AMLTM.EXEC.02")


@pytest.mark.parametrize(
    ("findings", "strategy"),
    [
        # One key that queries one model, however many detectors speak of it and whatever they call it.
        ((finding(1, techniques=ANY_USE), finding(2)), Strategy.ADVERSARIAL_ML),
        ((finding(1, techniques=ANY_USE),), Strategy.ADVERSARIAL_ML),
        ((finding(1, techniques=(*ANY_USE, *LATERAL)),), Strategy.TRADITIONAL),
        ((log_finding(1, "ada"), finding(2, techniques=ANY_USE)), Strategy.COMBINED),
        # The same entry by a rule over the log of a gateway is an ordinary means.
        ((log_finding(1, "ada", techniques=ANY_USE),), Strategy.TRADITIONAL),
        ((log_finding(1, "ada", techniques=ANY_USE), finding(2)), Strategy.COMBINED),
    ],
)
def test_queries_to_a_model_are_not_an_ordinary_means(findings: tuple[Finding, ...], strategy: Strategy) -> None:
    assert only(*findings).strategy is strategy


def test_an_api_key_that_queried_a_model_came_by_no_other_way() -> None:
    seen = (finding(1, techniques=ANY_USE), finding(2), finding(3, techniques=EXTRACTION))
    assert only(*seen, events=(context(9, days=0.1),)).strategy is Strategy.COMBINED
    assert only(*seen).strategy is Strategy.ADVERSARIAL_ML
