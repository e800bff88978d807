"""What changed from one baseline to the next, in words: for whoever reads the output of a scheduled run."""

from collections.abc import Iterator
from typing import Final

from caponier.app.inference.baseline.check import Comparison, compare_baselines
from caponier.app.inference.baseline.story import ThresholdStatus
from caponier.detect.calibration.baseline import Baseline
from caponier.formats.figures import figure

ALIKE: Final = 0.1
"""Share by which a figure may move before it is worth a word."""


def changes_in_words(old: Baseline, new: Baseline) -> list[str]:
    """Say for each model how callers and thresholds differ from the baseline before."""
    before, after = ({section.model for section in one.models} for one in (old, new))
    told = [f"{name}: new; there was no baseline of it before" for name in sorted(after - before)]
    told += [f"{name}: gone; nothing was learned of it this time" for name in sorted(before - after)]
    if before & after:
        for compared in compare_baselines(old, new):
            told += _of_model(compared)
    return told


def _of_model(compared: Comparison) -> Iterator[str]:
    was, now = compared.old.section, compared.new.section
    yield (
        f"{now.model}: {now.events:,} events of {now.principals:,} callers, before {was.events:,} of {was.principals:,}"
    )
    if was.spec.digest() != now.spec.digest():
        yield f"{now.model}: its input is described otherwise than before; thresholds say nothing of each other"
    moved = [words for one in compared.differences if (words := _moved(one.detector, one.old, one.new))]
    yield f"{now.model}: " + ("; ".join(moved) if moved else "no threshold moved by more than a tenth")


def _moved(detector: str, old: ThresholdStatus | None, new: ThresholdStatus | None) -> str | None:
    was = old.needed if old else None
    now = new.needed if new else None
    if now is None:
        return None if was is None else f"{detector} does not run any more"
    if was is None:
        return f"{detector} runs now, from {figure(now)}"
    if abs(now - was) <= ALIKE * max(abs(was), abs(now)):
        return None
    return f"{detector} raises a finding from {figure(now)} on, before from {figure(was)} on"
