"""Real victims on real digits, and a real server, for every test of the emulations."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from caponier.emulate.event_log import ServerLog
from caponier.emulate.images import Images
from caponier.emulate.victims.client import RemoteModel
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, load_digits_split, train_victim
from caponier.emulate.victims.server import ModelServer, serve
from once import once


@pytest.fixture(scope="session")
def split(digits: tuple[DigitsSplit, Victim]) -> DigitsSplit:
    return digits[0]


@pytest.fixture(scope="session")
def victim(digits: tuple[DigitsSplit, Victim]) -> Victim:
    return digits[1]


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, tuple[DigitsSplit, Victim]]:
    """A split and a victim for each of three seeds, for what must hold on every one."""

    def made(_: Path) -> dict[int, tuple[DigitsSplit, Victim]]:
        splits = {seed: load_digits_split(seed) for seed in range(3)}
        return {seed: (split, train_victim(split.train, split.test, seed)) for seed, split in splits.items()}

    return once(tmp_path_factory, "seeded-victims", made)


@pytest.fixture(scope="session")
def targets(split: DigitsSplit, victim: Victim) -> Pool:
    """Images of the attackers that the victim gets right."""
    return victim.understood(split.attackers)


@dataclass
class Served:
    server: ModelServer
    log: ServerLog

    def remote(self, key: str | None = "alice") -> RemoteModel:
        return RemoteModel(self.server.url, key)


@pytest.fixture(scope="session")
def running(victim: Victim) -> Iterator[Served]:
    """A server that knows every key but `stolen`, and calls each caller by it."""
    logs: list[Served] = []
    with serve(
        victim.predict_proba,
        record=lambda rows: logs[0].log.record(rows),
        principal_of=lambda key: None if key == "stolen" else key,
    ) as server:
        logs.append(Served(server, ServerLog()))
        yield logs[0]


@pytest.fixture
def served(running: Served) -> Served:
    """The one server of this session, with an empty log."""
    running.log = ServerLog()
    return running


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def pool(split: DigitsSplit) -> Images:
    return split.calibration.images
