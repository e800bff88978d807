"""`caponier matrix show`: everything about one entry."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from caponier.app.workspace.workspace import load_workspace
from caponier.cli.matrix import options
from caponier.cli.matrix.study_view import write_study
from caponier.cli.matrix.view import Links, card
from caponier.cli.terminal.output import Format, choose_format, notes
from caponier.matrix.lookup import Found, look_up

if TYPE_CHECKING:
    from caponier.app.coverage.technique_links import TechniqueLinks

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
    """Show one entry: the attacker's action, the harm, and the evidence that the attack works.

    An ATT&CK id shows the entries that carry it, a tactic its column, a case study its steps.
    """
    found = look_up(id_, options.all_matrices(matrix, workspace))
    if found.remark:
        notes(quiet=quiet).print(found.remark, markup=False)
    chosen = choose_format(format_, out, Format.TABLE)
    if found.study:
        write_study(found.matrix, found.study, chosen, out)
        return
    tactics = [found.tactic] if found.tactic else []
    told = chosen in (Format.TABLE, Format.JSON) and not found.tactic
    known = _known(found, workspace) if told else {}
    table = card(found, {id_: _links(links) for id_, links in known.items()} or None)
    beside = {id_: links.to_dict() for id_, links in known.items()}
    options.write_entries(found.matrix, found.techniques, chosen, out, table, tactics, beside=beside)


def _known(found: Found, workspace: Path | None) -> dict[str, "TechniqueLinks"]:
    """Find what detects, emulates, answers and repairs each entry."""
    # The detectors' libraries take longer to load than the matrix.
    from caponier.app.coverage.technique_links import technique_links

    home = load_workspace(workspace)
    return {technique.id: technique_links(found.matrix, technique, home) for technique in found.techniques}


def _links(known: "TechniqueLinks") -> Links:
    from caponier.app.coverage.technique_links import in_words

    return Links(
        tuple(f"{card.name} ({card.kind.noun})" for card in known.detectors),
        tuple(f"{card.name}: {card.description}" for card in known.emulations),
        tuple(f"{rule.name}: {in_words(rule)}" for rule in known.rules),
        known.remedies,
    )
