"""Links between the pages of docs/reference/techniques: every page has the id of what it is about as its name."""

import re
from functools import cache
from typing import Final

from caponier.formats.markdown import escaped
from caponier.matrix import attack as enterprise
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.evidence import Study
from caponier.matrix.technique import Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix, load, versions
from caponier.matrix.writers.studies import full_name

_SHORT: Final = {"amltm-2020": "the matrix of 2020", "atlas": "ATLAS 5.6"}


def entry(technique: Technique) -> str:
    """Return a link to the page of an entry."""
    return f"[{technique.id} {escaped(technique.name)}]({technique.id}.md)"


def step(matrix: Matrix, technique: Technique) -> str:
    """Return a link to the page of an entry, with a name that can stand alone."""
    return f"[{technique.id} {escaped(full_name(matrix, technique))}]({technique.id}.md)"


def study(one: Study) -> str:
    """Return a link to the page of a case study."""
    return f"[{one.id} {escaped(one.name)}]({one.id}.md)"


def column(matrix: Matrix, id_: str) -> str:
    """Return a link to a tactic's part of the index."""
    tactic = matrix.tactic(id_)
    return f"[{escaped(tactic.name)}](README.md#{anchor(heading(matrix, tactic))})"


def attack(id_: str) -> str:
    """Return a link to a technique of ATT&CK Enterprise."""
    name = enterprise.name(id_)
    return f"[{id_}{f' {escaped(name)}' if name else ''}](https://attack.mitre.org/techniques/{id_.replace('.', '/')}/)"


def heading(matrix: Matrix, tactic: Tactic) -> str:
    """Return the heading of a tactic in the index; both matrices have tactics of the same name."""
    return f"{tactic.name} in {short(matrix)}"


def short(matrix: Matrix) -> str:
    """Return what a matrix is called in a heading."""
    return _SHORT[matrix.kind]


def anchor(title: str) -> str:
    """Return the anchor that a heading has on a forge: `Model Evasion in ATLAS 5.6` has `model-evasion-in-atlas-56`."""
    return re.sub(r"[^\w\- ]", "", title.casefold()).replace(" ", "-")


@cache
def study_ids() -> frozenset[str]:
    """Return the ids of all case studies that have a page."""
    return frozenset(one.id for version in versions() for one in load(version).studies)


def told_again(one: CaseStudy) -> list[CaseStudy]:
    """Return the same study in the other matrix, whichever of the two names it."""
    others = [other for version in versions() for other in load(version).studies]
    return [other for other in others if other.id == one.same_as or other.same_as == one.id]
