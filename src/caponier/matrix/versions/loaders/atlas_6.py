"""ATLAS format 6: objects by id, and relationships that say what belongs to what."""

import heapq
import re
from collections.abc import Iterator
from typing import Final

from caponier.matrix.case_study import CaseStudy, StudyStep
from caponier.matrix.technique import Tactic
from caponier.matrix.versions.loaders import corrections
from caponier.matrix.versions.loaders.atlas_parts import (
    COUNTERMEASURE_ID,
    STUDY_ID,
    TACTIC_ID,
    TECHNIQUE_ID,
    actors,
    check_type,
    date,
    references,
    study_type,
    tactic,
    technique,
)
from caponier.matrix.versions.loaders.draft import Draft
from caponier.matrix.versions.loaders.part import Part, shown
from caponier.matrix.versions.loaders.source_file import SourceFile
from caponier.matrix.versions.loaders.version_name import atlas_draft, own_number
from caponier.matrix.versions.release import Countermeasure, Release

FORMAT: Final = "atlas-6"
_LAYOUT: Final = re.compile(r"6\.\d+\.\d+", re.ASCII)
_RELEASE: Final = re.compile(r"\d{4}\.\d{2}(\.\d{1,2})?|[45]\.\d+\.\d+", re.ASCII)
_STEP_ID: Final = re.compile(r"S\d{1,3}", re.ASCII)
_REFERENCE: Final = "attack-reference"
_MIGRATED: Final = "2021."
_RELATIONS: Final = frozenset({"sequences", "achieves", "specializes", "mitigates", "employs"})


def read_atlas_6(source: SourceFile, top: Part, version: str | None) -> Release:
    """Read a file of format 6.

    Raises:
        InputError: If something in it is wrong; it names the place.
    """
    own_number(top, "format-version", _LAYOUT, None)
    for key in ("mitigations", "case-studies", "relationships"):
        top.required(key)
    collection = top.at("collection").mapping() if top.has("collection") else top
    number = own_number(collection, "version", _RELEASE, version)
    draft = atlas_draft(source, FORMAT, number, version)
    relations = _Relations(top, draft)
    renamed = _read_tactics(top, relations, draft, migrated=(number or "").startswith(_MIGRATED))
    _read_techniques(top, relations, draft, renamed)
    for row in _objects(top, "mitigations", "mitigation"):
        id_ = row.id(COUNTERMEASURE_ID, "a counter-measure of ATLAS")
        named = dict.fromkeys(_target(use, TECHNIQUE_ID) for use in relations.of(id_, "mitigates"))
        draft.countermeasures.append(Countermeasure(id_, row.name("name"), tuple(named)))
    for row in _objects(top, "case-studies", "case-study"):
        draft.studies.append(_study(row, relations, renamed))
    relations.check_sources(draft)
    return draft.release()


def _objects(top: Part, key: str, type_: str) -> Iterator[Part]:
    for id_, row in top.entries(key):
        if check_type(row, type_).name("id") != id_:
            raise row.wrong(f"it stands under the key {id_!r}, which is not its id")
        yield row


class _Relations:
    """The relationships by source and type."""

    def __init__(self, top: Part, draft: Draft) -> None:
        self._part = top.at("relationships").mapping()
        self._sources = {id_: part.mapping() for id_, part in top.entries("relationships")}
        unknown = {type_ for part in self._sources.values() for type_ in part.value} - _RELATIONS
        if unknown:
            names = ", ".join(map(shown, sorted(unknown)[:5]))
            draft.remarks.append(f"Relationships of unknown types were not read: {names}.")

    def of(self, source: str, type_: str) -> list[Part]:
        """Return the relationships of an object, each of which has to say the same source and type."""
        if source not in self._sources:
            return []
        rows = list(self._sources[source].rows(type_))
        for row in rows:
            if row.has("source") and row.name("source") != source:
                raise row.at("source").wrong(f"it stands under {shown(source)}, which is not its source")
            if row.has("relationship-type") and row.name("relationship-type") != type_:
                raise row.at("relationship-type").wrong(f"it stands among those of type {type_!r}")
        return rows

    def matrices(self) -> list[Part]:
        """Return the relationships that put tactics in order."""
        return [
            row
            for source, part in self._sources.items()
            if part.has("sequences")
            for row in self.of(source, "sequences")
        ]

    def check_sources(self, draft: Draft) -> None:
        """Check that every source is an object of the file.

        Raises:
            InputError: If one is not.
        """
        nouns = (draft.tactics, draft.techniques, draft.countermeasures, draft.studies)
        known = {noun.id for group in nouns for noun in group}
        for source, part in self._sources.items():
            if source not in known and set(part.value) & (_RELATIONS - {"sequences"}):
                raise part.wrong("this is no object of this file")


def _target(row: Part, pattern: re.Pattern[str]) -> str:
    return row.id(pattern, "an object of ATLAS", "target")


