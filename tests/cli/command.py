"""Run the whole command line in this process, with its exit codes."""

import io
import sys
from dataclasses import dataclass
from unittest.mock import patch

import pytest

from caponier.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


def run(capsys: pytest.CaptureFixture[str], *arguments: object, stdin: bytes = b"") -> Ran:
    """Run a command as the program does."""
    capsys.readouterr()
    with (
        patch.object(sys, "argv", ["caponier", *map(str, arguments)]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        pytest.raises(SystemExit) as left,
    ):
        main()
    printed = capsys.readouterr()
    code = left.value.code
    return Ran(code if isinstance(code, int) else int(code is not None), printed.out, printed.err)
