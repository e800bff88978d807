"""Which engine scores and judges the events, and where it runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from caponier.engines.local import LOCAL, Engine
from caponier.errors import InputError


class EngineKind(StrEnum):
    """What runs the detectors."""

    LOCAL = "local"
    SPARK = "spark"


Chosen = Annotated[EngineKind, typer.Option("--engine", help="What runs the detectors; spark needs Java and --master.")]
Master = Annotated[
    str | None,
    typer.Option("--master", metavar="URL", help="Spark's master: spark://host:7077, or local[2] to try it out."),
]
Shared = Annotated[
    Path | None,
    typer.Option(
        "--shared", metavar="DIR", help="Scratch folder that all Spark workers see under this path; emptied afterwards."
    ),
]


@contextmanager
def started(engine: EngineKind, master: str | None, shared: Path | None) -> Iterator[Engine]:
    """Start the engine that was asked for, and stop it at the end.

    Raises:
        InputError: If the options do not fit each other, or Spark cannot be started.
    """
    if engine is EngineKind.LOCAL:
        if master is not None or shared is not None:
            option = "--master" if master is not None else "--shared"
            raise InputError(f"{option} is about Spark", hint="Add --engine spark, or leave it out")
        yield LOCAL
        return
    if master is None:
        raise InputError(
            "--engine spark needs --master", hint="Give spark://host:7077, or local[2] to try on this machine"
        )
    # Imported here: whoever scans with one machine need not pay for it.
    from caponier.engines.spark.each import each
    from caponier.engines.spark.gather import gather
    from caponier.engines.spark.scan import scan
    from caponier.engines.spark.session import spark_session

    with spark_session(master) as session:
        yield Engine(partial(scan, session), partial(each, session), partial(gather, session))
