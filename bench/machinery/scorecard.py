"""What a scorecard gives: figures, the goals they are held against, and where they were measured."""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy  # noqa: F401 - loads the BLAS that is to be named
import threadpoolctl

RESULTS: Final = Path(__file__).parent.parent / "results"
PACKAGES: Final = ("caponier", "numpy", "scipy", "pyarrow", "duckdb", "scikit-learn", "adversarial-robustness-toolbox")


@dataclass(frozen=True)
class Goal:
    """A bound on a figure."""

    figure: str
    bound: float
    at_least: bool
    """Whether the figure must be at least the bound, or at most."""

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:,g}"

    def missed_by(self, figures: dict[str, Any]) -> bool:
        """Tell whether the figure is on the wrong side; a missing figure is."""
        value = figures.get(self.figure)
        if not isinstance(value, int | float):
            return True
        return value < self.bound if self.at_least else value > self.bound


@dataclass
class Scorecard:
    """The result of one scorecard."""

    bench: str
    about: str
    """What was done, in a sentence or two."""
    figures: dict[str, Any]
    goals: tuple[Goal, ...]
    seeds: tuple[int, ...] = ()
    table: list[dict[str, Any]] = field(default_factory=list)
    """Details, one row each."""
    causes: dict[str, str] = field(default_factory=dict)
    """Why a figure misses its goal, as far as it is known; published only for figures that do."""

    @property
    def missed(self) -> list[str]:
        """Names of the figures that miss their goal."""
        return [goal.figure for goal in self.goals if goal.missed_by(self.figures)]

    def line(self) -> str:
        """Return the last line that a scorecard prints."""
        goals = {goal.figure: str(goal) for goal in self.goals}
        return json.dumps({"bench": self.bench, "figures": self.figures, "goals": goals, "missed": self.missed})

    def save(self, *, quick: bool) -> Path:
        """Write the result with machine, versions and date; a quick run goes into a file of its own."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.bench}{'.quick' if quick else ''}.json"
        document = {
            "bench": self.bench,
            "quick": quick,
            "about": self.about,
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "figures": self.figures,
            "goals": [asdict(goal) for goal in self.goals],
            "missed": self.missed,
            "causes": {name: why for name, why in self.causes.items() if name in self.missed},
            "seeds": list(self.seeds),
            "table": self.table,
            "machine": machine(),
            "versions": {name: version(name) for name in PACKAGES},
        }
        path.write_text(json.dumps(document, indent=1) + "\n")
        return path


def machine() -> dict[str, Any]:
    """Return what figures depend on: processor, cores, Python, and the kernel of the matrix product."""
    kernels = [
        f"{pool['internal_api']} {pool.get('architecture', '')}".strip() for pool in threadpoolctl.threadpool_info()
    ]
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return {"processor": processor, "cores": os.cpu_count(), "python": platform.python_version(), "kernels": kernels}


Run = Callable[[bool], Scorecard]
"""Runs a scorecard; True for the quick list."""
