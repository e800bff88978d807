"""`caponier emulate`: list emulated attacks, and carry one out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from caponier.app.coverage.detectors import DetectorKind, EmulationCard, controls, emulations, unavailable
from caponier.app.validate.emulate import EmulationReport, emulate
from caponier.cli.terminal import options
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.output import Format, choose_format, json_text, notes, write_table, write_text
from caponier.cli.terminal.watch import Watch
from caponier.matrix.technique import TechniqueId

app = typer.Typer(
    add_completion=False,
    help="Known attacks: list them, and carry one out against a test model.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier emulate run hop_skip_jump --out attack[/bold]",
)
UNSUCCESSFUL = 3

EMULATIONS: Final[Listing[EmulationCard]] = Listing(
    [
        ListingColumn("name", lambda card: card.name, whole=True),
        ListingColumn("kind", lambda card: card.kind.value, whole=True),
        ListingColumn("techniques", lambda card: _ids(card.techniques) if card.harmful else "(benign)"),
        ListingColumn("description", lambda card: card.description),
    ],
    wide=True,
    folded=True,
    ours=True,
    quoted=True,
)


@app.command("list", epilog="Example: [bold]caponier emulate list --kind event --controls[/bold]")
def list_emulations(
    kind: Annotated[
        DetectorKind | None, typer.Option("--kind", help="Only emulations that leave this kind of trace.")
    ] = None,
    with_controls: Annotated[
        bool, typer.Option("--controls", help="Also list the benign controls, on which detectors must stay silent.")
    ] = False,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """List the emulations."""
    cards = [*emulations(), *(controls() if with_controls else ())]
    shown = [card for card in cards if kind in (None, card.kind)]
    EMULATIONS.write(shown, choose_format(format_, out, Format.TABLE), out, lambda: _document(shown))
    harmful = sum(card.harmful for card in shown)
    tail = f", {len(shown) - harmful} benign controls" if with_controls else ""
    console = notes(quiet=quiet)
    console.print(f"{harmful} emulations{tail}", markup=False)
    for one in unavailable():
        console.print(f"unavailable {one.name}: {one.line}", markup=False)


@app.command("run", epilog="Example: [bold]caponier emulate run jbda --target digits-forest --out attack[/bold]")
def run(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An emulation; see `emulate list`.")],
    target: Annotated[
        str | None,
        typer.Option(
            "--target", metavar="VICTIM", help="What to attack, where there is a choice: digits-mlp or digits-forest."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Keep its log or files here; otherwise they are deleted."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Fixes the emulation.")] = 0,
    format_: Annotated[Format, typer.Option("--format", help="How to print: table or json.")] = Format.TABLE,
    quiet: options.Quiet = False,
) -> None:
    """Carry out one emulation against one target that is made for it, and clean up.

    Nothing outside this machine is touched. Exit code: 0 it succeeded by its own measure, 2 wrong request, 3 it did
    not succeed.
    """
    with Watch(quiet=quiet) as watch:
        report = emulate(name, target=target, out=out, seed=seed, progress=watch)
    if format_ is Format.JSON:
        write_text(json_text(_result(report)), None)
    else:
        write_table(_result_table(report), None)
    console = notes(quiet=quiet)
    if report.kind is DetectorKind.ARTIFACT and report.files:
        console.print("These files run code when they are loaded. Do not load them.", markup=False)
    if not report.success:
        console.print("It did not succeed, so it shows nothing about any detector.", markup=False)
        raise typer.Exit(UNSUCCESSFUL)


def _document(cards: list[EmulationCard]) -> dict[str, Any]:
    return {
        "schema": "caponier.emulations/1",
        "emulations": [_plain(card) for card in cards],
        "unavailable": [{"name": one.name, "reason": one.line} for one in unavailable()],
    }


def _plain(card: EmulationCard) -> dict[str, Any]:
    return {
        "name": card.name,
        "kind": card.kind.value,
        "harmful": card.harmful,
        "techniques": [{"matrix": id_.matrix, "id": id_.id} for id_ in card.techniques],
        "description": card.description,
    }


def _ids(ids: Sequence[TechniqueId]) -> str:
    return ", ".join(id_.id for id_ in ids)


def _result(report: EmulationReport) -> dict[str, Any]:
    return {
        "schema": "caponier.emulation-run/1",
        "name": report.name,
        "kind": report.kind.value,
        "target": report.target,
        "success": report.success,
        "measure": dict(report.measure),
        "queries": report.queries,
        "stop": report.stop,
        "seconds": round(report.seconds, 2),
        "files": [str(path) for path in report.files],
    }


def _result_table(report: EmulationReport) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    rows = {
        "emulation": report.name,
        "target": report.target,
        "success": "yes, by its own measure" if report.success else "no",
        **{name.replace("_", " "): f"{value:g}" for name, value in report.measure.items()},
        "queries": None if report.queries is None else f"{report.queries:,}",
        "ended": report.stop,
        "seconds": f"{report.seconds:.1f}",
        "written": "\n".join(map(str, report.files)) or None,
    }
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, value)
    return table
