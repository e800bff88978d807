"""The matrices that ship with the package, loaded once, with their entries by id, column and word."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

from caponier.errors import CaponierError, InputError
from caponier.formats.suggest import did_you_mean, nearest_id
from caponier.formats.suggest import nearest as nearest_text
from caponier.formats.tabular import Tabular
from caponier.matrix import attack, crosswalk, evidence_gate
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.evidence import EntryEvidence, EvidenceSource, Maturity, Study
from caponier.matrix.search import Text, rank
from caponier.matrix.shipped import EvidenceFile, EvidenceRow, LaterStudy, MatrixFile, StudiesFile, check_ids, read
from caponier.matrix.technique import Harm, Retirement, Tactic, Technique, TechniqueId, TechniqueRef

if TYPE_CHECKING:
    import pyarrow as pa

DEFAULT = "amltm-2020"
_KINDS = {"amltm-2020": "amltm-2020", "atlas-5.6": "atlas"}
"""Which matrix a version is a version of: the name that a reference to a technique carries."""
_STUDIES = {"amltm-2020": "case-studies-2020.yaml", "atlas-5.6": "case-studies-atlas.yaml"}


@dataclass(frozen=True, slots=True)
class Matrix(Tabular):
    """One version of a matrix.

    Entries that nothing shows to work on a real system are there by id, but every view leaves them out unless it is
    asked for everything.
    """

    version: str
    kind: str
    """`amltm-2020`, `atlas` or `attack`: the `matrix` of a `TechniqueId`."""
    name: str
    released: datetime.date | None
    """None if neither the file nor the list of known releases says when it came out."""
    repository: str
    tactics: tuple[Tactic, ...]
    techniques: tuple[Technique, ...]
    """Every entry, each parent before its children."""
    studies: tuple[CaseStudy, ...] = ()
    retired: tuple[Retirement, ...] = ()
    """Entries that this version itself says are revoked or deprecated; they are not among `techniques`."""
    _by_id: dict[str, Technique] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", {technique.id: technique for technique in self.techniques})

    def __contains__(self, id_: object) -> bool:
        return id_ in self._by_id

    def technique(self, id_: str) -> Technique:
        """Return one entry.

        Raises:
            InputError: If there is none of that id; it names the nearest.
        """
        if id_ in self._by_id:
            return self._by_id[id_]
        raise InputError(f"{self.name} has no technique {id_!r}", where=self.version, hint=nearest(id_, self._by_id))

    def to_arrow(self) -> "pa.Table":
        """Return a row an entry that something shows to work on a real system."""
        import pyarrow as pa

        rows = [
            {"id": one.id, "name": one.name, "level": one.level.value, "tactics": list(one.tactics)}
            | {"parent": one.parent, "color": one.color.value if one.color else None, "attack": list(one.attack_ids)}
            | {"description": one.description}
            for one in self.shown()
        ]
        return pa.Table.from_pylist(rows)

    @property
    def in_short(self) -> str:
        """Name and size."""
        return (
            f"{self.name}: {len(self.tactics)} tactics, {len(self.shown())} entries, {len(self.studies)} case studies"
        )

    def tactic(self, id_: str) -> Tactic:
        """Return one tactic.

        Raises:
            InputError: If there is none of that id; it names the nearest.
        """
        by_id = {tactic.id: tactic for tactic in self.tactics}
        if id_ in by_id:
            return by_id[id_]
        raise InputError(f"{self.name} has no tactic {id_!r}", where=self.version, hint=nearest(id_, by_id))

    def study(self, id_: str) -> CaseStudy:
        """Return one case study.

        Raises:
            InputError: If there is none of that id; it names the nearest.
        """
        by_id = {study.id: study for study in self.studies}
        if id_ in by_id:
            return by_id[id_]
        raise InputError(f"{self.name} has no case study {id_!r}", where=self.version, hint=nearest(id_, by_id))

    def studies_of(self, id_: str) -> tuple[CaseStudy, ...]:
        """Return the case studies of which a step names the technique."""
        return tuple(study for study in self.studies if study.shows(id_))

    def shown(self, *, everything: bool = False) -> tuple[Technique, ...]:
        """Return the entries of a view; `everything` adds those that nothing shows to work on a real system.

        A maturity speaks for itself. Where a release has none, an entry needs evidence, such as a step of one of the
        release's own case studies. ATT&CK lists only what attackers were seen to do, and keeps its reports elsewhere.
        """
        return tuple(t for t in self.techniques if everything or self._is_shown(t))

    def children(self, id_: str, *, everything: bool = False) -> tuple[Technique, ...]:
        """Return the sub-techniques and variants of an entry, in order."""
        return tuple(t for t in self.shown(everything=everything) if t.parent == id_)

    def columns(self, *, everything: bool = False) -> tuple[tuple[Tactic, tuple[Technique, ...]], ...]:
        """Return each tactic with its top entries, in order."""
        tops = [t for t in self.shown(everything=everything) if t.parent is None]
        return tuple((tactic, tuple(t for t in tops if tactic.id in t.tactics)) for tactic in self.tactics)

    def carrying(self, attack_id: str) -> tuple[Technique, ...]:
        """Return the entries that carry an ATT&CK id."""
        return tuple(t for t in self.techniques if attack_id in t.attack_ids)

    def search(self, words: Sequence[str], *, everything: bool = False) -> tuple[Technique, ...]:
        """Return the entries that match all words, or else any of them, best first.

        Words are found in names, descriptions, names of tactics and in every id, those of ATLAS, ATT&CK and the records
        that show an entry, such as CVEs, included.
        """
        return rank([(t, self._text(t)) for t in self.shown(everything=everything)], words)

    def search_studies(self, words: Sequence[str]) -> tuple[CaseStudy, ...]:
        """Return the case studies that match all words, or else any of them, best first.

        Words are found in names, summaries, targets and actors, and in the names of the techniques of their steps.
        """
        return rank([(study, self._text_of_study(study)) for study in self.studies], words)

    def ref(self, technique: Technique) -> TechniqueRef:
        """Return a reference to an entry of this matrix, as a finding carries it."""
        return TechniqueRef(self.kind, technique.id, technique.name, technique.color)

    def _is_shown(self, technique: Technique) -> bool:
        if technique.maturity is not None:
            return technique.maturity is not Maturity.FEASIBLE
        return technique.evidence is not None or self.kind == "attack"

    def _text(self, technique: Technique) -> Text:
        row = crosswalk.load().mapping(technique.id)
        tactics = [self.tactic(id_).name for id_ in technique.tactics]
        above = [self.technique(technique.parent).name] if technique.parent else []
        first_id = [technique.v1_id] if technique.v1_id else []
        # What a record says of the entry itself, such as a CVE; case studies are found as such.
        records = [s.study.id for s in technique.evidence.sources if s.result] if technique.evidence else []
        labels = (*technique.attack_ids, *first_id, *(row.atlas if row else ()), *tactics, *above, *records)
        return Text(technique.id, technique.name, technique.description, labels)

    def _text_of_study(self, study: CaseStudy) -> Text:
        shown = dict.fromkeys(step.technique for step in study.steps)
        steps = [label for id_ in shown for label in (id_, self._by_id[id_].name if id_ in self._by_id else "")]
        again = [study.same_as] if study.same_as else []
        told = " ".join([study.summary, *(step.summary for step in study.steps)])
        return Text(study.id, study.name, told, (study.target, *study.actors, *again, *steps))


def versions() -> tuple[str, ...]:
    """Return the names of all versions, the default first."""
    return tuple(_KINDS)


def load(version: str = DEFAULT) -> Matrix:
    """Load a version; the same object on every call.

    Raises:
        InputError: If there is no such version; it names those there are.
    """
    if version in _KINDS:
        return _loaded(version)
    raise nearest_name(version, _KINDS)


@cache
def _loaded(version: str) -> Matrix:
    shipped = read(f"{version}.yaml", MatrixFile)
    techniques = shipped.techniques
    if version == evidence_gate.FOUNDING_MATRIX:
        # ATLAS tells the studies of 2020 again and all later ones, so evidence names its ids.
        techniques = with_evidence(techniques, read("evidence.yaml", EvidenceFile), case_studies("atlas-5.6"))
    matrix = Matrix(
        version,
        _KINDS[version],
        shipped.name,
        shipped.released,
        shipped.repository,
        shipped.tactics,
        techniques,
        case_studies(version),
    )
    evidence_gate.admit(matrix.shown(), version)
    return matrix


@cache
def case_studies(version: str) -> tuple[CaseStudy, ...]:
    """Return the case studies of a version that ships, in the order of their ids."""
    studies = tuple(row.case_study() for row in read(_STUDIES[version], StudiesFile).studies)
    check_ids((), (), studies)
    return studies


def with_evidence(
    techniques: Iterable[Technique], evidence: EvidenceFile, studies: Iterable[CaseStudy] = ()
) -> tuple[Technique, ...]:
    """Return the entries with the evidence that the file has for them; an entry without a row gets none.

    Raises:
        CaponierError: If a row names what is neither a case study nor a source of the file.
    """
    known = {study.id: study.as_evidence for study in studies} | {study.id: study for study in evidence.sources}
    rows = {row.id: row for row in evidence.techniques}

    def named(id_: str, row: EvidenceRow) -> Study:
        if id_ not in known:
            raise CaponierError(f"{row.id} rests on {id_}, which is not there", hint="Reinstall caponier.")
        return known[id_]

    def source(later: LaterStudy, row: EvidenceRow) -> EvidenceSource:
        return EvidenceSource(named(later.study, row), later.through)

    def joined(row: EvidenceRow) -> EntryEvidence:
        direct = [EvidenceSource(named(id_, row)) for id_ in row.studies_2020]
        later = [source(later, row) for later in row.studies_later]
        records = [EvidenceSource(named(s.source, row), (), s.result, s.system) for s in row.shown_by]
        return EntryEvidence(row.grade, (*direct, *later, *records))

    return tuple(replace(t, evidence=joined(rows[t.id])) if t.id in rows else t for t in techniques)


def resolve(id_: TechniqueId) -> TechniqueRef:
    """Turn an id into a reference with name and colour.

    Raises:
        InputError: If the matrix or the technique is unknown; it names the nearest.
    """
    if id_.matrix == "attack":
        return TechniqueRef("attack", id_.id, _attack_name(id_.id))
    for version, kind in _KINDS.items():
        if id_.matrix in (kind, version):
            matrix = load(version)
            return matrix.ref(matrix.technique(id_.id))
    known = ", ".join([*_KINDS.values(), "attack"])
    raise InputError(f"there is no matrix {id_.matrix!r}", hint=f"There are: {known}.")


def harms_of(ids: Iterable[TechniqueId]) -> tuple[Harm, ...]:
    """Return what the techniques harm together, in the order confidentiality, integrity, availability.

    The 2020 entries say it. If there are none among the ids, those that map to the ATLAS ids or carry the ATT&CK ids
    speak for them: they may cover more than was meant, so a 2020 id among the ids always wins.
    """
    wanted = tuple(ids)
    founding = load(evidence_gate.FOUNDING_MATRIX)
    entries = [founding.technique(id_.id) for id_ in wanted if id_.matrix == founding.kind]
    if not entries:
        entries = [entry for id_ in wanted for entry in _founding_entries(founding, id_)]
    harmed = {harm for entry in entries for harm in entry.harms}
    return tuple(harm for harm in Harm if harm in harmed)


def nearest_name(version: str, known: Iterable[str]) -> InputError:
    """Return the error about a version that is not there; it names the nearest."""
    names = list(known)
    hint = did_you_mean(nearest_text(version, names, 0.3), f"There are: {', '.join(names)}.")
    return InputError(f"there is no matrix version {version!r}", hint=hint)


def nearest(id_: str, known: Iterable[str]) -> str:
    """Say which known id is nearest, and where to look otherwise."""
    return did_you_mean(nearest_id(id_.upper(), known), "Search by words with: caponier matrix search WORDS")


def _attack_name(id_: str) -> str:
    name = attack.name(id_)
    if name is None:
        raise InputError(f"no ATT&CK technique {id_!r} is known here", hint=nearest(id_, attack.names()))
    return name


def _founding_entries(founding: Matrix, id_: TechniqueId) -> Iterable[Technique]:
    if id_.matrix == "atlas":
        return [founding.technique(entry.id) for entry in crosswalk.to_2020(id_.id)]
    if id_.matrix == "attack":
        return founding.carrying(id_.id)
    return []
