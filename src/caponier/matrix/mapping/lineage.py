"""Which ids of one version took over from which of another, by the curated table and by what a version says itself."""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass

from caponier.matrix.mapping.difference import Facts
from caponier.matrix.mapping.succession_table import SuccessionTable
from caponier.matrix.versions.catalogue import Matrix

_Side = Mapping[str, Facts]


@dataclass(frozen=True, slots=True)
class Link:
    """Old ids and the new ids in their place: one to one, one to several or several to one."""

    before: tuple[str, ...]
    after: tuple[str, ...]
    note: str
    sure: bool
    """False if it rests on a row that was not checked."""


@dataclass(frozen=True, slots=True)
class _Edge:
    old: str
    new: str
    note: str
    sure: bool


def links(before: Matrix, after: Matrix, old: _Side, new: _Side, table: SuccessionTable) -> tuple[Link, ...]:
    """Return how ids that only one version has are linked to ids of the other.

    Looked at from the other version it is the same, with the sides changed.
    """
    edges = {(edge.old, edge.new): edge for edge in _edges(after, old, new, table)}
    for back in _edges(before, new, old, table):
        edges.setdefault((back.new, back.old), _Edge(back.new, back.old, back.note, back.sure))
    return tuple(link for group in _groups(list(edges.values())) for link in _grouped(group))


def _edges(later: Matrix, old: _Side, new: _Side, table: SuccessionTable) -> Iterator[_Edge]:
    for id_ in old.keys() - new.keys():
        if later.kind == table.matrix:
            successors = table.successors(id_, new)
            note, sure = "; ".join(row.said for row in successors.rows), all(row.checked for row in successors.rows)
            yield from (_Edge(id_, successor, note, sure) for successor in successors.ids)
        named = named_successor(id_, later, new)
        if named:
            yield _Edge(id_, named, f"{later.version} itself names the successor", True)


def named_successor(id_: str, matrix: Matrix, present: Container[str]) -> str | None:
    """Follow what a version says of ids it took back, over ids that it took back as well, to one that is present."""
    successors = {retired.id: retired.replaced_by for retired in matrix.retired}
    seen: set[str] = set()
    here: str | None = id_
    while here is not None and here not in present and here not in seen:
        seen.add(here)
        here = successors.get(here)
    return here if here is not None and here in present else None


def _groups(edges: list[_Edge]) -> Iterator[list[_Edge]]:
    """Sort edges into groups that share no id."""
    while edges:
        group, edges = edges[:1], edges[1:]
        grown = True
        while grown:
            olds, news = {edge.old for edge in group}, {edge.new for edge in group}
            near = [edge for edge in edges if edge.old in olds or edge.new in news]
            edges = [edge for edge in edges if not (edge.old in olds or edge.new in news)]
            group += near
            grown = bool(near)
        yield group


def _grouped(group: list[_Edge]) -> Iterator[Link]:
    olds, news = sorted({edge.old for edge in group}), sorted({edge.new for edge in group})
    if len(olds) > 1 and len(news) > 1:
        # Ids that were mixed with each other have no one line: each link stands for itself.
        yield from (Link((edge.old,), (edge.new,), edge.note, sure=False) for edge in group)
        return
    note = "; ".join(dict.fromkeys(edge.note for edge in group))
    yield Link(tuple(olds), tuple(news), note, all(edge.sure for edge in group))
