"""Run the whole command line in this process, with its exit codes."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
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
    code = _code(arguments, stdin)
    printed = capsys.readouterr()
    return Ran(code, printed.out, printed.err)


def run_in(folder: Path, *arguments: object, environment: Mapping[str, str], stdin: bytes = b"") -> Ran:
    """Run a command as a shell in a folder would, in pipes and with an environment without settings of Caponier's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAPONIER_")}
    out, err = io.BytesIO(), io.BytesIO()
    with (
        patch.dict(os.environ, {**kept, **environment}, clear=True),
        chdir(folder),
        redirect_stdout(io.TextIOWrapper(out, "utf-8", write_through=True)),
        redirect_stderr(io.TextIOWrapper(err, "utf-8", write_through=True)),
    ):
        code = _code(arguments, stdin)
        return Ran(code, out.getvalue().decode(), err.getvalue().decode())


def _code(arguments: tuple[object, ...], stdin: bytes) -> int:
    with (
        patch.object(sys, "argv", ["caponier", *map(str, arguments)]),
        patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        pytest.raises(SystemExit) as left,
    ):
        main()
    code = left.value.code
    return code if isinstance(code, int) else int(code is not None)
