"""`caponier matrix`: the versions of the matrix, listed, looked up and searched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType

from caponier.cli.matrix_view import Columns, Links, card, hits
from caponier.cli.output import Format, choose_format, notes, write_table, write_text
from caponier.matrix.catalogue import DEFAULT, Matrix, load, versions
from caponier.matrix.lookup import Found, look_up
from caponier.matrix.technique import Tactic, Technique, TechniqueId
from caponier.matrix.writers.csv_file import to_csv
from caponier.matrix.writers.json_file import to_json
from caponier.matrix.writers.markdown_file import to_markdown

app = typer.Typer(
    help="What can be done to an ML system: the threat matrix, listed, looked up and searched.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier matrix show AMLTM.EVADE.01.02[/bold]",
)


def _complete_version(typed: str) -> list[str]:
    return [version for version in versions() if version.startswith(typed)]


Version = Annotated[
    str,
    typer.Option(
        "--matrix",
        metavar="VERSION",
        help=f"Which version: {' or '.join(versions())}.",
        autocompletion=_complete_version,
    ),
]
AskedFormat = Annotated[
    Format | None,
    typer.Option("--format", help="How to print. Without it the ending of --out decides, or else it is a table."),
]
Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into a file instead.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but the result.")]
All = Annotated[bool, typer.Option("--all", help="Also what was shown in research only, never on a real system.")]


@app.command("list", epilog="Example: [bold]caponier matrix list --format csv --out matrix.csv[/bold]")
def list_entries(
    matrix: Version = DEFAULT, format_: AskedFormat = None, out: Out = None, quiet: Quiet = False, all_: All = False
) -> None:
    """Draw a matrix with its tactics as columns, or list every entry."""
    chosen = load(matrix)
    entries = chosen.shown(everything=all_)
    _note_left_out(chosen, entries, quiet)
    _write(chosen, entries, choose_format(format_, out, Format.TABLE), out, Columns(chosen, everything=all_))


@app.command("show", epilog="Example: [bold]caponier matrix show T1078[/bold]")
def show(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID", help="Id of the 2020 matrix, of ATLAS or of ATT&CK, or of MITRE's first data release (MLT…)."
        ),
    ],
    matrix: Version = DEFAULT,
    format_: AskedFormat = None,
    out: Out = None,
    quiet: Quiet = False,
) -> None:
    """Tell all about one entry: what the attacker does, what it harms, and what shows that it works.

    An ATT&CK id shows the entries that carry it, a tactic its column.
    """
    found = look_up(id_, matrix)
    if found.remark:
        notes(quiet=quiet).print(found.remark, markup=False)
    tactics = [found.tactic] if found.tactic else []
    chosen = choose_format(format_, out, Format.TABLE)
    table = card(found, _links(found) if chosen is Format.TABLE and not found.tactic else None)
    _write(found.matrix, found.techniques, chosen, out, table, tactics)


def _links(found: Found) -> dict[str, Links]:
    """Say what detects and what emulates each entry."""
    # The detectors' libraries take longer to load than the matrix.
    from caponier.app.detectors import detected_by, emulated_by

    links = {}
    for technique in found.techniques:
        # The same entry may stand in two columns, and either of the two may be the one that names the other.
        same = {technique.id, technique.same_as} | {t.id for t in found.matrix.techniques if t.same_as == technique.id}
        ids = [TechniqueId(found.matrix.kind, id_) for id_ in same if id_]
        links[technique.id] = Links(
            tuple(f"{card.name} ({card.kind.noun})" for card in detected_by(ids)),
            tuple(f"{card.name}: {card.description}" for card in emulated_by(ids)),
        )
    return links


@app.command("search", epilog="Example: [bold]caponier matrix search poison labels[/bold]")
def search(
    words: Annotated[list[str], typer.Argument(metavar="WORDS...", help="Words of a name, a description or an id.")],
    matrix: Version = DEFAULT,
    format_: AskedFormat = None,
    out: Out = None,
    quiet: Quiet = False,
    all_: All = False,
) -> None:
    """Find entries by words, the best match first."""
    chosen = load(matrix)
    found = chosen.search(words, everything=all_)
    if not found:
        hidden = len(chosen.search(words, everything=True))
        advice = f" {hidden} shown in research only: add --all." if hidden else ""
        notes(quiet=quiet).print(f"Nothing in {matrix} matches {' '.join(words)!r}.{advice}", markup=False)
    _write(chosen, found, choose_format(format_, out, Format.TABLE), out, hits(chosen, found), [])


def _write(
    matrix: Matrix,
    entries: Sequence[Technique],
    chosen: Format,
    out: Path | None,
    table: RenderableType,
    tactics: Sequence[Tactic] | None = None,
) -> None:
    if chosen is Format.TABLE:
        write_table(table, out)
    elif chosen is Format.JSON:
        write_text(to_json(matrix, entries, tactics), out)
    else:
        write_text((to_csv if chosen is Format.CSV else to_markdown)(matrix, entries), out)


def _note_left_out(matrix: Matrix, shown: Sequence[Technique], quiet: bool) -> None:
    left_out = len(matrix.techniques) - len(shown)
    if left_out:
        notes(quiet=quiet).print(f"{left_out} entries that were shown in research only are left out: add --all.")
