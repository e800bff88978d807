"""`caponier key-hash`: the name under which a key appears."""

import getpass
import sys
from typing import Annotated, Final

import typer

from caponier.app.workspace.workspace import load_workspace, read_salt
from caponier.cli.terminal import options
from caponier.cli.terminal.output import notes, write_text
from caponier.errors import InputError
from caponier.telemetry.principals import principal_of

EXAMPLE: Final = "Example: [bold]caponier key-hash < key.txt[/bold]"


def key_hash(
    keys: Annotated[list[str] | None, typer.Argument(hidden=True, metavar="< key.txt")] = None,
    workspace: options.Where = None,
    quiet: options.Quiet = False,
) -> None:
    """Print the hash (k-…) by which a key, token or account appears in events and findings.

    The command reads keys from standard input, one a line, or asks for a key without showing it. Never give a key as
    an argument, since shells record arguments. The name depends on the salt of the workspace.
    """
    if keys:
        # An argument is taken only to be refused: the parser's own message would print the key into a terminal's log.
        raise InputError(
            "a key stood on the command line, where the shell's history and other users of this machine can read it",
            hint="Replace that key if it is in use. Then write it to standard input: caponier key-hash < key.txt",
        )
    home = load_workspace(workspace)
    if home is None:
        notes(quiet=quiet).print("There is no workspace here: this is the name without a salt.", markup=False)
    salt = read_salt(home) if home else b""
    given = [getpass.getpass("Key: ")] if sys.stdin.isatty() else sys.stdin.read().splitlines()
    lines = [line for line in given if line.strip()]
    if not lines:
        raise InputError("no key was given", hint="Write it to standard input: caponier key-hash < key.txt")
    names = [principal_of(key, salt) for key in lines]
    for place, name in enumerate(names, 1):
        if name is None:
            # Nothing of the line is repeated: it is meant to be a secret.
            raise InputError(
                f"line {place} cannot be read as one credential", hint="See docs/how-to/guard.md for what can be."
            )
    write_text("".join(f"{name}\n" for name in names), None)
