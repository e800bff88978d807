"""What the product does about a technique: what detects, emulates, answers and repairs it.

All of it is derived: from what detectors and emulations name, and from the rules of the playbooks. The matrix itself
suggests no defences, so nothing of this stands there.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from caponier.app.coverage.detector_needs import needs
from caponier.app.coverage.detectors import DetectorCard, DetectorKind, EmulationCard, detected_by, emulated_by
from caponier.app.incidents.correlate import settings_of
from caponier.matrix import crosswalk
from caponier.matrix.technique import Technique, TechniqueId
from caponier.matrix.versions.catalogue import Matrix
from caponier.records.finding import Severity
from caponier.records.inventory import Workspace
from caponier.records.response_action import ActionKind
from caponier.respond import playbook
from caponier.respond.playbook import Rule

REPAIR: Final = "caponier remediate dataset"
"""Drops or relabels what the detectors of data sets flag."""
REPAIR_MODEL: Final = "caponier remediate model"
"""Shuts the backdoor that the detectors of models find."""
ROLLBACK: Final = "caponier remediate rollback"
"""Carries out what a playbook's `rollback` asks for."""


@dataclass(frozen=True, slots=True)
class TechniqueLinks:
    """Everything in the product that has to do with one technique."""

    detectors: tuple[DetectorCard, ...]
    emulations: tuple[EmulationCard, ...]
    rules: tuple[Rule, ...]
    """Of the playbooks: those that answer a finding of the technique, if the rest of their conditions is met."""
    remedies: tuple[str, ...]
    """Commands that repair what the technique has harmed."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, as `caponier matrix show` adds it to an entry."""
        return {
            "detected_by": [
                {"name": card.name, "kind": card.kind.value, "needs": list(needs(card))} for card in self.detectors
            ],
            "emulated_by": [{"name": card.name, "kind": card.kind.value} for card in self.emulations],
            "responded_to_by": [{"rule": rule.name, "does": in_words(rule)} for rule in self.rules],
            "remediated_by": list(self.remedies),
        }


def technique_links(matrix: Matrix, technique: Technique, workspace: Workspace | None = None) -> TechniqueLinks:
    """Return what has to do with a technique.

    Args:
        matrix: The version that the technique belongs to.
        technique: The entry.
        workspace: Whose playbooks answer; without one the playbook that ships with the package.

    Raises:
        InputError: If a playbook of the workspace cannot be read.
    """
    ids = _same(matrix, technique)
    detectors = detected_by(ids)
    rules = tuple(rule for rule in _rules(workspace) if rule.actions and _answers(rule, _named_by(matrix, ids)))
    return TechniqueLinks(detectors, emulated_by(ids), rules, tuple(_remedies(detectors, rules)))


def in_words(rule: Rule) -> str:
    """Say what a rule does: `block actor, freeze model (after approval; at severity high or above)`."""
    moves = ", ".join(f"{move.kind.value} {move.scope.value}" for move in rule.actions)
    limits = [
        "after approval" if any(move.needs_approval for move in rule.actions) else "",
        f"at severity {rule.when.severity.value} or above" if rule.when.severity is not Severity.INFO else "",
    ]
    told = "; ".join(filter(None, limits))
    return f"{moves} ({told})" if told else moves


def _same(matrix: Matrix, technique: Technique) -> tuple[TechniqueId, ...]:
    # The same entry may stand in two columns, and either of the two may be the one that names the other.
    twins = [other.id for other in matrix.techniques if other.same_as == technique.id]
    same = dict.fromkeys(id_ for id_ in (technique.id, technique.same_as, *twins) if id_)
    return tuple(TechniqueId(matrix.kind, id_) for id_ in same)


def _named_by(matrix: Matrix, ids: Iterable[TechniqueId]) -> frozenset[str]:
    """Return the ids that the rules of playbooks may name the entry by: its own, those of 2020, those of ATT&CK."""
    named = {id_.id for id_ in ids}
    if matrix.kind == "atlas":
        named |= {founding.id for id_ in ids for founding in crosswalk.to_2020(id_.id)}
    return frozenset(named)


def _answers(rule: Rule, named: frozenset[str]) -> bool:
    # As in a playbook, a technique stands for its sub-techniques, too.
    return any(id_ == wanted.id or id_.startswith(f"{wanted.id}.") for wanted in rule.when.techniques for id_ in named)


def _rules(workspace: Workspace | None) -> tuple[Rule, ...]:
    return playbook.load(settings_of(workspace), workspace.root) if workspace else playbook.shipped().rules


def _remedies(detectors: Iterable[DetectorCard], rules: Iterable[Rule]) -> Iterable[str]:
    if any(card.kind is DetectorKind.DATASET for card in detectors):
        yield REPAIR
    if any(card.kind is DetectorKind.MODEL for card in detectors):
        yield REPAIR_MODEL
    if any(move.kind is ActionKind.ROLLBACK for rule in rules for move in rule.actions):
        yield ROLLBACK
