"""One incident and a playbook to response actions that are not done yet."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NamedTuple

from caponier.records.finding import Finding, SubjectRef
from caponier.records.incident import Incident
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionKind, ActionState, ResponseAction
from caponier.respond.actors import Actors
from caponier.respond.effects import EFFECTS
from caponier.respond.playbook import ActionScope, ActionTemplate, Rule, TargetScope
from caponier.respond.settings import RespondSettings


class Key(NamedTuple):
    """What makes two actions the same: one of them is enough at a time."""

    kind: str
    scope_kind: str
    scope_id: str
    model: str | None
    system: str | None
    needs_approval: bool
    """One that waits for approval does not stand in for one that begins at once."""


@dataclass(frozen=True, slots=True)
class ResponsePlan:
    """What a playbook would do for one incident; nothing is done yet."""

    incident: Incident
    actions: tuple[ResponseAction, ...]
    """In state planned."""
    standing: tuple[ResponseAction, ...]
    """Actions that the playbook calls for, too, but that are active or awaiting approval already."""
    unanswered: tuple[str, ...]
    """Ids of findings for which the playbook has no action."""


def plan(
    incident: Incident,
    findings: Sequence[Finding],
    rules: Iterable[Rule],
    workspace: Workspace,
    settings: RespondSettings,
    *,
    author: str,
    now: datetime,
    known: Sequence[ResponseAction] = (),
) -> ResponsePlan:
    """Make the response actions for an incident.

    Args:
        incident: The incident.
        findings: Its findings.
        rules: Of the playbooks; every one that fits a finding is used.
        workspace: The inventory: which callers an account has.
        settings: Which addresses identify nobody.
        author: Who plans.
        now: When the actions would begin.
        known: Every action that the incident ever had.

    Returns:
        Actions in the order of the rules. Where several rules ask for the same action, one is made that lasts as long
        as the longest and is as strict as the strictest, and it gives all their reasons. One that is in force already
        is not made again, unless it was made for less time or is less strict. One that needs approval is made beside
        one that does not, unless that lasts as long: asking for more must not delay what may be done at once.
    """
    actors = Actors(workspace.identities, settings)
    wanted: dict[Key, ResponseAction] = {}
    answered: set[str] = set()
    for rule in rules:
        for finding in findings:
            if not rule.when.fits(finding, incident):
                continue
            for action in _actions(rule, finding, incident, actors, author, now):
                answered.add(finding.finding_id)
                key = key_of(action)
                wanted[key] = _longer(wanted[key], action) if key in wanted else action
    live = [action for action in known if is_live(action, now)]
    needed = {key: action for key, action in wanted.items() if not _covered(key, action, wanted)}
    new = [
        numbered(action, known)
        for key, action in needed.items()
        if not any(key_of(one) == key and _as_much(one, action) for one in live)
    ]
    unanswered = [finding.finding_id for finding in findings if finding.finding_id not in answered]
    standing = [action for action in live if key_of(action) in wanted]
    return ResponsePlan(incident, tuple(new), tuple(standing), tuple(unanswered))


def is_live(action: ResponseAction, now: datetime) -> bool:
    """Tell whether an action is in force or may still come into force."""
    return action.state in (ActionState.ACTIVE, ActionState.AWAITING_APPROVAL) and now < action.expires


def key_of(action: ResponseAction) -> Key:
    """Return what makes an action the same as another one."""
    scope = action.scope
    # A file is its content, wherever it lies; rows are those of one state of a data set.
    id_ = "\x1f".join(filter(None, [scope.id, scope.sha256, *scope.ids, scope.sender]))
    return Key(action.kind, scope.kind, id_, action.model, action.system, action.needs_approval)


def action_id(incident_id: str, key: Key, ordinal: int) -> str:
    """Identify an action by what it is and how often that was done before, so that two appliers make one."""
    content = "\x1f".join([incident_id, *(str(part or "") for part in key), str(ordinal)])
    return "a-" + hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def _covered(key: Key, action: ResponseAction, wanted: dict[Key, ResponseAction]) -> bool:
    """Tell whether an action that needs approval does nothing beyond one that needs none."""
    at_once = wanted.get(key._replace(needs_approval=False)) if key.needs_approval else None
    return at_once is not None and at_once.expires >= action.expires


def _as_much(one: ResponseAction, other: ResponseAction) -> bool:
    """Tell whether an action was made for as long as another one, and is as strict.

    A caller who floods first, and so is slowed down a little, must not be spared what follows on worse.
    """
    lasts = one.expires - one.created >= other.expires - other.created
    return lasts and all(one.parameters.get(name, 0) <= value for name, value in other.parameters.items())


def numbered(action: ResponseAction, known: Sequence[ResponseAction]) -> ResponseAction:
    """Give an action its id: by what it is, and how often the incident had the same before."""
    key = key_of(action)
    ordinal = sum(key_of(other) == key for other in known)
    return replace(action, action_id=action_id(action.incident_id, key, ordinal))


def _actions(
    rule: Rule, finding: Finding, incident: Incident, actors: Actors, author: str, now: datetime
) -> Iterator[ResponseAction]:
    for move in rule.actions:
        for scope in _scopes(move, finding, actors):
            yield ResponseAction(
                action_id="",
                incident_id=incident.incident_id,
                kind=move.kind,
                scope=scope,
                system=finding.system if _bound(move, TargetScope.SYSTEM) else None,
                model=finding.model if _bound(move, TargetScope.MODEL) else None,
                reason=rule.reason,
                author=author,
                created=now,
                expires=now + move.duration,
                needs_approval=move.needs_approval,
                state=ActionState.PLANNED,
                undo=_sentence(EFFECTS[move.kind].undo.format(what=in_words(scope))),
                parameters=dict(move.parameters),
            )


def _bound(move: ActionTemplate, reach: TargetScope) -> bool:
    """Tell whether an action is bound to the finding's model or system."""
    return (
        move.scope is ActionScope.MODEL
        or move.reach is reach
        or (move.reach is TargetScope.MODEL and reach is TargetScope.SYSTEM)
    )


