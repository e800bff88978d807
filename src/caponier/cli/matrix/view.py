"""The matrix on a terminal: columns of tactics, the card of one entry, a list of hits.

Orange and white are told apart by a mark as well as by colour, so that they survive `NO_COLOR`, paper and eyes that see
no orange.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.formats.markdown import one_line
from caponier.matrix import attack, crosswalk, failure_modes
from caponier.matrix.case_study import CaseStudy
from caponier.matrix.evidence import EvidenceSource
from caponier.matrix.lookup import Found
from caponier.matrix.mapping import attack_crosswalk, succession_table
from caponier.matrix.technique import Color, Level, Tactic, Technique
from caponier.matrix.versions.catalogue import Matrix, load

_MARKS = {Color.ORANGE: ("◆", "#"), Color.WHITE: ("◇", "-")}
"""Mark of each colour, and what stands for it where only ASCII can be printed."""
_STYLES = {Color.ORANGE: "dark_orange", Color.WHITE: ""}
_COLUMN_WIDTH = 22


@dataclass(frozen=True, slots=True)
class Links:
    """What the product does about an entry, in words; the matrix itself suggests no defences."""

    detected_by: tuple[str, ...] = ()
    emulated_by: tuple[str, ...] = ()
    responded_by: tuple[str, ...] = ()
    remediated_by: tuple[str, ...] = ()


class TacticColumns:
    """The matrix as columns of tactics, in as many bands as the width asks for."""

    def __init__(self, matrix: Matrix, *, everything: bool = False) -> None:
        self.matrix = matrix
        self.everything = everything

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        shown = self.matrix.columns(everything=self.everything)
        yield Text(f"{self.matrix.name} ({self.matrix.version}, {self.matrix.released or 'undated'})", style="bold")
        if any(technique.color for technique in self.matrix.techniques):
            yield _legend(options.ascii_only)
        a_band = max(1, min(len(shown), options.max_width // _COLUMN_WIDTH))
        for start in range(0, len(shown), a_band):
            yield self._band(shown[start : start + a_band], options.ascii_only)

    def _band(self, shown: Sequence[tuple[Tactic, Sequence[Technique]]], ascii_only: bool) -> Table:
        table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1, 0, 0))
        for tactic, tops in shown:
            table.add_column(f"{tactic.name} ({len(tops)})", ratio=1, overflow="fold")
        table.add_row(*(Group(*self._cells(tops, ascii_only)) for _, tops in shown))
        return table

    def _cells(self, tops: Iterable[Technique], ascii_only: bool) -> Iterator[RenderableType]:
        for top in tops:
            yield _hanging(mark(top, ascii_only), top.name, style(top))
            for child in self.matrix.children(top.id, everything=self.everything):
                bullet = "  ~" if child.level is Level.VARIANT else "  ."
                yield _hanging(bullet, child.name, f"{style(child)} dim".strip())


def hits(matrix: Matrix, found: Sequence[Technique]) -> RenderableType:
    """List entries one a line: id, kind, name and tactics."""
    if not found:
        return Group()
    columns: list[ListingColumn[Technique]] = [
        ListingColumn("id", lambda one: one.id, whole=True, head="Id"),
        ListingColumn(
            "kind", lambda one: one.color.value if one.color else str(one.maturity), style=style, head="Kind"
        ),
        ListingColumn("name", lambda one: one.name, head="Name"),
        ListingColumn("tactics", lambda one: ", ".join(matrix.tactic(id_).name for id_ in one.tactics), head="Tactics"),
    ]
    return Listing(columns, wide=True, edge=True, folded=True).table(found)


def card(found: Found, links: Mapping[str, Links] | None = None) -> RenderableType:
    """Tell all about what an id stands for: a tactic with its entries, or one or more entries.

    Args:
        found: What the id stands for.
        links: By id, what detects and emulates the entries; left out where nothing is said.
    """
    if found.tactic:
        return Group(_tactic_card(found.tactic), Text(), hits(found.matrix, found.techniques))
    parts: list[RenderableType] = []
    for technique in found.techniques:
        parts += [
            *([Text()] if parts else []),
            _technique_card(found.matrix, technique, (links or {}).get(technique.id)),
        ]
    return Group(*parts)


def _tactic_card(tactic: Tactic) -> RenderableType:
    row = crosswalk.load().tactic(tactic.id)
    atlas = load("atlas-5.6")
    lines = [("What", tactic.description), ("ATT&CK", tactic.attack), ("2021 id", tactic.v1_id)]
    if row:
        lines.append(("ATLAS", "\n".join(f"{id_} {atlas.tactic(id_).name}" for id_ in row.atlas)))
        lines.append(("", row.note))
    return Group(Text(f"{tactic.id}  {tactic.name}", style="bold"), fields(lines))


def _technique_card(matrix: Matrix, technique: Technique, links: Links | None) -> RenderableType:
    head = Text.assemble((f"{technique.id}  {technique.name}", "bold"))
    if technique.color:
        head.append(f"\n{technique.color.words}", style(technique))
    lines = [
        ("Level", _level(matrix, technique)),
        ("Tactic", "\n".join(_tactic(matrix, id_) for id_ in technique.tactics)),
        ("Harms", _harms(technique)),
        ("What", technique.description),
        *_attack(technique),
        *_crosswalk(technique),
        *_failure_modes(technique),
        *_evidence(technique),
        ("Studies", "\n".join(_studies(matrix, technique))),
        ("Same as", _named(matrix, [technique.same_as] if technique.same_as else [])),
        ("Contains", _named(matrix, [child.id for child in matrix.children(technique.id, everything=True)])),
        ("Seen in", _seen_in(technique)),
        ("2021 id", technique.v1_id),
    ]
    return Group(head, fields(lines), *([fields(_linked(links))] if links else []))


def _linked(links: Links) -> Iterator[tuple[str, str | None]]:
    yield "Detected by", "\n".join(links.detected_by) or "nothing yet"
    yield "Emulated by", "\n".join(links.emulated_by) or "nothing yet"
    yield "Responded to by", "\n".join(links.responded_by) or "nothing by itself; a person decides"
    yield "Remediated by", "\n".join(links.remediated_by) or "nothing yet"


def _level(matrix: Matrix, technique: Technique) -> str:
    if technique.parent is None:
        return technique.level.value
    return f"{technique.level.value} of {technique.parent} {matrix.technique(technique.parent).name}"


def _tactic(matrix: Matrix, id_: str) -> str:
    # The 2020 matrix asks for its tactics to be read so; those of ATLAS reach beyond the subsystem.
    reading = " (of the ML subsystem)" if matrix.kind == "amltm-2020" else ""
    return matrix.tactic(id_).name + reading


def _harms(technique: Technique) -> str:
    if technique.color is None:
        return ""
    return ", ".join(technique.harms) or "nothing by itself; it prepares other acts"


def _seen_in(technique: Technique) -> str:
    places = " and ".join({"page": "text", "image": "picture"}[place] for place in technique.seen_in)
    return f"{places} of 2020" if places else ""


def _attack(technique: Technique) -> Iterator[tuple[str, str | None]]:
    walk = attack_crosswalk.load()
    row = walk.mapping(technique.id)
    if row is None:
        yield "ATT&CK", _attack_names(technique.attack_ids)
        yield "", technique.attack_basis
        return
    yield "ATT&CK", _attack_names(row.attack) or f"{row.relation.value}: {row.relation.words}"
    yield "", technique.attack_basis
    relation = f"{row.relation.value} (ATT&CK {walk.target_version}): " if row.attack else "Why: "
    yield "", f"{relation}{row.reason}"
    yield "See also", _attack_names(row.also)


def _attack_names(ids: Iterable[str]) -> str:
    return "\n".join(f"{id_} {attack.name(id_) or ''}".strip() for id_ in ids)


def _crosswalk(technique: Technique) -> Iterator[tuple[str, str | None]]:
    walk = crosswalk.load()
    atlas = load("atlas-5.6")
    mapping = walk.mapping(technique.id)
    if mapping:
        yield "ATLAS", f"{mapping.relation.value}: {mapping.relation.words}"
        yield "", _named(atlas, mapping.atlas)
        yield "", f"Why: {mapping.reason}"
        yield "See also", _named(atlas, mapping.also)
        return
    for back in walk.from_atlas(technique.id):
        yield "2020", f"{back.id} {load(walk.source).technique(back.id).name}"
        yield "", f"{back.relation.value}: {back.reason}"
    yield "See also", _named(load(walk.source), [near.id for near in walk.near_atlas(technique.id)])
    yield "Newer", _newer(technique.id)


def _failure_modes(technique: Technique) -> Iterator[tuple[str, str | None]]:
    for mode in failure_modes.load().of(technique.id):
        # The relation is that of the 2020 entries; for ATLAS it would say too much.
        relation = f"{mode.relation.value}: " if technique.id in mode.ids else ""
        yield "Failure", f"{mode.id} {mode.name} (Microsoft, 2019)"
        yield "", f"{relation}{mode.reason}"


def _newer(id_: str) -> str:
    row, name = succession_table.load().newer_id(id_), succession_table.load().newer_name(id_)
    lines = [_of_release(row.release, row.checked, f"the id is now {row.after[0]}")] if row else []
    lines += [_of_release(name.release, name.checked, f"the name is now {name.name}")] if name else []
    return "\n".join(lines)


def _of_release(release: str, checked: bool, says: str) -> str:
    return f"ATLAS {release}{'' if checked else ', from public notes'}: {says}"


def _evidence(technique: Technique) -> Iterator[tuple[str, str | None]]:
    if technique.maturity:
        yield "Evidence", f"{technique.maturity.value}: {technique.maturity.words}"
    if technique.evidence:
        yield "Evidence", f"{technique.evidence.grade.value}: {technique.evidence.grade.words}"
        for source in technique.evidence.sources:
            yield "", _source(source)


def _studies(matrix: Matrix, technique: Technique) -> Iterator[str]:
    told = {source.study.id for source in technique.evidence.sources} if technique.evidence else set()
    for study in matrix.studies_of(technique.id):
        if study.id not in told:
            yield _study(study, technique)


def _study(study: CaseStudy, technique: Technique) -> str:
    places = [str(place) for place, step in enumerate(study.steps, 1) if step.technique == technique.id]
    steps = f"step{'s' if len(places) > 1 else ''} {', '.join(places)}"
    return f"{study.when}  {study.type.value}  {one_line(study.id)} {one_line(study.name)} ({steps})"


def _source(source: EvidenceSource) -> str:
    study = source.study
    through = f" (through {', '.join(source.through)})" if source.through else ""
    showed = f"\nShowed on {source.system}: {source.result}" if source.result else ""
    right = f"\n{study.disclosure.told}" if study.disclosure else ""
    return f"{study.when}  {study.type.value}  {study.id} {study.name}{through}{showed}{right}\n{study.url}"


def _named(matrix: Matrix, ids: Iterable[str]) -> str:
    return "\n".join(f"{id_} {matrix.technique(id_).name}" for id_ in ids)


def fields(lines: Iterable[tuple[str, str | None]]) -> Table:
    """Names and values side by side; what has no value is left out."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim", min_width=8)
    table.add_column(overflow="fold")
    for name, value in lines:
        if value:
            table.add_row(name, Text(value))
    return table


def _legend(ascii_only: bool) -> Text:
    legend = Text()
    for color, marks in _MARKS.items():
        legend.append(f"{marks[ascii_only]} {color.words}   ", _STYLES[color])
    return legend.append(". sub-technique   ~ variant", "dim")


def mark(technique: Technique, ascii_only: bool) -> str:
    """The sign of an entry's colour."""
    return _MARKS[technique.color][ascii_only] if technique.color else "-"


def style(technique: Technique) -> str:
    """The terminal's style for an entry's colour."""
    return _STYLES[technique.color] if technique.color else ""


def _hanging(mark: str, name: str, style: str) -> Table:
    """A name that wraps to the right of its mark."""
    line = Table.grid(padding=(0, 1, 0, 0))
    line.add_row(Text(mark, style), Text(name, style))
    return line
