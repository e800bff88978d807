"""A demo's result in plain words: the same sentences on the terminal and at the top of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from caponier.coverage.heat_map import Status
from caponier.demo.result import DemoResult
from caponier.matrix.technique import Color, Harm, TechniqueId, TechniqueRef
from caponier.matrix.versions.catalogue import harms_of

HARM_WORDS: Final = {
    Harm.CONFIDENTIALITY: "Confidentiality: models were taken, and answers can be collected until they make a copy",
    Harm.INTEGRITY: (
        "Integrity: a changed image makes the model give a wrong answer, so does a trigger that it learned, and wrong "
        "labels make it worse"
    ),
    Harm.AVAILABILITY: "Availability: code that runs when a model file is loaded can stop the service",
}
COLOR_WORDS: Final = {Color.ORANGE: "orange, special to ML", Color.WHITE: "white, from ATT&CK Enterprise"}


@dataclass(frozen=True)
class Told:
    """One part of the story."""

    head: str
    text: str


def headline(result: DemoResult) -> str:
    """Say in one sentence what came out."""
    incident = result.hunt.incident
    if result.problems or incident is None:
        return _flagged(result)
    return (
        f"One attacker, {len(incident.tactics)} tactics, one {incident.strategy.value} incident: found, blocked and "
        f"repaired, and none of the {result.benign_users} benign users was flagged or refused."
    )


def _flagged(result: DemoResult) -> str:
    attackers, users = result.attackers, result.benign_users
    noticed = result.attackers_flagged
    share = f"All {noticed}" if noticed == len(attackers) else f"{noticed} of {len(attackers)}"
    bothered = result.benign_flagged
    also = "so was" if bothered == 1 else "so were"
    others = f"{also} {bothered} of the {users} benign users" if bothered else f"none of the {users} benign users was"
    return f"{share} attacks on the model were flagged, and {others}."


def story(result: DemoResult) -> tuple[Told, ...]:
    """Say what happened, to what, how it was noticed and answered, how sure that is, and what to do."""
    return (
        Told("What happened", _happened(result)),
        Told("To what", _target(result)),
        Told("When it was noticed", _noticed(result)),
        Told("One incident", _joined(result)),
        Told("What was blocked", _blocked(result)),
        Told("What was repaired", _repaired(result)),
        Told("What is covered", _covered(result)),
        Told("How sure", _certainty(result)),
        Told("What it harms", _harms(result)),
        Told("What to do next", _advice(result)),
    )


def techniques(result: DemoResult) -> tuple[TechniqueRef, ...]:
    """Return every technique that a finding may be a trace of, those that most findings name first."""
    counts: dict[TechniqueRef, int] = {}
    for finding in result.hunt.findings:
        for technique in finding.techniques:
            counts[technique] = counts.get(technique, 0) + 1
    return tuple(sorted(counts, key=lambda technique: (-counts[technique], technique.matrix != "atlas", technique.id)))


def acted(result: DemoResult) -> frozenset[str]:
    """Return the ids of the techniques that the attackers really used."""
    return frozenset(id_.id for id_ in _acted(result))


def _acted(result: DemoResult) -> set[TechniqueId]:
    asked = {id_ for attacker in result.attackers for id_ in attacker.outcome.techniques}
    return asked | result.hunt.acted


def spread(values: Sequence[int]) -> str:
    """Write whole numbers as `3` or `3 to 6`."""
    least, most = min(values), max(values)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _happened(result: DemoResult) -> str:
    attackers, logs, batch = result.attackers, result.hunt.logs, result.hunt.batch
    won = sum(attacker.outcome.success for attacker in attackers)
    queries = sum(attacker.queries for attacker in attackers)
    return (
        f"Somebody logged in with the stolen account {batch.source}, downloaded {logs.taken} model files, and with "
        f"{len(attackers)} API keys of that account asked the model {queries:,} times, to copy it and to find small "
        f"changes to images that make it misread them ({won} of {len(attackers)} attacks succeeded: nobody was stopped "
        f"yet). The account also flipped {batch.flipped} labels of a training batch, hid a backdoor in "
        f"{batch.triggered} more of its rows, and left a model file that runs code when it is loaded. Meanwhile "
        f"{result.benign_users} benign users did their work."
    )


def _target(result: DemoResult) -> str:
    served = result.served
    return (
        f"The model {served.model}, version {served.version}, of the ML system {served.system}, which "
        f"{served.purpose}. It is right on {served.accuracy:.1%} of images that it was not trained on."
    )


def _noticed(result: DemoResult) -> str:
    first = [count for count in (attacker.first_noticed for attacker in result.attackers) if count is not None]
    logs, batch = result.hunt.logs, result.hunt.batch
    wrong = sum(file.right for file in result.hunt.files if file.harmful)
    asked = (
        f"from the model's log after {spread(first)} different queries of a key" if first else "not in the model's log"
    )
    return (
        f"All from logs and files alone: login and download by {len(logs.findings)} findings in the security logs, the "
        f"queries {asked}, {batch.recall:.0%} of the flipped labels and {batch.triggered_found:.0%} of the rows with a "
        f"trigger ({batch.precision:.0%} of what was flagged was changed), "
        f"and {wrong} of 1 unsafe files, which nobody loaded."
    )


def _joined(result: DemoResult) -> str:
    incident = result.hunt.incident
    if incident is None:
        return f"No: {len(result.hunt.incidents)} of them."
    return (
        f"{incident.incident_id}, strategy {incident.strategy.value}: {len(incident.finding_ids)} findings over "
        f"{len(incident.tactics)} tactics ({', '.join(incident.tactics)}), ML techniques (orange) and general ones "
        "(white)."
    )


def _blocked(result: DemoResult) -> str:
    done = result.after.containment
    if done is None:
        return "Nothing."
    undone = "let in again when that was undone" if done.undone.refused == 0 else "not let in when that was undone"
    return (
        f"{done.blocked.refused} of {done.blocked.asked} further requests of the attacker at the guard; they were "
        f"{undone}, and {done.again.refused} of {done.again.asked} refused when it was applied again. Benign users "
        f"refused: {done.benign_blocked} of {done.blocked.benign_users}. In force from the beginning the plan "
        f"{done.dry_run.words}. The audit log tells all of it, and its chain "
        f"{'is whole' if result.after.audit.ok else 'is broken'}."
    )


def _repaired(result: DemoResult) -> str:
    done = result.after.repaired
    if done is None:
        return "Nothing."
    return (
        f"The batch: a model that learns from it is right on {done.after:.1%} of {done.test_rows} test images, "
        f"{done.before:.1%} with what the account did to it, {done.clean:.1%} before the attack. The trigger brings "
        f"{done.attack_after:.1%} of other images the attacker's label, {done.attack_before:.1%} before the repair. "
        f"Version {done.left}, which had learned from it, was taken out of service for version {done.took}."
    )


def _covered(result: DemoResult) -> str:
    proven = result.after.validated
    counts = ", ".join(f"{proven.count(status)} {status.value}" for status in Status)
    return f"Of the entries of the 2020 matrix {counts}; {proven.passed} of {proven.trials} trials of this run passed."


def _certainty(result: DemoResult) -> str:
    sure = result.certainty
    rarest = min((told.benign for one in result.findings if (told := one.evidence.expected)), default=None)
    text = (
        f"The baseline knows {sure.principals} benign users. At most {sure.alpha:.0%} of benign users may be flagged, "
        f"about {sure.expected:.1f} a week."
    )
    if rarest is None:
        return text
    return text + f" About {rarest:.2g} benign users a week would score as high as the rarest finding."


def _harms(result: DemoResult) -> str:
    done = harms_of(sorted(_acted(result)))
    seen = {harm for finding in result.hunt.findings for harm in finding.harms}
    text = ". ".join(HARM_WORDS[harm] for harm in done) + "."
    rest = [harm for harm in Harm if harm.value in seen and harm not in done]
    if rest:
        names = " and ".join(harm.value for harm in rest)
        text += f" Some findings also name {names}: other attacks begin the same way, but none was made here."
    return text


def _advice(result: DemoResult) -> str:
    return (
        "Give the account's owner new credentials, trust nothing decided on the attacker's images, and read the "
        f"incident: caponier incidents list --workspace {result.out.name}"
    )
