"""Entries as a Markdown table, for tickets and wikis."""

from collections.abc import Iterable

from caponier.formats.safe_text import markdown
from caponier.matrix.technique import Technique
from caponier.matrix.versions.catalogue import Matrix
from caponier.matrix.writers.rows import row

_HEADS = {
    "id": "Id",
    "name": "Name",
    "level": "Level",
    "tactics": "Tactics",
    "color": "Colour",
    "attack": "ATT&CK",
    "atlas": "ATLAS",
    "relation": "Relation",
    "harms": "Harms",
    "evidence": "Evidence",
}


def to_markdown(matrix: Matrix, techniques: Iterable[Technique]) -> str:
    """Write entries as a table under a heading with name and date of the matrix; empty columns are left out."""
    rows = [row(matrix, technique) for technique in techniques]
    heads = {key: head for key, head in _HEADS.items() if any(line[key] for line in rows)}
    lines = [
        f"# {markdown(matrix.name)} ({matrix.released or 'undated'})",
        "",
        _line(heads.values()),
        _line("---" for _ in heads),
    ]
    return "\n".join([*lines, *(_line(markdown(line[key]) for key in heads) for line in rows)]) + "\n"


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
