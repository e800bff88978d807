"""`caponier map`: field maps, which read logs that are not in the event schema."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from caponier.app.inference.propose_map import MapProposal, Preview, propose_map
from caponier.app.workspace.workspace import load_workspace, read_salt
from caponier.cli.terminal import options
from caponier.cli.terminal.listing import Listing, ListingColumn
from caponier.cli.terminal.log_options import map_choice
from caponier.cli.terminal.log_report import print_rejected, say
from caponier.cli.terminal.output import Format, choose_format, json_text, notes, write_text
from caponier.errors import InputError
from caponier.records.field_map import FieldMap
from caponier.telemetry.field_maps.shipped import find_map, shipped_maps
from caponier.telemetry.field_maps.words import understood, yaml_of

app = typer.Typer(
    add_completion=False,
    help="Field maps, which say how to read logs that are not in Caponier's own format: guess, list and show.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    epilog="Example: [bold]caponier map guess requests.jsonl --out requests.yaml[/bold]",
)

PARTLY: Final = 3
LONGEST: Final = 90
MAPS: Final[Listing[tuple[str, FieldMap]]] = Listing(
    [
        ListingColumn("name", lambda row: row[1].name, whole=True),
        ListingColumn("from", lambda row: row[0], whole=True),
        ListingColumn("about", lambda row: row[1].about or ""),
        ListingColumn("source", lambda row: row[1].source or ""),
    ],
    folded=True,
)


@app.command("guess", epilog="Example: [bold]caponier map guess requests.jsonl --out requests.yaml[/bold]")
def guess(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A log, or a folder of logs in one format.")],
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the map. By default the name of the file.")
    ] = None,
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Propose a field map from the first rows of a log, and show what it would read.

    Write the map with --out, edit it (it is YAML), and scan the log with --map.

    Exit code: 0 the map is clear, 2 no map can be proposed, 3 check the fields that are in doubt.
    """
    home = load_workspace(workspace)
    salt = read_salt(home) if home else b""
    choice = replace(map_choice(None, home), salt=salt)
    proposal = propose_map(log, choice, name or log.name.split(".")[0] or "guessed")
    console = notes(quiet=quiet)
    if proposal.native or proposal.is_kserve:
        form = "in the event schema" if proposal.native else "what KServe's inference logger writes"
        say(console, f"{log} is {form}: it needs no map")
        say(console, f"next: caponier scan inference {log}")
        return
    if proposal.log != log:
        say(console, f"guessed from {proposal.log}, the first log in {log}")
    if proposal.guess.map is None and not proposal.guess.seen:
        raise InputError("no map can be proposed: there is no row with a field", where=str(proposal.log))
    if proposal.guess.map is None:
        raise InputError(
            f"no map can be proposed: {'; '.join(proposal.guess.doubts)}",
            where=str(proposal.log),
            hint=f"Seen here: {', '.join(proposal.guess.seen[:60]) or 'nothing'}. Write one: docs/how-to/field-maps.md",
        )
    if choose_format(format_, out, Format.TABLE) == Format.JSON:
        write_text(json_text(_document(proposal)), out)
    else:
        write_text(yaml_of(proposal.guess.map), out)
    _tell(proposal, log, out, quiet=quiet)
    if proposal.guess.doubts:
        raise typer.Exit(PARTLY)


@app.command("list", epilog="Example: [bold]caponier map list --format json[/bold]")
def list_(
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
) -> None:
    """List the field maps that ship with Caponier, and those of the workspace."""
    home = load_workspace(workspace)
    rows = [("workspace", one) for one in (home.maps if home else ())] + [("shipped", one) for one in shipped_maps()]
    MAPS.write(
        rows,
        choose_format(format_, out, Format.TABLE),
        out,
        lambda: {"maps": [{"from": place, **_plain(one)} for place, one in rows]},
    )


@app.command("show", epilog="Example: [bold]caponier map show sagemaker-data-capture[/bold]")
def show(
    name: Annotated[str, typer.Argument(metavar="FILE|NAME", help="A .yaml file, or a name from: caponier map list.")],
    workspace: options.Where = None,
    format_: options.AskedFormat = None,
    out: options.Out = None,
) -> None:
    """Print a field map as YAML, to read or to copy from."""
    home = load_workspace(workspace)
    chosen = find_map(name, home.maps if home else ())
    as_json = choose_format(format_, out, Format.TABLE) == Format.JSON
    write_text(json_text(_plain(chosen)) if as_json else yaml_of(chosen), out)


def _plain(one: FieldMap) -> dict[str, Any]:
    plain: dict[str, Any] = one.model_dump(mode="json", exclude_defaults=True)
    return plain


def _document(proposal: MapProposal) -> dict[str, Any]:
    seen = proposal.preview
    return {
        "map": _plain(proposal.guess.map) if proposal.guess.map else None,
        "fields": list(proposal.guess.seen),
        "doubts": proposal.guess.doubts,
        "remarks": proposal.guess.remarks,
        "filled": seen.filled if seen else {},
        "missing": seen.missing if seen else {},
    }


def _tell(proposal: MapProposal, log: Path, out: Path | None, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    found = proposal.guess
    if found.map is not None:
        say(console, f"read as {understood(found.map)}")
    for words in found.doubts:
        say(console, f"doubtful: {words}")
    for words in found.remarks:
        say(console, f"note: {words}")
    if proposal.preview is not None:
        _show(proposal.preview, quiet=quiet)
    say(console, f"next: {_next(log, out, doubtful=bool(found.doubts))}")


def _next(log: Path, out: Path | None, *, doubtful: bool) -> str:
    """Return what is to be done; a scan guesses anew, and reads nothing by a doubtful guess."""
    if doubtful and out is None:
        return f"settle what is doubtful: caponier map guess {log} --out MAP.yaml, and correct the map in it"
    if doubtful:
        return f"settle what is doubtful in {out}, then: caponier scan inference {log} --map {out}"
    how = f" --map {out}" if out else "; to correct the map first, write it with --out MAP.yaml, then scan with --map"
    return f"caponier scan inference {log}{how}"


def _show(seen: Preview, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    filled = ", ".join(f"{name} {100 * count / seen.rows:.0f} %" for name, count in seen.filled.items() if seen.rows)
    say(console, f"{seen.rows:,} events in the sample: {filled}")
    for event in seen.events:
        shown = ", ".join(f"{name}={_short(value)}" for name, value in event.items() if name != "seq")
        say(console, f"  {shown}")
    for name, why in seen.missing.items():
        say(console, f"missing: {name}, {why}")
    print_rejected(console, seen.rejected)


def _short(value: Any) -> str:
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
