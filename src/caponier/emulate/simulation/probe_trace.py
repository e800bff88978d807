"""One probe as inference events, in process: what its server would have logged, over days if need be, in no time."""

from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa

from caponier.emulate.caller.oracle import Predict
from caponier.emulate.event_log import Deployment, ServerLog
from caponier.emulate.probe import Probe, ProbeOutcome, Truth
from caponier.emulate.simulation.trace import DEPLOYMENT, EPOCH
from caponier.emulate.victims.in_process import LocalWire


@dataclass(frozen=True, eq=False)
class ProbeTrace:
    """A probe's outcome, and the events that it left, in order."""

    outcome: ProbeOutcome
    events: pa.Table


def trace_probe(
    probe: Probe,
    predict: Predict,
    truth: Truth,
    *,
    seed: int,
    principal: str | None = None,
    budget: int | None = None,
    gap_s: float | None = None,
    begin: datetime = EPOCH,
    deployment: Deployment = DEPLOYMENT,
) -> ProbeTrace:
    """Carry out a probe in process and return it with its events.

    Args:
        probe: What to do.
        predict: The victim, images (n, 64) to scores (n, 10).
        truth: What the probe's findings are judged by.
        seed: Fixes requests and times.
        principal: Who asks; the probe's name and seed by default.
        budget: Most requests; the probe's own by default.
        gap_s: Mean gap between requests; the probe's own by default.
        begin: Time of the first request.
        deployment: Names that the events carry.
    """
    log = ServerLog()
    wire = LocalWire(predict, deployment, log.record, principal or f"{probe.name}-{seed}", begin)
    outcome = probe.run(wire, deployment.model, truth, seed=seed, budget=budget, gap_s=gap_s)
    return ProbeTrace(outcome, log.table())
