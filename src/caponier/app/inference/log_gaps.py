"""What detectors still find in a log that lacks something: not guessed, but measured by `scripts/bench lacking`."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

from caponier.app.inference.load import LACKS
from caponier.detect.detector import EventDetector, Signal
from caponier.engines.sampling import FIELD, Sampled
from caponier.engines.spool import ModelSummary
from caponier.records.skip import Skip

ANY: Final = "any"
"""All detectors together."""
WHOLE: Final = "whole"
SAMPLED: Final = "sampled "
WORDS: Final[Mapping[Signal, tuple[str, str]]] = {
    Signal.INPUT: ("an input", "the inputs"),
    Signal.LABEL: ("a label", "the answers"),
    Signal.SCORES: ("scores", "the class scores"),
}
"""What a prediction has, and what is to be logged."""
WAYS: Final[Mapping[Signal, str]] = {
    Signal.INPUT: "no inputs",
    Signal.LABEL: "no labels",
    Signal.SCORES: "no scores",
}
"""The column that a log lacks, and what the measurement without it is called."""
ADDRESSES: Final = "addresses"
NOBODY: Final = "nobody"
NEGLIGIBLE: Final = 0.1
"""Share of what it finds in a whole log below which a detector is said to find nothing."""
NEARLY: Final = 0.9
"""From this share of the events on a column counts as there, and a log as whole."""
ALIKE: Final = 1.25
"""Most times by which the sampling of a baseline and of a log may differ."""
HINT: Final = "log every event or, if that is too much, every event of some callers"


@dataclass(frozen=True)
class Power:
    """What was found of emulated attacks.

    Args:
        found: Attacks.
        of: Attacks that there were.
        queries: Queries that the attackers had sent by then, logged or not, in the median.
    """

    found: int
    of: int
    queries: float | None


Measured: TypeAlias = Mapping[str, Mapping[str, Power]]
"""By the way in which the traffic was logged, by detector."""


@cache
def measured() -> Measured:
    """Return what was measured."""
    read = json.loads(files("caponier.app.inference").joinpath("log_gaps.json").read_text("utf-8"))
    return {
        way: {name: Power(*figures) for name, figures in detectors.items()} for way, detectors in read["ways"].items()
    }


def lost(
    summary: ModelSummary, detectors: Sequence[EventDetector], told: Sampled, rate: float
) -> tuple[list[Skip], list[str]]:
    """Say what is lost with what a model's events lack.

    Args:
        summary: The events.
        detectors: Those that can speak on them.
        told: What the events say of sampling.
        rate: Share of the traffic that is logged.

    Returns:
        The detectors that find next to nothing; and remarks on what the others find less.
    """
    skips, notes = _sparse(summary.model, detectors, rate, f"{_percent(rate)} of the traffic is logged", HINT)
    notes += [f"{summary.model}: {remark}" for remark in missing(summary)]
    for signal, there in _counts(summary).items():
        share = there / told.answered if told.answered else 1.0
        if there and share < NEARLY:
            users = [detector for detector in detectors if signal in detector.needs]
            has, wanted = WORDS[signal]
            what = f"{_percent(share)} of the predictions have {has}"
            more = _sparse(summary.model, users, share * rate, what, f"log {wanted} of all of them")
            skips, notes = skips + more[0], notes + more[1]
    return skips, notes


def voided(model: str, learned: float, rate: float) -> str | None:
    """Say that a baseline does not fit a log that is sampled in another way; None if it does."""
    if max(learned, rate) <= ALIKE * min(learned, rate):
        return None
    return (
        f"{model}: the baseline was learned where {_percent(learned)} of the traffic was logged, and here it is "
        f"{_percent(rate)}: no promise holds; build it from traffic that is logged alike, or say what share is logged "
        f"(--sampling, sampling of the [[model]], or a column {FIELD})"
    )


def _sparse(
    model: str, detectors: Iterable[EventDetector], rate: float, what: str, hint: str
) -> tuple[list[Skip], list[str]]:
    """Say what each detector finds of a log that holds a part of the traffic."""
    if rate >= NEARLY:
        return [], []
    at = _nearest(rate)
    whole, part = measured()[WHOLE], measured()[f"{SAMPLED}{at:g}"]
    names = [detector.name for detector in detectors]
    known = [name for name in names if name in part and whole[name].found]
    gone = [name for name in known if part[name].found < NEGLIGIBLE * whole[name].found]
    place = f"measured at {_percent(at)} on digits"
    skips = [
        Skip(
            f"{model}: {name}",
            f"{what}, and of {part[name].of} emulated attacks it then finds {part[name].found}, not "
            f"{whole[name].found} ({place}); {hint}",
        )
        for name in gone
    ]
    less = [f"{name} {_compared(part[name], whole[name])}" for name in known if name not in gone]
    notes = []
    if less:
        found = f"this costs detection ({place}): {', '.join(less)}"
        notes.append(f"{model}: {what}; {found}; {hint}")
    if strange := [name for name in names if name not in known]:
        notes.append(f"{model}: {what}; what that costs was not measured for {', '.join(strange)}")
    return skips, notes


def _nearest(rate: float) -> float:
    """Return the greatest measured rate that is not above, so that nothing is made to look better; else the least."""
    rates = sorted(float(way.removeprefix(SAMPLED)) for way in measured() if way.startswith(SAMPLED))
    return max((known for known in rates if known <= rate), default=rates[0])


def _compared(part: Power, whole: Power) -> str:
    queries = "" if part.queries is None else f", after {part.queries:,.0f} queries"
    usual = "" if whole.queries is None else f", after {whole.queries:,.0f}"
    return f"{part.found} of {part.of} attacks found{queries}, not {whole.found}{usual}"


def missing(summary: ModelSummary) -> list[str]:
    """Say what all detectors together find without what no event has."""
    ways = {way: LACKS[signal] for signal, way in WAYS.items() if not _counts(summary)[signal]}
    if not summary.attributed:
        ways[NOBODY] = LACKS[Signal.PRINCIPAL]
    elif not summary.principals:
        ways[ADDRESSES] = "no event names a principal, and sessions or addresses stand for callers; log a principal"
    whole = measured()[WHOLE][ANY]
    said = []
    for way, lack in ways.items():
        part = measured()[way][ANY]
        callers = " (with two callers to an address)" if way == ADDRESSES else ""
        found = f"{part.found} of {part.of} emulated attacks are found without it{callers}, and {whole.found} with it"
        told = f"in a benchmark on images of digits, {found}"
        if part.found >= whole.found:
            told = "optional: a benchmark on images of digits found as many attacks without this"
        said.append(f"{lack} ({told})")
    return said


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _counts(summary: ModelSummary) -> dict[Signal, int]:
    return {Signal.INPUT: summary.inputs, Signal.LABEL: summary.labels, Signal.SCORES: summary.scores}
