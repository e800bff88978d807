"""A difference on a terminal: counts first, then every change under its kind, with a sign that needs no colour."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from caponier.cli.matrix.diff_names import Titles, titles
from caponier.formats.safe_text import plain
from caponier.matrix.mapping.difference import Change, Difference, DifferenceKind, Noun
from caponier.matrix.versions.catalogue import Matrix

_SIGNS: Final = {
    DifferenceKind.REMOVED: ("-", "red"),
    DifferenceKind.REPLACED: (">", "cyan"),
    DifferenceKind.SPLIT: (">", "cyan"),
    DifferenceKind.MERGED: (">", "cyan"),
    DifferenceKind.CHANGED: ("~", "yellow"),
    DifferenceKind.MOVED: ("~", "yellow"),
    DifferenceKind.RENAMED: ("~", "yellow"),
    DifferenceKind.ADDED: ("+", "green"),
}
_LEGEND: Final = "+ added   - removed   > another id took over   ~ same id   ! a person must decide what becomes of it"
_MANY: Final = 3
"""From so many changes with the same note on, it stands above them once."""
_LOOK: Final = (DifferenceKind.REMOVED, DifferenceKind.CHANGED)


def view(
    difference: Difference, before: Matrix, after: Matrix, kinds: Collection[DifferenceKind] = tuple(DifferenceKind)
) -> RenderableType:
    """Draw a difference.

    Args:
        difference: The changes.
        before: The version that was compared, for dates and the names of parents.
        after: The other version.
        kinds: Which changes to list; the counts are those of all.
    """
    parts: list[RenderableType] = [_head(before, after), _summary(difference)]
    if difference.only(kinds).changes:
        parts.append(Text(_LEGEND, "dim"))
    else:
        parts.append(Text("No changes of this kind." if difference.changes else "No changes."))
    for kind in DifferenceKind:
        for noun in Noun:
            parts += _section(kind, noun, difference.of(noun, kind) if kind in kinds else (), before, after)
    return Group(*parts)


def _head(before: Matrix, after: Matrix) -> Text:
    sides = (f"{side.version} ({side.name}, {side.released or 'undated'})" for side in (before, after))
    return Text(plain(" -> ".join(sides)), "bold")


def _summary(difference: Difference) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    table.add_column(overflow="fold")
    for noun in Noun:
        counts = Text()
        for kind in DifferenceKind:
            changes = difference.of(noun, kind)
            if changes:
                sign, style = _SIGNS[kind]
                counts.append(f"{sign}{len(changes)} {kind.value}  ", style)
        sizes = f"{len(difference.before.ids(noun))} -> {len(difference.after.ids(noun))}"
        table.add_row(noun.plural, sizes, counts)
    human = sum(change.needs_human for change in difference.changes)
    if human:
        table.add_row("need a person", "", Text(f"!{human}", "bold"))
    return table


def _section(
    kind: DifferenceKind, noun: Noun, changes: Sequence[Change], before: Matrix, after: Matrix
) -> Iterator[RenderableType]:
    if not changes:
        return
    sign, style = _SIGNS[kind]
    word = noun.plural if len(changes) > 1 else noun.value
    yield Text(f"\n{sign} {kind.value.capitalize()}: {len(changes)} {word}", f"bold {style}")
    plainly = _alike([change for change in changes if _is_plain(change, before, after)])
    for some in plainly:
        yield from _close_together(some, before, after)
    drawn = {id(change) for some in plainly for change in some}
    rest = [change for change in changes if id(change) not in drawn]
    if rest:
        yield _lines(rest, before, after)


def _is_plain(change: Change, before: Matrix, after: Matrix) -> bool:
    """Tell whether the names say it all: nobody must decide, or there is nothing on one side and nothing near it."""
    one_sided = not (change.before and change.after) and not change.nearest
    same_in_another_matrix = before.kind != after.kind and not change.needs_human
    return one_sided or same_in_another_matrix or change.kind is DifferenceKind.RENAMED


def _alike(changes: Sequence[Change]) -> list[list[Change]]:
    """Gather what has the same note; a note that few have, and that says more than the names, is left for a line."""
    alike: dict[tuple[str, bool], list[Change]] = defaultdict(list)
    for change in changes:
        # On both sides of two matrices the note is only the reason why the names mean the same.
        alike["" if change.before and change.after else change.note, change.needs_human].append(change)
    return [some for (note, _), some in alike.items() if not note or len(some) >= _MANY]


def _close_together(changes: Sequence[Change], before: Matrix, after: Matrix) -> Iterator[RenderableType]:
    """Draw changes that have at most a note in common, in as many columns as there is room for."""
    first = changes[0]
    if first.note and not (first.before and first.after):
        yield Text(f"  {'! ' if first.needs_human else ''}{plain(first.note)}", "italic")
    cells = [Text(" -> ").join(map(_named, filter(None, titles(change, before, after)))) for change in changes]
    yield Padding(Columns(cells, padding=(0, 2), column_first=True), (0, 0, 0, 2))


def _lines(changes: Sequence[Change], before: Matrix, after: Matrix) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, width=1)
    sides = [titles(change, before, after) for change in changes]
    both = any(old and new for old, new in sides)
    for ratio in (3, 4, 5) if both else (3, 4):
        table.add_column(ratio=ratio, overflow="fold")
    for change, (old, new) in zip(changes, sides, strict=True):
        cells = [_named(old), Text("-> ").append_text(_named(new))] if both else [_named(old or new)]
        table.add_row(Text("!" if change.needs_human else "", "bold"), *cells, _note(change))
    return table


def _named(side: Titles) -> Text:
    return Text("\n").join(Text.assemble((plain(id_), "bold"), " " if id_ else "", plain(name)) for id_, name in side)


def _note(change: Change) -> Text:
    # Where something took over, what else is near can be read in the other formats.
    look = f"worth a look: {', '.join(change.nearest)}" if change.nearest and change.kind in _LOOK else ""
    return Text(plain("; ".join(part for part in (change.note, look) if part)), "dim")
