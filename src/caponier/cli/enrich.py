"""`caponier enrich`: ask a model more about the inputs in its log."""

from pathlib import Path
from typing import Annotated, Final

import typer

from caponier.app.inference.asked_model import BATCH, AskedModel
from caponier.app.inference.enrich import NOT_DONE, EnrichReport, enrich_events
from caponier.app.workspace.workspace import load_workspace
from caponier.cli.terminal import log_options, options
from caponier.cli.terminal.log_report import print_rejected, say
from caponier.cli.terminal.output import notes
from caponier.cli.terminal.watch import Watch
from caponier.cli.terminal.written_files import PARQUET, begins, refuse_foreign
from caponier.telemetry.rejections import RejectedRows

EXAMPLE: Final = (
    "Example: [bold]caponier enrich today.parquet --benign benign/ --url http://127.0.0.1:8080 --model digits "
    "--out today-enriched.parquet[/bold]"
)
PARTLY: Final = 3

_Key = Annotated[
    str | None, typer.Option("--key", metavar="KEY", envvar="CAPONIER_MODEL_KEY", help="Sent as a bearer token.")
]
_Benign = Annotated[
    list[Path] | None,
    typer.Option(
        "--benign",
        metavar="EVENTS",
        help="Benign logs to learn from; give the same ones for all logs that share a baseline. By default the "
        "logs themselves.",
    ),
]
_Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="NAME", help="Make only this enrichment; may be repeated."),
]


def enrich(
    events: log_options.Paths,
    url: Annotated[
        str,
        typer.Option("--url", metavar="URL", help="The model server itself (KServe v2), not a guard in front of it."),
    ],
    model: Annotated[
        str, typer.Option("--model", metavar="NAME", help="The model, as named in the logs and by the server.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The Parquet file to write.")],
    key: _Key = None,
    benign: _Benign = None,
    only: _Only = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Inputs in a request, at most.")] = BATCH,
    workspace: options.Where = None,
    kind: log_options.Kind = None,
    shape: log_options.Shape = None,
    range_: log_options.Range = None,
    map_: log_options.Map = None,
    reader: log_options.Reader = "auto",
    lateness: log_options.Lateness = None,
    rejected: log_options.Rejected = None,
    quiet: options.Quiet = False,
) -> None:
    """Query a model further about the inputs in its log, and add its answers to a copy of the log.

    Some detectors need the model's answers to slightly changed inputs. A scan never queries a model. So this command
    does it before, once for each input, and stores the answers with each event as `signals`. Enrich the benign logs
    first and build the baseline from them; then enrich each log before its scan. Inputs in the logs are sent to --url,
    and nowhere else.

    Exit code: 0 done, 2 wrong request or the model cannot be asked (nothing is written), 3 done, but some rows or
    inputs could not be used.
    """
    refuse_foreign(out, "a Parquet file", begins(PARQUET))
    home = load_workspace(workspace)
    how = log_options.read_options(reader, lateness, map_=map_, home=home)
    with (
        AskedModel(url, model, key, batch_size) as asked,
        RejectedRows(rejected) as rows,
        Watch(quiet=quiet) as watch,
    ):
        report = enrich_events(
            events,
            out,
            asked,
            model,
            names=only or (),
            benign=benign or (),
            workspace=home,
            spec=log_options.feature_spec(kind, shape, range_),
            rejected=rows,
            options=how,
            progress=watch,
        )
    _print(report, out, quiet=quiet)
    if rows.count or any(report.left[reason] for reason in NOT_DONE):
        raise typer.Exit(PARTLY)


def _print(report: EnrichReport, out: Path, *, quiet: bool) -> None:
    console = notes(quiet=quiet)
    done = f"{report.enriched:,} of {report.events:,} events enriched with {', '.join(report.enrichments)}"
    say(console, f"{done}, asking about {report.inputs:,} different inputs: {out}")
    if report.kept:
        say(console, f"{report.kept:,} events had it already")
    for reason, count in report.left.most_common():
        if count:
            say(console, f"{count:,} events stay as they are: {reason}")
    for note in report.notes:
        say(console, f"note: {note}")
    print_rejected(console, report.rejected)