def _read_tactics(top: Part, relations: _Relations, draft: Draft, *, migrated: bool) -> dict[str, str]:
    """Read the tactics in their order; return which ids of the file stand for which of ATLAS."""
    found = [tactic(row, _REFERENCE) for row in _objects(top, "tactics", "tactic")]
    places = {_target(row, TACTIC_ID): _position(row) for row in relations.matrices()}
    found.sort(key=lambda t: places.get(t.id, len(found) + 1))
    unknown = set(places) - {t.id for t in found}
    if unknown:
        raise top.at("relationships").wrong(f"the order of the tactics names {min(unknown)}, which is not there")
    renamed = {t.id: corrections.tactic_id(t.name) or t.id for t in found} if migrated else {}
    changed = sum(old != new for old, new in renamed.items())
    if changed:
        draft.remarks.append(f"{changed} tactics bear the numbers of ATT&CK; their names told which are meant.")
    draft.tactics += [Tactic(renamed.get(t.id, t.id), t.name, t.attack, description=t.description) for t in found]
    return renamed


def _position(row: Part) -> int:
    part = row.at("position")
    if not str(part.value).isdecimal() or len(str(part.value)) > 4:
        raise part.wrong("a place from 1 on is wanted here")
    return int(part.value)


def _read_techniques(top: Part, relations: _Relations, draft: Draft, renamed: dict[str, str]) -> None:
    rows = {row.name("id"): row for row in _objects(top, "techniques", "technique")}
    columns = {
        id_: tuple(dict.fromkeys(_target(link, TACTIC_ID) for link in relations.of(id_, "achieves"))) for id_ in rows
    }
    for id_, row in rows.items():
        above = [_target(link, TECHNIQUE_ID) for link in relations.of(id_, "specializes")]
        if len(above) > 1:
            raise row.wrong(f"it stands under {len(above)} parents: {', '.join(above)}")
        parent = above[0] if above else None
        own = columns[id_] or columns.get(parent or "", ())
        draft.techniques.append(technique(row, tuple(renamed.get(t, t) for t in own), parent, _REFERENCE, draft))


def _study(row: Part, relations: _Relations, renamed: dict[str, str]) -> CaseStudy:
    id_ = row.id(STUDY_ID, "a case study of ATLAS")
    when, precision = date(row, "date", "date-granularity")
    addresses = references(row)
    return CaseStudy(
        id_,
        row.name("name"),
        study_type(row, "type"),
        when,
        precision,
        addresses[0] if addresses else None,
        steps=_steps(row, relations.of(id_, "employs"), renamed),
        actors=actors(row),
        target=row.name("target") if row.has("target") else "",
        references=addresses,
        summary=row.prose("description"),
    )


def _steps(study: Part, rows: list[Part], renamed: dict[str, str]) -> tuple[StudyStep, ...]:
    """Return the steps in the order of the attack, which the order of the file is not."""
    by_id: dict[str, Part] = {}
    for number, row in enumerate(rows):
        id_ = row.id(_STEP_ID, "a step", "step-id") if row.has("step-id") else f"S{number:02}"
        if id_ in by_id:
            raise row.wrong(f"the step {id_} is there twice")
        by_id[id_] = row
    follows = {id_: tuple(dict.fromkeys(row.words("leads-to"))) for id_, row in by_id.items()}
    order = _in_order(study, follows)
    place = {id_: number for number, id_ in enumerate(order, 1)}
    linked = any("leads-to" in row.value for row in rows)

    def step(id_: str) -> StudyStep:
        row = by_id[id_]
        column = row.id(TACTIC_ID, "a tactic of ATLAS", "tactic")
        next_ = tuple(sorted(place[other] for other in follows[id_])) if linked else None
        return StudyStep(renamed.get(column, column), _target(row, TECHNIQUE_ID), row.prose("description"), next_)

    return tuple(step(id_) for id_ in order)


def _in_order(study: Part, follows: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the ids of steps so that each stands after those that lead to it; of several the lowest id is first.

    Raises:
        InputError: If a step leads to none that is there, or back to itself.
    """
    waits = dict.fromkeys(follows, 0)
    for id_, others in follows.items():
        for other in others:
            if other not in waits:
                raise study.wrong(f"step {id_} leads to {other}, which is not there")
            waits[other] += 1
    ready = [(_number(id_), id_) for id_, count in waits.items() if not count]
    heapq.heapify(ready)
    order: list[str] = []
    while ready:
        _, id_ = heapq.heappop(ready)
        order.append(id_)
        for other in follows[id_]:
            waits[other] -= 1
            if not waits[other]:
                heapq.heappush(ready, (_number(other), other))
    if len(order) < len(follows):
        raise study.wrong(f"the steps lead in a circle: {', '.join(sorted(set(follows) - set(order)))}")
    return order


def _number(step_id: str) -> int:
    return int(step_id[1:])
