"""What is costly to make is made once a run, by whichever worker asks first; the others read what it left.

Only for what tests read: who changes what they get changes a copy of their own, but files that it names are shared.
"""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import cloudpickle
import pytest

T = TypeVar("T")


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """Return what `make` gives, a copy for each worker; nothing outlives the run, whose folder it is kept in.

    Args:
        factory: Knows the run's folder.
        name: Of this thing, the only one in the run.
        make: Gets an empty folder, for files that what it returns names.
    """
    kept = run_folder(factory) / f"once-{name}.pickle"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            # Classes of the tests go by name, models (closures over their weights) by value.
            part = kept.with_suffix(".part")
            part.write_bytes(cloudpickle.dumps(make(factory.mktemp(name))))
            part.rename(kept)
    made: T = cloudpickle.loads(kept.read_bytes())
    return made


def run_folder(factory: pytest.TempPathFactory) -> Path:
    """Return the folder that all workers of a run share."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
