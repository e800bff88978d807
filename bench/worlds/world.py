"""A world: a model, what its benign callers ask before and after, and what attackers ask, kept on disk once made."""

import hashlib
import json
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.machinery.packages import FOLDER
from bench.worlds.attacks.campaigns import Run, campaigns, cheap
from bench.worlds.attacks.of_foolbox import INSTALLED
from bench.worlds.populations import DAYS, PAUSE, callers
from bench.worlds.traffic import DAY, START, table
from bench.worlds.victims import Victim
from caponier.records.inventory import FeatureSpec

HIDDEN: Final = 0.01
"""Share of attackers among the callers of the calibration."""


def sources() -> list[Path]:
    """Return the files that logs depend on: files of models are kept nowhere."""
    here = Path(__file__).parent
    found = sorted(path for path in here.rglob("*.py") if path.stem not in {"__main__", "__init__"})
    return [path for path in found if path.parent != here / "model_files"]


@cache
def version() -> str:
    """Identify the code of the worlds as it was first asked for: whatever is made by other code is made anew."""
    code = b"".join(path.read_bytes() for path in sources())
    # A model is kept with what it takes, in the shape that our inventory gives that; nothing else there matters.
    takes = json.dumps(FeatureSpec.model_json_schema(), sort_keys=True).encode()
    return hashlib.sha256(code + takes + bytes([INSTALLED])).hexdigest()[:12]


@dataclass(frozen=True, eq=False)
class Log:
    """Events in the order of time, and the truth beside: for each principal its habit, or `attack:name`."""

    events: pa.Table
    truth: Mapping[str, str]

    @property
    def attackers(self) -> set[str]:
        """Return the principals that attack."""
        return {who for who, what in self.truth.items() if what.startswith("attack:")}


@dataclass(frozen=True, eq=False)
class Campaign:
    """One attacker's events, and whether the goal was reached by the attack's own criterion without any defence.

    `goal` is the figure that `succeeded` is judged by; `form` is plain, slow or mixed; `needs_training_rows` says that
    a defence has to know what the model learned from.
    """

    name: str
    kind: str
    form: str
    principal: str
    events: pa.Table
    succeeded: bool
    queries_to_success: int | None
    goal: str
    figure: float
    needs_training_rows: bool = False


@dataclass(frozen=True, eq=False)
class World:
    """One of the worlds, by the function that trains its model from a seed."""

    name: str
    description: str
    trains: Callable[[int], Victim] = field(repr=False)

    @cached_property
    def spec(self) -> FeatureSpec:
        """Return what the model takes."""
        return self.victim(1).spec

    def victim(self, seed: int) -> Victim:
        """Return the model of a seed with its pools of rows."""
        path = self._file(seed, "victim", ".pickle")
        if not path.exists():
            _written(path, lambda part: part.write_bytes(pickle.dumps(self.trains(seed))))
        found: Victim = pickle.loads(path.read_bytes())
        return found

    def training_rows(self, seed: int = 0) -> Any:
        """Return the rows (n, d), or texts, that the model learned from."""
        return self.victim(seed).train.rows

    def calibration(self, seed: int, callers: int = 300) -> Log:
        """Return a log of benign callers, with one attacker in a hundred among them."""
        return self._log(seed, callers, later=False)

    def use(self, seed: int, callers: int = 1_000) -> Log:
        """Return a later and longer log of benign callers alone."""
        return self._log(seed, callers, later=True)

    def attackers(self, seed: int, each: int = 3) -> list[Campaign]:
        """Return `each` campaigns of each attack and form, within the time of the use."""
        path = self._file(seed, f"attackers-{each}", ".parquet")
        if not path.exists():
            victim, rng = self.victim(seed), np.random.default_rng(_seed(self.name, seed, "attackers"))
            found = campaigns(victim, rng, each, _later(victim))
            events = table(victim, [run.part for run in found], rng, by_time=False)
            told = [run.told for run in found]
            _save(path, events, {"campaigns": told})
        events, meta = _load(path)
        return _campaigns(events, meta["campaigns"])

    def _log(self, seed: int, n: int, *, later: bool) -> Log:
        what = "use" if later else "calibration"
        path = self._file(seed, f"{what}-{n}", ".parquet")
        if not path.exists():
            victim, rng = self.victim(seed), np.random.default_rng(_seed(self.name, seed, what))
            hidden: list[Run] = [] if later else cheap(victim, rng, max(1, round(n * HIDDEN)), (START, float(DAYS)))
            found = callers(victim, n - len(hidden), rng, later=later)
            truth = {part.principal: habit for habit, part in found}
            truth |= {run.part.principal: f"attack:{run.told['name']}" for run in hidden}
            parts = [part for _, part in found] + [run.part for run in hidden]
            _save(path, table(victim, parts, rng), {"truth": truth})
        events, meta = _load(path)
        return Log(events, meta["truth"])

    def _file(self, seed: int, what: str, ending: str) -> Path:
        return FOLDER / "worlds" / version() / f"{self.name}-{seed}-{what}{ending}"


def _later(victim: Victim) -> tuple[float, float]:
    return START + (DAYS + PAUSE) * DAY, DAYS * victim.further


def _seed(*parts: Any) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def _written(path: Path, write: Callable[[Path], Any]) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    write(part)
    part.rename(path)


def _save(path: Path, events: pa.Table, meta: Mapping[str, Any]) -> None:
    held = events.replace_schema_metadata({"world": json.dumps(meta)})
    _written(path, lambda part: pq.write_table(held, part, compression="zstd", compression_level=1))


def _load(path: Path) -> tuple[pa.Table, Any]:
    events = pq.read_table(path)
    meta = json.loads(events.schema.metadata[b"world"])
    return events.replace_schema_metadata(None), meta


def _campaigns(events: pa.Table, told: Sequence[Mapping[str, Any]]) -> list[Campaign]:
    found, at = [], 0
    for one in told:
        own = events.slice(at, one["events"])
        at += one["events"]
        found.append(Campaign(events=own, **{name: value for name, value in one.items() if name != "events"}))
    return found
