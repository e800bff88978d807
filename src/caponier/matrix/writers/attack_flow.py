"""An attack step by step as an Attack Flow 2.0: of a case study, or of whatever else can be told as a `Flow`.

Facts: the language's schema 2.0.0, by the Center for Threat-Informed Defense.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from caponier.errors import InputError
from caponier.matrix import attack
from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.evidence import StudyType
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers.public_page import attack_page, source_name, technique_page, web_address
from caponier.matrix.writers.stix_names import IDENTITY, SPEC, identity, lifetime, moment, stix_id

_LANGUAGE: Final = "extension-definition--fb9c968a-745b-4ade-9b25-c324172197f4"
_MAKER: Final = "identity--d673f8cb-c168-42da-8ed4-0cb26725f86c"
_SITE: Final = "https://center-for-threat-informed-defense.github.io/attack-flow"
_MADE: Final = "2022-08-02T19:34:35.143Z"

EVENT: Final = "caponier-event"
"""Source of the references from a step to the events that show it."""


@dataclass(frozen=True, slots=True)
class Act:
    """An id with the matrix that it is of: a technique, a tactic, or the whole attack."""

    kind: str
    """`amltm-2020`, `atlas`, `attack`, or `caponier` for an incident."""
    id: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a flow."""

    name: str
    technique: Act | None = None
    tactic: Act | None = None
    description: str = ""
    start: datetime | None = None
    end: datetime | None = None
    leads_to: tuple[int, ...] = ()
    """Places (from 0) of the steps that this one made possible."""
    also: tuple[Act, ...] = ()
    """The same act in other matrices."""
    events: tuple[str, ...] = ()
    """Ids of the events that show it; salted hashes, which tell nothing to who has not the logs."""


@dataclass(frozen=True, slots=True)
class Flow:
    """An attack, step by step."""

    key: tuple[str, ...]
    """What tells it from all other flows; its ids follow from it."""
    name: str
    scope: str
    """`incident`, `campaign` or `other`."""
    actions: tuple[Action, ...]
    times: Mapping[str, str]
    """`created` and `modified` of its objects, as STIX writes moments."""
    targets: tuple[str, ...] = ()
    description: str = ""
    known_as: tuple[Act, ...] = ()
    """Ids of the attack itself."""
    reports: tuple[str, ...] = ()
    """Addresses of what is public about it."""


def of_study(matrix: Matrix, study: CaseStudy) -> Flow:
    """Tell a case study as a flow.

    Args:
        matrix: The version that the study is of.
        study: The study.

    Raises:
        InputError: If no step of it is known.
    """
    if not study.steps:
        raise InputError("no step of this case study is known, so there is no flow", where=study.id)
    in_order = all(step.leads_to is None for step in study.steps)
    actions = []
    for place, step in enumerate(study.steps):
        after = (place + 1,) if in_order else tuple(other - 1 for other in step.leads_to or ())
        actions.append(_action(matrix, step, tuple(n for n in after if 0 <= n < len(study.steps) and n != place)))
    return Flow(
        (matrix.kind, study.id),
        study.name,
        # An exercise is no incident, and the language has no word for it.
        "incident" if study.type is StudyType.INCIDENT else "other",
        tuple(actions),
        lifetime(matrix.released),
        (study.target,) if study.target else (),
        study.summary,
        (Act(matrix.kind, study.id),),
        tuple(dict.fromkeys(filter(None, (study.url, *study.references)))),
    )


def to_attack_flow(flow: Flow) -> str:
    """Write a flow as a bundle; the same flow, the same bytes.

    Raises:
        InputError: If it has no step.
    """
    if not flow.actions:
        raise InputError("an attack flow needs a step", where=flow.name)
    objects = [*_language(), identity(), *_objects(flow)]
    bundle = {"type": "bundle", "id": stix_id("bundle", "flow", *flow.key), "objects": objects}
    return json.dumps(bundle, indent=2, ensure_ascii=False) + "\n"


def _action(matrix: Matrix, step: StudyStep, leads_to: tuple[int, ...]) -> Action:
    tactic = next((tactic for tactic in matrix.tactics if tactic.id == step.tactic), None)
    if step.technique in matrix:
        name, kind, url = matrix.technique(step.technique).name, matrix.kind, technique_page(matrix, step.technique)
    else:
        # Some studies name techniques of ATT&CK, and a study may be older than the removal of an entry.
        known = attack.name(step.technique)
        name, kind = known or step.technique, "attack" if known else matrix.kind
        url = attack_page(step.technique) if known else None
    return Action(
        name,
        Act(kind, step.technique, url),
        Act(matrix.kind, tactic.id) if tactic else None,
        step.summary,
        leads_to=leads_to,
    )


