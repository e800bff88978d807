"""Whether what was given as a log of a model is the log of something else: of a cloud, a host or a network."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

from caponier.errors import InputError
from caponier.telemetry.security_logs.events import found_logs, read_log
from caponier.telemetry.security_logs.native.reading import GIVEN, OWN
from caponier.telemetry.security_logs.native.unknown.events import NAME as UNKNOWN
from caponier.telemetry.streams import STDIN


def security_log_note(paths: Sequence[Path]) -> str | None:
    """Name the format of the first file that is a security log, and the command that reads it; None if none is.

    Args:
        paths: Files and folders that were read as logs of models; standard input is gone by then.
    """
    with suppress(InputError):
        for file in islice(found_logs([path for path in paths if path != STDIN]), 1):
            for read in islice(read_log(file), 1):
                for name in read.formats:
                    # What is of no product may be of a model as well.
                    if name not in (OWN, GIVEN, UNKNOWN):
                        return f"{file.path} is a security log ({name}); scan it with: caponier scan logs {file.path}"
    return None
