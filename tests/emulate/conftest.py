"""Real victims on real digits, and a real server, for every test of the emulations."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from caponier.emulate.event_log import EventLog
from caponier.emulate.images import Images
from caponier.emulate.victims.client import RemoteModel
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim, load_digits_split, train_victim
from caponier.emulate.victims.server import ModelServer, serve


@pytest.fixture(scope="session")
def split() -> DigitsSplit:
    return load_digits_split(0)


@pytest.fixture(scope="session")
def victim(split: DigitsSplit) -> Victim:
    return train_victim(split.train, split.test, seed=0)


@pytest.fixture(scope="session")
def targets(split: DigitsSplit, victim: Victim) -> Pool:
    """Images of the attackers that the victim gets right."""
    return victim.understood(split.attackers)


@dataclass
class Served:
    server: ModelServer
    log: EventLog

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
        logs.append(Served(server, EventLog()))
        yield logs[0]


@pytest.fixture
def served(running: Served) -> Served:
    """The one server of this session, with an empty log."""
    running.log = EventLog()
    return running


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="session")
def pool(split: DigitsSplit) -> Images:
    return split.calibration.images
