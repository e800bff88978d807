"""What follows from what it is given and from nothing else is worked out once a run, whichever worker asks first."""

import hashlib
import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from threading import get_ident
from typing import Any, ParamSpec, TypeVar

import cloudpickle

P = ParamSpec("P")
T = TypeVar("T")


class Remembered:
    """Keeps what functions gave in a folder of the run.

    Args:
        folder: Shared by the workers.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def of(self, function: Callable[P, T], told: Callable[P, Any] | None = None) -> Callable[P, T]:
        """Return the function, which takes what it gave for the same arguments before from the folder.

        Each caller gets a copy of its own. What fails is not kept, and fails again.

        Args:
            function: Gives what its arguments say, and changes nothing.
            told: Returns what of its arguments that depends on; all of them by default.
        """
        named = f"{function.__module__}.{function.__qualname__}".encode()

        @wraps(function)
        def remembered(*args: P.args, **named_ones: P.kwargs) -> T:
            asked: Any = told(*args, **named_ones) if told else (args, sorted(named_ones.items()))
            file = self._folder / hashlib.sha256(named + cloudpickle.dumps(asked)).hexdigest()
            try:
                given = file.read_bytes()
            except FileNotFoundError:
                given = cloudpickle.dumps(function(*args, **named_ones))
                part = file.with_suffix(f".{os.getpid()}-{get_ident()}")
                part.write_bytes(given)
                part.rename(file)
            made: T = cloudpickle.loads(given)
            return made

        return remembered
