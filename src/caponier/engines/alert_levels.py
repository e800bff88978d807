"""What a scan would detect at several thresholds, from one pass over the events."""

from collections.abc import Sequence

from caponier.detect.detector import Subject
from caponier.engines.judge import Detection, Judge
from caponier.engines.local import BATCH_ROWS, scored_batches
from caponier.engines.plan import Plan
from caponier.engines.shares import EVERYBODY
from caponier.engines.spool import Spool


def scan_at(spool: Spool, plans: Sequence[Plan], batch_rows: int = BATCH_ROWS) -> list[list[Detection]]:
    """Run plans of one model that differ in their thresholds alone.

    Args:
        spool: Sealed events.
        plans: The same detectors in the same order, with the same parameters.
        batch_rows: Events in a batch; changes the speed, never the result.

    Returns:
        The detections of each plan.
    """
    found: list[list[Detection]] = [[] for _ in plans]
    for parts in zip(*(plan.parts() for plan in plans), strict=True):
        judges = [Judge(part, sorted_by_subject=part.subject is Subject.PRINCIPAL) for part in parts]
        for scored in scored_batches(spool, parts[0], EVERYBODY, batch_rows):
            for detections, judge in zip(found, judges, strict=True):
                detections += judge.detections(scored)
    return found