def _scopes(move: ActionTemplate, finding: Finding, actors: Actors) -> Iterator[SubjectRef]:
    subject = finding.subject
    if move.scope is ActionScope.ACTOR:
        yield from callers_of(finding, actors)
    elif move.scope is ActionScope.MODEL and finding.model is not None:
        version = f"@{finding.model_version}" if finding.model_version else ""
        yield SubjectRef("model", f"{finding.model}{version}")
    elif move.scope is ActionScope.TARGET:
        yield from _targets(move, finding)
    elif (move.scope.value.removesuffix("s"), subject.kind) in (("row", "row"), ("file", "file"), ("source", "source")):
        yield subject


def _targets(move: ActionTemplate, finding: Finding) -> Iterator[SubjectRef]:
    """Return what a finding over logs lists as acted on, each an order of its own.

    A host is where it happened, too: a finding about files names it beside them.
    """
    named = [str(name) for name in finding.evidence.facts.get("targets") or ()]
    if "host" in move.targets:
        named += [f"host {name}" for name in finding.evidence.facts.get("host") or ()]
    for name in dict.fromkeys(named):
        if not move.targets or name.partition(" ")[0] in move.targets:
            yield SubjectRef("asset", name)


def callers_of(finding: Finding, actors: Actors) -> Iterator[SubjectRef]:
    """Return the names of a finding's actor that requests carry.

    A caller that is known by its key or session is meant by that alone: others may share its address. An account
    without a known key is ordered by its own name, for those who administer it. What was done without a key binds
    nobody's key, not even that of somebody whom the inventory knows at the address.
    """
    own = actors.scope(finding.subject)
    if own is not None and (own.kind == "session" or own.sender):
        yield own
        return
    named = [name for seed in actors.named_by(finding) for name in (seed, *actors.members(seed))]
    by_kind: dict[str, dict[str, None]] = {}
    for name in named:
        kind, _, id_ = name.partition(":")
        by_kind.setdefault(kind, {})[id_] = None
    for kind in ("principal", "session", "account", "address"):
        if kind in by_kind:
            for id_ in by_kind[kind]:
                yield SubjectRef(kind, id_)
            return


def _longer(one: ResponseAction, other: ResponseAction) -> ResponseAction:
    longest = max(one, other, key=lambda action: action.expires)
    reasons = list(dict.fromkeys([*one.reason.split("\n"), *other.reason.split("\n")]))
    # The fewest queries and decimals of all: who is caught at two things is not better off than at one of them.
    names = dict.fromkeys([*one.parameters, *other.parameters])
    strictest = {name: min(p[name] for p in (one.parameters, other.parameters) if name in p) for name in names}
    return replace(longest, reason="\n".join(reasons), parameters=strictest)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def in_words(scope: SubjectRef, kind: ActionKind | None = None) -> str:
    """Name whom or what an action, of a kind if that matters, is done to."""
    if kind is ActionKind.REVOKE and scope.kind == "address":
        # An address has no credentials; those who came from it had.
        return f"whoever came from the address {scope.id}"
    if scope.kind == "asset" and " " in scope.id:
        # It says itself what it is: `bucket ml-models`.
        return f"the {scope.id}"
    if scope.kind == "row":
        return f"{len(scope.ids):,} rows of {scope.id}"
    if scope.kind == "file":
        return f"the file {scope.path or scope.id}"
    words = {"principal": "caller", "source": "data source"}
    return f"the {words.get(scope.kind, scope.kind)} {scope.in_words.partition(' ')[2]}"
