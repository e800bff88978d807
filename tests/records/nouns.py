"""Any finding, incident, action, trial and context event, as hypothesis draws them: hostile texts and far dates too."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from caponier.matrix.case_study import Strategy
from caponier.matrix.technique import Color, TechniqueId, TechniqueRef
from caponier.records.context import ContextEvent
from caponier.records.finding import Basis, Evidence, Expected, Finding, Said, Severity, SubjectRef
from caponier.records.incident import Incident, Note, Stage, Step
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.records.trial import Trial

texts = st.text(max_size=12)
"""Control characters, quotes and letters of any script; no lone surrogates, which no JSON file can hold."""
maybe = st.none() | texts
several = st.lists(texts, max_size=3).map(tuple)
figures = st.floats(allow_nan=False, allow_infinity=False)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC) | offsets)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | figures | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
"""Whatever JSON can say."""
facts = st.dictionaries(texts, plain, max_size=4)

techniques = st.lists(
    st.builds(TechniqueRef, matrix=texts, id=texts, name=texts, color=st.none() | st.sampled_from(Color)), max_size=3
).map(tuple)
subjects = st.builds(SubjectRef, kind=texts, id=texts, ids=several, path=maybe, sha256=maybe, sender=maybe)
counts = st.integers(0, 10**9)
expecteds = st.builds(Expected, figures, figures, figures)
saids = st.builds(Said, texts, texts, figures, figures)
evidences = st.builds(
    Evidence,
    statistic=texts,
    value=figures,
    threshold=figures,
    above=counts,
    of=counts,
    age=counts,
    basis=st.none() | st.sampled_from(Basis),
    facts=facts,
    share=st.none() | figures,
    expected=st.none() | expecteds,
    beside=st.lists(saids, max_size=2).map(tuple),
)
findings = st.builds(
    Finding,
    finding_id=texts,
    detector=texts,
    subject=subjects,
    system=maybe,
    model=maybe,
    model_version=maybe,
    severity=st.sampled_from(Severity),
    confidence=st.floats(0, 1),
    techniques=techniques,
    harms=several,
    first_time=moments,
    last_time=moments,
    trigger_event_id=maybe,
    event_ids=several,
    unique_queries=counts,
    evidence=evidences,
    summary=texts,
    notify=st.booleans(),
)
steps = st.builds(
    Step,
    time=moments,
    tactic=texts,
    techniques=techniques,
    subject=subjects,
    finding_id=maybe,
    event_ids=several,
    summary=texts,
)
notes = st.builds(Note, time=moments, author=texts, text=texts)
incidents = st.builds(
    Incident,
    incident_id=texts,
    stage=st.sampled_from(Stage),
    actors=several,
    systems=several,
    models=several,
    strategy=st.sampled_from(Strategy),
    severity=st.sampled_from(Severity),
    harms=several,
    first_time=moments,
    last_time=moments,
    finding_ids=several,
    steps=st.lists(steps, max_size=3).map(tuple),
    owner=maybe,
    notes=st.lists(notes, max_size=2).map(tuple),
    stage_since=st.none() | moments,
    merged=several,
)
actions = st.builds(
    ResponseAction,
    action_id=texts,
    incident_id=texts,
    kind=st.sampled_from(ActionKind),
    scope=subjects,
    system=maybe,
    model=maybe,
    reason=texts,
    author=texts,
    created=moments,
    expires=moments,
    needs_approval=st.booleans(),
    state=st.sampled_from(ActionState),
    undo=texts,
    approver=maybe,
    parameters=facts,
)
trials = st.builds(
    Trial,
    trial_id=texts,
    detector=texts,
    techniques=st.lists(st.builds(TechniqueId, texts, texts), max_size=3).map(tuple),
    emulation=texts,
    control=texts,
    target=texts,
    caponier_version=texts,
    time=moments,
    attack_succeeded=st.booleans(),
    detected=st.booleans(),
    control_silent=st.booleans(),
    figures=facts,
)
contexts = st.builds(
    ContextEvent,
    time=moments,
    rule=texts,
    techniques=techniques,
    account=maybe,
    host=maybe,
    address=maybe,
    event_id=texts,
    summary=texts,
    level=texts,
)

NOUNS = {
    "subject": subjects,
    "evidence": evidences,
    "finding": findings,
    "step": steps,
    "note": notes,
    "incident": incidents,
    "action": actions,
    "trial": trials,
    "context": contexts,
}
"""Every noun with a JSON form."""
