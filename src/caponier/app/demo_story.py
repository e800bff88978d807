"""A demo's result in plain words: the same sentences on the terminal and at the top of the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from caponier.app.demo_result import DemoResult
from caponier.matrix.catalogue import harms_of
from caponier.matrix.technique import Color, Harm, TechniqueRef
from caponier.records.finding import Basis

HARM_WORDS: Final = {
    Harm.CONFIDENTIALITY: "Confidentiality: answers can be collected until they make a copy of the model",
    Harm.INTEGRITY: "Integrity: whoever holds such an image makes the model give a wrong answer",
    Harm.AVAILABILITY: "Availability: the model no longer serves those it is for",
}
COLOR_WORDS: Final = {Color.ORANGE: "orange, special to ML", Color.WHITE: "white, from ATT&CK Enterprise"}


@dataclass(frozen=True)
class Told:
    """One part of the story."""

    head: str
    text: str


def headline(result: DemoResult) -> str:
    """Say in one sentence what came out."""
    attackers, users = result.attackers, result.benign_users
    noticed = result.attackers_flagged
    share = f"All {noticed}" if noticed == len(attackers) else f"{noticed} of {len(attackers)}"
    bothered = result.benign_flagged
    also = "so was" if bothered == 1 else "so were"
    others = f"{also} {bothered} of the {users} benign users" if bothered else f"none of the {users} benign users was"
    return f"{share} attackers were flagged, and {others}."


def story(result: DemoResult) -> tuple[Told, ...]:
    """Say what happened, to what, when it was noticed, how sure that is, what it harms and what to do."""
    return (
        Told("What happened", _happened(result)),
        Told("To what", _target(result)),
        Told("When it was noticed", _noticed(result)),
        Told("How sure", _certainty(result)),
        Told("What it harms", _harms(result)),
        Told("What to do next", _advice(result)),
    )


def techniques(result: DemoResult) -> tuple[TechniqueRef, ...]:
    """Return every technique that a finding may be a trace of, those that most findings name first."""
    counts: dict[TechniqueRef, int] = {}
    for finding in result.findings:
        for technique in finding.techniques:
            counts[technique] = counts.get(technique, 0) + 1
    return tuple(sorted(counts, key=lambda technique: (-counts[technique], technique.matrix != "atlas")))


def acted(result: DemoResult) -> frozenset[str]:
    """Return the ids of the techniques that the attackers really used."""
    return frozenset(id_.id for attacker in result.attackers for id_ in attacker.outcome.techniques)


def spread(values: Sequence[int]) -> str:
    """Write whole numbers as `3` or `3 to 6`."""
    least, most = min(values), max(values)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _happened(result: DemoResult) -> str:
    attackers = result.attackers
    won = sum(attacker.outcome.success for attacker in attackers)
    queries = sum(attacker.queries for attacker in attackers)
    return (
        f"{len(attackers)} attackers, each with a valid key, asked the model about {queries:,} made-up images, one a "
        "request, to find a small change to an image that makes the model misread it. "
        f"{won} of {len(attackers)} succeeded: this demo watches and stops nobody. "
        f"Meanwhile {result.benign_users} benign users did their work."
    )


def _target(result: DemoResult) -> str:
    served = result.served
    return (
        f"The model {served.model}, version {served.version}, of the ML system {served.system}, which "
        f"{served.purpose}. It is right on {served.accuracy:.1%} of images that it was not trained on."
    )


def _noticed(result: DemoResult) -> str:
    first = [count for count in (attacker.first_noticed for attacker in result.attackers) if count is not None]
    if not first:
        return "Not at all."
    sent = spread([attacker.queries for attacker in result.attackers])
    return (
        f"From the log alone, after {spread(first)} different queries of an attacker. Each of them sent {sent} queries "
        "altogether."
    )


def _certainty(result: DemoResult) -> str:
    sure = result.certainty
    above = max((finding.evidence.above for finding in result.findings), default=0)
    reached = "None" if above == 0 else f"{above}"
    text = (
        f"{reached} of {sure.principals} benign users ever scored as high as the attackers, over {sure.horizon} "
        "different queries each. "
    )
    if set(sure.basis.values()) == {Basis.PROMISE.value}:
        return text + (
            f"So a benign user like them has at most 1 chance in {sure.principals + 1} to be flagged over that many "
            "queries, by each detector."
        )
    return text + "The alert budget asks for more than so many users can show, so the threshold is an estimate."


def _harms(result: DemoResult) -> str:
    ids = {id_ for attacker in result.attackers for id_ in attacker.outcome.techniques}
    done = harms_of(sorted(ids))
    seen = {harm for finding in result.findings for harm in finding.harms}
    text = ". ".join(HARM_WORDS[harm] for harm in done) + "."
    rest = [harm for harm in Harm if harm.value in seen and harm not in done]
    if rest:
        names = " and ".join(harm.value for harm in rest)
        text += f" Some findings also name {names}: other attacks begin the same way, but none was made here."
    return text


def _advice(result: DemoResult) -> str:
    return (
        f"Withdraw the keys of the {result.attackers_flagged} attackers, trust nothing decided on their images, "
        f"and read the findings: caponier findings list --workspace {result.out.name}"
    )
