"""Many harmless callers who send other things than predictions, in process, each at its own simulated time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from caponier.emulate.caller.model_api import ModelApi
from caponier.emulate.caller.oracle import Predict
from caponier.emulate.caller.wire import Metered
from caponier.emulate.emulation import carried_out
from caponier.emulate.event_log import Deployment, ServerLog
from caponier.emulate.images import Images
from caponier.emulate.new_client import NewClient
from caponier.emulate.simulation.trace import DEPLOYMENT, EPOCH
from caponier.emulate.victims.in_process import LocalWire

REQUESTS: Final = 250
"""Of each caller: more than 200 events."""
OUTAGE_EVERY: Final = timedelta(hours=3)
OUTAGE_LASTS: Final = timedelta(minutes=20)


@dataclass(frozen=True)
class Visitor:
    """One harmless caller."""

    principal: str
    newcomer: NewClient
    seed: tuple[int, int]


def visitors(newcomers: Mapping[str, NewClient], each: int, seed: int) -> tuple[Visitor, ...]:
    """Make `each` callers of every kind; `seed` fixes them all."""
    return tuple(
        Visitor(f"{name}-{seed}-{kind * each + ordinal:04d}", newcomer, (seed, kind * each + ordinal))
        for kind, (name, newcomer) in enumerate(newcomers.items())
        for ordinal in range(each)
    )


def let_in(
    callers: Sequence[Visitor],
    images: Images,
    predict: Predict,
    *,
    requests: int = REQUESTS,
    begin: datetime = EPOCH,
    deployment: Deployment = DEPLOYMENT,
) -> pa.Table:
    """Let callers ask a model, and return the events in order of time.

    The model is out of order for 20 minutes every three hours.

    Args:
        callers: Who asks.
        images: What they have to photograph, shape (m, 64).
        predict: The model, images (n, 64) to scores (n, 10).
        requests: Of each of them.
        begin: The day on which each of them begins at some time.
        deployment: Names that the events carry.
    """
    log = ServerLog()
    for caller in callers:
        _one(caller, images, predict, log, requests, begin, deployment)
    return log.table()


def _one(
    caller: Visitor,
    images: Images,
    predict: Predict,
    log: ServerLog,
    requests: int,
    begin: datetime,
    deployment: Deployment,
) -> None:
    rng = np.random.default_rng(caller.seed)
    starts = begin + timedelta(seconds=float(rng.uniform(0, 86_400)))
    address = f"10.128.{caller.seed[1] >> 8 & 255}.{caller.seed[1] & 255}"
    wire = LocalWire(predict, deployment, log.record, caller.principal, starts, works, address)
    line = Metered(wire, requests, 0.0, rng)
    carried_out(lambda: caller.newcomer.visit(ModelApi(line, deployment.model), images, rng))


def works(moment: datetime) -> bool:
    """Tell whether the model works at a moment."""
    return (moment - EPOCH) % OUTAGE_EVERY >= OUTAGE_LASTS
