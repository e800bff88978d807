"""Ask the user's own program for a model's accuracy: it trains or loads, we only read one line."""

import re
import shlex
import subprocess
from collections.abc import Mapping
from typing import Final

import orjson

from caponier.errors import InputError

TIMEOUT: Final = 3_600.0
"""Seconds."""
TOLD: Final = 200
"""Characters of a program's own complaint that are repeated."""


def measure(command: str, paths: Mapping[str, str], timeout: float = TIMEOUT) -> dict[str, float]:
    """Run a command and return the figures of the JSON object in its last line, such as `{"accuracy": 0.97}`.

    No shell is involved: the command is split into words first, and `{name}` in a word is then replaced by a path.

    Args:
        command: Such as `python train.py --data {dataset} --test {test}`.
        paths: What the names in braces stand for.
        timeout: Seconds after which it is ended.

    Raises:
        InputError: If the command lacks a name, fails, takes too long, or does not say its accuracy.
    """
    try:
        words = shlex.split(command)
    except ValueError as wrong:
        raise InputError(f"the command cannot be split into words: {wrong}", where=command) from wrong
    missing = [name for name in paths if not any(f"{{{name}}}" in word for word in words)]
    if not words or missing:
        raise InputError(f"the command does not use {{{missing[0] if missing else 'test'}}}", where=command)
    # In one go: a path may have such a name in it.
    places = re.compile("|".join(re.escape(f"{{{name}}}") for name in paths))
    words = [places.sub(lambda found: paths[found[0][1:-1]], word) for word in words] if paths else words
    try:
        done = subprocess.run(  # noqa: S603 - asked for
            words, capture_output=True, encoding="utf-8", errors="replace", timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired as late:
        raise InputError(f"the command took longer than {timeout:g} seconds", where=command) from late
    except OSError as failed:
        raise InputError(f"the command cannot be run: {failed.strerror}", where=words[0]) from failed
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [""])[-1][:TOLD]
        raise InputError(f"the command ended with exit code {done.returncode}: {last}", where=command)
    return _figures(done.stdout, command)


def _figures(output: str, command: str) -> dict[str, float]:
    try:
        said = orjson.loads((output.strip().splitlines() or [""])[-1])
    except orjson.JSONDecodeError:
        said = None
    figures = {
        name: float(value)
        for name, value in (said.items() if isinstance(said, dict) else ())
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    if "accuracy" not in figures:
        hint = 'Let the last line of its output be JSON such as {"accuracy": 0.97}.'
        raise InputError("the command does not say its accuracy", where=command, hint=hint)
    return figures
