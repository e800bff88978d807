"""`caponier stream`: the same detections on a stream, on as many machines as it takes."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from caponier.app.workspace.workspace import require_workspace
from caponier.cli.terminal import options
from caponier.cli.terminal.log_report import say, say_notes
from caponier.cli.terminal.output import notes
from caponier.errors import InputError

if TYPE_CHECKING:
    from caponier.app.stream.checkpoint import Checkpoint, StreamPosition

EXAMPLE = "Example: [bold]caponier stream --master spark://10.0.0.1:7077 --checkpoint /lake/.stream[/bold]"
PARTLY = 3
MOST_S = 86_400
"""Of what waits for so long, a disk must hold all."""


def stream(
    master: Annotated[
        str, typer.Option("--master", metavar="URL", help="Spark's master: spark://host:7077, or local[2].")
    ],
    lake: Annotated[
        Path | None, typer.Argument(metavar="LAKE", help="A folder of events; the workspace's lake by default.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="DIR", help="Folder for its progress and state, seen by all workers."),
    ] = None,
    mode: Annotated[
        options.Mode,
        typer.Option("--mode", help="enforce carries out playbooks, through all guards that share the store."),
    ] = options.Mode.OBSERVE,
    lateness: Annotated[
        float, typer.Option("--lateness", min=0, max=MOST_S, help="Seconds that events may arrive late.")
    ] = 5.0,
    every: Annotated[
        float, typer.Option("--every", min=0, max=MOST_S, help="Seconds between two checks for new events.")
    ] = 1.0,
    drain: Annotated[bool, typer.Option("--drain", help="Process what is there now, then exit.")] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Discard the checkpoint and start over.")] = False,
    kafka: Annotated[
        list[str] | None,
        typer.Option("--kafka", metavar="KEY=VALUE", help="Option of Spark's Kafka source (untested); repeatable."),
    ] = None,
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Follow inference logs as guards write them, and record findings; resumes where it stopped.

    Findings are those that a scan of the whole log gives. It ends with Ctrl-C.
    """
    home, console, given = require_workspace(workspace), notes(quiet=quiet), _options(kafka or ())
    _refuse_no_number(lateness=lateness, every=every)
    # Imported here: whoever asks for help need not pay for it.
    from caponier.app.stream.run import run_stream
    from caponier.app.stream.stream import EventStream
    from caponier.engines.spark.session import spark_session

    with spark_session(master, "caponier stream") as session, _kept(checkpoint or home.root / "stream") as kept:
        followed = (lake or Path(home.lake)).absolute()
        if not given and not followed.is_dir():
            # Before anything is forgotten.
            raise InputError("there is no lake there", where=str(followed), hint="Name its folder")
        if rebuild:
            kept.clear()
        tell, enforce = partial(say, console), mode is options.Mode.ENFORCE
        following = EventStream(home, kept, lateness=lateness, enforce=enforce, lake=followed, tell=tell)
        say_notes(console, following.remarks.notes, following.remarks.skipped)
        source, before = given.get("subscribe", "topics") if given else followed, following.position.left_out
        words = f"following {source} for {', '.join(following.models)}"
        begun = partial(say, console, words)
        run_stream(session, following, kept.spark, every=every, drain=drain, kafka=given, running=begun)
    _conclude(console, following.position)
    # Of this run alone: a line that was told once is no news for all times.
    if drain and (following.position.left_out != before or following.remarks.skipped):
        raise typer.Exit(PARTLY)


@contextmanager
def _kept(folder: Path) -> Iterator["Checkpoint"]:
    from caponier.app.stream.checkpoint import Checkpoint

    kept = Checkpoint(folder)
    with kept.alone():
        yield kept


def _conclude(console: Console, reached: "StreamPosition") -> None:
    """Say what came of it."""
    say(console, f"{reached.findings:,} findings in {reached.events:,} events since the checkpoint began")
    for reason, count in sorted(reached.left_out.items()):
        say(console, f"left out: {count:,} rows: {reason}")


def _refuse_no_number(**seconds: float) -> None:
    """Refuse what is no number: it is neither too little nor too much."""
    for name, given in seconds.items():
        if math.isnan(given):
            raise InputError("is not a number", where=f"--{name} {given}", hint=f"Such as --{name} 5")


def _options(given: Sequence[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for name, found, _ in pairs:
        if not found or not name:
            raise InputError(
                f"{name or '='} is no KEY=VALUE", where="--kafka", hint="Such as --kafka subscribe=inference"
            )
    return {name: value for name, _, value in pairs}
