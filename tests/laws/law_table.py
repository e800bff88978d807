"""Which law holds for which kind of detector.

split   any way of cutting the sorted stream into batches gives the same scores and findings
engine  every engine finds the same set of finding ids; so does a log whose rows are shuffled
state   a state row survives bytes and back, and scores go on the same; what was learned for an older state is dropped,
        and that is said
benign  on benign traffic the share of subjects flagged keeps the promise
proof   it fires on its emulations and is silent on its controls
id      every technique that it names exists in the matrix that it names it for, and has a name there
"""

from enum import StrEnum


class Law(StrEnum):
    SPLIT = "split"
    ENGINE = "engine"
    STATE = "state"
    BENIGN = "benign"
    PROOF = "proof"
    ID = "id"


class Kind(StrEnum):
    EVENT = "event"


HOLDS: dict[tuple[Law, Kind], bool] = {(law, Kind.EVENT): True for law in Law}
"""Other kinds: see `test_dataset_laws`, `test_kinds` and `tests/detect/logs/test_sigma`."""