def _language() -> Iterator[dict[str, Any]]:
    """Write the two objects that every flow must carry, as their maker has published them."""
    shared = {"spec_version": SPEC, "created_by_ref": _MAKER, "created": _MADE, "modified": _MADE}
    yield {
        "type": "extension-definition",
        "id": _LANGUAGE,
        **shared,
        "name": "Attack Flow",
        "description": "Extends STIX 2.1 with features to create Attack Flows.",
        "schema": f"{_SITE}/stix/attack-flow-schema-2.0.0.json",
        "version": "2.0.0",
        "extension_types": ["new-sdo"],
        "external_references": [
            {"source_name": "Documentation", "description": "Documentation for Attack Flow", "url": _SITE},
            {
                "source_name": "GitHub",
                "description": "Source code repository for Attack Flow",
                "url": "https://github.com/center-for-threat-informed-defense/attack-flow",
            },
        ],
    }
    yield {
        "type": "identity",
        "id": _MAKER,
        **shared,
        "name": "MITRE Center for Threat-Informed Defense",
        "identity_class": "organization",
    }


def _objects(flow: Flow) -> Iterator[dict[str, Any]]:
    steps = [stix_id("attack-action", *flow.key, str(place)) for place in range(len(flow.actions))]
    assets = [stix_id("attack-asset", *flow.key, target) for target in flow.targets]
    led_to = {place for action in flow.actions for place in action.leads_to}
    references = [
        *(_named(act) for act in flow.known_as),
        *({"source_name": "report", **address} for url in flow.reports if (address := _url(url))),
    ]
    yield {
        **_head(flow, "attack-flow", stix_id("attack-flow", *flow.key)),
        "name": flow.name,
        **_described(flow.description),
        "scope": flow.scope,
        # In a circle nothing is first; then the first that was told is.
        "start_refs": [id_ for place, id_ in enumerate(steps) if place not in led_to] or steps[:1],
        **({"external_references": references} if references else {}),
    }
    for id_, action in zip(steps, flow.actions, strict=True):
        yield {
            **_head(flow, "attack-action", id_),
            "name": action.name,
            **_acts(action),
            **_described(action.description),
            **({"execution_start": moment(action.start)} if action.start else {}),
            **({"execution_end": moment(action.end)} if action.end else {}),
            **({"effect_refs": [steps[place] for place in action.leads_to]} if action.leads_to else {}),
            **({"asset_refs": assets} if assets else {}),
        }
    for id_, target in zip(assets, flow.targets, strict=True):
        yield {**_head(flow, "attack-asset", id_), "name": target}


def _acts(action: Action) -> dict[str, Any]:
    """Write what was done; the references are the ids that `to_stix` gives the same technique and tactic."""
    plain: dict[str, Any] = {}
    if action.tactic:
        plain["tactic_id"] = action.tactic.id
        plain["tactic_ref"] = stix_id("x-mitre-tactic", action.tactic.kind, action.tactic.id)
    if action.technique:
        plain["technique_id"] = action.technique.id
        plain["technique_ref"] = stix_id("attack-pattern", action.technique.kind, action.technique.id)
    named = [_named(act) for act in (action.technique, *action.also) if act]
    named += [{"source_name": EVENT, "external_id": id_} for id_ in action.events]
    return {**plain, "external_references": named} if named else plain


def _named(act: Act) -> dict[str, str]:
    return {"source_name": source_name(act.kind), "external_id": act.id, **_url(act.url)}


def _head(flow: Flow, type_: str, id_: str) -> dict[str, Any]:
    return {
        "type": type_,
        "spec_version": SPEC,
        "id": id_,
        "created_by_ref": IDENTITY,
        **flow.times,
        "extensions": {_LANGUAGE: {"extension_type": "new-sdo"}},
    }


def _url(url: str | None) -> dict[str, str]:
    address = web_address(url) if url else None
    return {"url": address} if address else {}


def _described(words: str) -> dict[str, str]:
    return {"description": words} if words else {}
