"""A difference as JSON, CSV and Markdown.

Names come from files that others wrote, so none of them reaches a spreadsheet or a page as anything but text.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from caponier.cli.matrix.diff_names import full_name, note, titles
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.output import json_text
from caponier.formats.safe_text import markdown, plain
from caponier.matrix.mapping.difference import Change, Difference, DifferenceKind, Facts, Noun
from caponier.matrix.versions.catalogue import Matrix

SCHEMA: Final = "caponier.matrix-diff/1"


def to_json(difference: Difference, before: Matrix, after: Matrix) -> str:
    """Write a document of schema `caponier.matrix-diff/1`."""
    counts = Counter((change.noun, change.kind) for change in difference.changes)
    document = {
        "schema": SCHEMA,
        "before": _version(before),
        "after": _version(after),
        "summary": {noun.value: {kind.value: counts[noun, kind] for kind in DifferenceKind} for noun in Noun},
        "remarks": list(difference.remarks),
        "changes": [_document(change) for change in difference.changes],
    }
    return json_text(document)


def _version(matrix: Matrix) -> dict[str, Any]:
    released = matrix.released.isoformat() if matrix.released else None
    return {"version": matrix.version, "name": matrix.name, "released": released}


def _document(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind.value,
        "noun": change.noun.value,
        "id": change.id,
        "before": [_facts(facts) for facts in change.before],
        "after": [_facts(facts) for facts in change.after],
        "note": change.note,
        "needs_human": change.needs_human,
        "successor_unknown": change.unknown,
        "nearest": list(change.nearest),
    }


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "id": facts.id,
        "name": facts.name,
        "tactics": list(facts.tactics),
        "parent": facts.parent,
        "maturity": facts.maturity.value if facts.maturity else None,
        "attack": list(facts.attack),
    }


def changes_listed(before: Matrix, after: Matrix) -> Listing[Change]:
    """Return the listing with a row a change; several ids or names are joined by `; `."""
    return Listing(
        [
            ListingColumn("kind", lambda change: change.kind.value),
            ListingColumn("noun", lambda change: change.noun.value),
            ListingColumn("before_ids", lambda change: _ids(change.before)),
            ListingColumn("before_names", lambda change: _names(change.before, before)),
            ListingColumn("after_ids", lambda change: _ids(change.after)),
            ListingColumn("after_names", lambda change: _names(change.after, after)),
            ListingColumn("note", lambda change: change.note),
            ListingColumn("needs_human", lambda change: "yes" if change.needs_human else "no"),
            ListingColumn("nearest", lambda change: "; ".join(change.nearest)),
        ]
    )


def to_csv(difference: Difference, before: Matrix, after: Matrix) -> str:
    """Write a row a change."""
    return changes_listed(before, after).to_csv(difference.changes)


def _ids(side: Sequence[Facts]) -> str:
    return "; ".join(facts.id for facts in side)


def _names(side: Sequence[Facts], matrix: Matrix) -> str:
    return "; ".join(full_name(facts, matrix) for facts in side)


def to_markdown(difference: Difference, before: Matrix, after: Matrix) -> str:
    """Write a change log: a heading a kind, below it what changed, for release notes and tickets."""
    lines = [f"# {markdown(before.version)} to {markdown(after.version)}", ""]
    lines += [f"{_named(before)} to {_named(after)}.", ""]
    lines += [f"{markdown(remark)}\n" for remark in difference.remarks]
    lines += _summary(difference)
    for kind in DifferenceKind:
        changes = difference.of(kind=kind)
        if changes:
            lines += ["", f"## {kind.value.capitalize()}"]
        for noun in Noun:
            lines += _list(noun, difference.of(noun, kind), before, after)
    return "\n".join(lines) + "\n"


def _named(matrix: Matrix) -> str:
    return f"{markdown(matrix.name)} ({matrix.released or 'undated'})"


def _summary(difference: Difference) -> Iterator[str]:
    kinds = [kind for kind in DifferenceKind if difference.of(kind=kind)]
    if not kinds:
        yield "Nothing changed."
        return
    yield "| | " + " | ".join(kind.value for kind in kinds) + " |"
    yield "|---|" + "---:|" * len(kinds)
    for noun in Noun:
        yield f"| {noun.plural} | " + " | ".join(str(len(difference.of(noun, kind))) for kind in kinds) + " |"


def _list(noun: Noun, changes: Sequence[Change], before: Matrix, after: Matrix) -> Iterator[str]:
    if changes:
        yield f"\n### {noun.plural.capitalize()} ({len(changes)})\n"
    for change in changes:
        sides = [", ".join(map(_title, side)) for side in titles(change, before, after) if side]
        told = [" → ".join(sides), *([markdown(note(change))] if note(change) else [])]
        look = f" (worth a look: {', '.join(f'`{id_}`' for id_ in change.nearest)})" if change.nearest else ""
        yield f"- {': '.join(told)}{look}{'. **Needs a human.**' if change.needs_human else ''}"


def _title(title: tuple[str, str]) -> str:
    id_, name = title
    return f"`{plain(id_)}` {markdown(name)}" if id_ else markdown(name)
