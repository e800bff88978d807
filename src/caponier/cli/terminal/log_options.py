"""Options that every command on logs has, beside those of every command."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from caponier.app.inference.read_options import ReadOptions, caller_headers
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.telemetry.clock import LATENESS
from caponier.telemetry.events import READERS
from caponier.telemetry.field_maps.choose import MODEL, MapChoice
from caponier.telemetry.field_maps.shipped import find_map, shipped_maps
from caponier.telemetry.readers.cloud_event import USUAL

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="EVENTS", help="Logs (JSON, CSV, text, Parquet, Arrow; also packed), folders, or - for stdin."
    ),
]
Kind = Annotated[
    str | None, typer.Option("--kind", help="What the model takes: image, numeric, categorical, text or none.")
]
Shape = Annotated[str | None, typer.Option("--shape", metavar="N,N", help="Shape of one example, such as 8,8.")]
Range = Annotated[str | None, typer.Option("--range", metavar="LOW,HIGH", help="Range of the values, such as 0,1.")]
Reader = Annotated[str, typer.Option("--reader", help=f"How to read the logs: {', '.join(READERS)}.")]
Map = Annotated[
    str | None,
    typer.Option("--map", metavar="FILE|NAME", help="Field map of the logs; see caponier map list and map guess."),
]
Lateness = Annotated[
    float | None,
    typer.Option(
        "--lateness",
        min=0,
        show_default="read all of it, then sort",
        help="For stdin: reject rows more than this many seconds out of order. Files are sorted.",
    ),
]
Rejected = Annotated[
    Path | None,
    typer.Option(
        "--rejected",
        metavar="FILE",
        help="Write rows that cannot be used into this file. By default they are only counted.",
    ),
]
Sampling = Annotated[
    str | None,
    typer.Option("--sampling", metavar="SHARE", help="Share of the traffic that is logged, such as 0.1 or 10%."),
]


def feature_spec(kind: str | None, shape: str | None, range_: str | None) -> FeatureSpec | None:
    """Read --kind, --shape and --range; None where none is given.

    Raises:
        InputError: If they cannot be read or do not fit each other.
    """
    if kind is None and shape is None and range_ is None:
        return None
    try:
        low, high = (float(part) for part in range_.split(",")) if range_ else (None, None)
        return FeatureSpec(
            kind=kind or ("image" if shape and shape.count(",") else "numeric"),
            shape=tuple(int(part) for part in shape.split(",")) if shape else (),
            minimum=low,
            maximum=high,
        )
    except ValueError as wrong:
        raise InputError(
            f"{_given(kind, shape, range_)} does not describe an input",
            hint="Kinds: image, numeric, categorical, text, none. For example: --kind image --shape 8,8 --range 0,1",
        ) from wrong


def share(text: str | None) -> float | None:
    """Read --sampling.

    Raises:
        InputError: If it is no share above 0 and up to 1.
    """
    if text is None:
        return None
    percent = text.strip().endswith("%")
    try:
        number = float(text.strip().removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise InputError(f"--sampling {text!r} is not a share of the traffic", hint="For example: --sampling 10%")
    return number


def lateness_of(seconds: float | None) -> float:
    """Return how late a row of standard input may be: without a word of it, as late as it likes."""
    return LATENESS if seconds is None else seconds


def _given(kind: str | None, shape: str | None, range_: str | None) -> str:
    said = {"--kind": kind, "--shape": shape, "--range": range_}
    return " ".join(f"{name} {value}" for name, value in said.items() if value)


def read_options(
    reader: str,
    lateness: float | None = None,
    sampling: str | None = None,
    *,
    map_: str | None = None,
    home: Workspace | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> ReadOptions:
    """Put together what is said of logs: the options, which events are meant, and the workspace's section `[logs]`.

    Raises:
        InputError: If there is no reader of that name or no such map, or the share is none.
    """
    if reader not in READERS:
        raise InputError(f"there is no reader {reader!r}", hint=f"Readers: {', '.join(READERS)}")
    if map_ is not None and reader != "auto":
        raise InputError(f"--map and --reader {reader} exclude each other", hint="Leave one of them out.")
    return ReadOptions(
        reader,
        lateness_of(lateness),
        share(sampling),
        callers=caller_headers(home) if home else USUAL,
        since=since,
        until=until,
        maps=map_choice(map_, home),
    )


def map_choice(map_: str | None = None, home: Workspace | None = None) -> MapChoice:
    """Say how logs are mapped: as named, or as the workspace's and the shipped maps know them.

    Raises:
        InputError: If there is no such map.
    """
    own = home.maps if home else ()
    models = home.models if home else ()
    return MapChoice(
        named=find_map(map_, own) if map_ else None,
        known=(*own, *shipped_maps()),
        # Where there is one model only, a log that names none is about that one.
        model=models[0].name if len(models) == 1 else MODEL,
    )
