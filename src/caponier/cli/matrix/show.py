"""`caponier matrix show`: everything about one entry."""

from typing import Annotated, Final

import typer

from caponier.cli.matrix import options
from caponier.cli.matrix.view import Links, card
from caponier.cli.output import Format, choose_format, notes
from caponier.matrix.lookup import Found, look_up
from caponier.matrix.technique import TechniqueId

EXAMPLE: Final = "Example: [bold]caponier matrix show T1078[/bold]"


def show(
    id_: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="Id of the 2020 matrix, ATLAS, ATT&CK, MITRE's first data release (MLT…) or a failure mode (FM…).",
        ),
    ],
    matrix: options.Version = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
    workspace: options.Where = None,
) -> None:
    """Tell all about one entry: what the attacker does, what it harms, and what shows that it works.

    An ATT&CK id shows the entries that carry it, a tactic its column.
    """
    found = look_up(id_, options.all_matrices(matrix, workspace))
    if found.remark:
        notes(quiet=quiet).print(found.remark, markup=False)
    tactics = [found.tactic] if found.tactic else []
    chosen = choose_format(format_, out, Format.TABLE)
    table = card(found, _links(found) if chosen is Format.TABLE and not found.tactic else None)
    options.write_entries(found.matrix, found.techniques, chosen, out, table, tactics)


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
