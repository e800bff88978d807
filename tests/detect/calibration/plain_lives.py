"""Completing lives as it is defined, caller by caller and step by step: slow, and told apart from nothing."""

import numpy as np
from numpy.typing import NDArray

from caponier.detect.calibration.ages import AGES
from caponier.detect.calibration.lives import HEIGHTS, RECENT, TRUST, Lives

Row = list[float]


def plainly_completed(lives: Lives, steps: int) -> NDArray[np.float64]:
    """Return what `Lives.completed` must return, to the last bit."""
    last, seen = lives.last.tolist(), min(lives.x.shape[1], steps)
    full = [[*row[:seen], *[0.0] * (steps - seen)] for row in lives.x.tolist()]
    if not any(map(any, full)):
        return np.zeros((len(last), steps))
    slopes, onset, owed = [[0.0] * (len(HEIGHTS) + 1)], onsets(lives, steps), 0.0
    firsts = [found for row, end in zip(lives.x.tolist(), last, strict=True) if (found := first(row, end))]
    # Of those alike, who was cut off first comes first.
    order = sorted(range(len(last)), key=lambda at: last[at])
    for step in range(1, steps):
        before = [row[step - 1] for row in full]
        some = [value for value in before if value > 0]
        cuts = np.quantile(some, HEIGHTS).tolist() if some else [0.0] * len(HEIGHTS)
        height = [sum(cut <= value for cut in cuts) for value in before]
        width = float(np.log(AGES[1:] / AGES[:-1])[step - 1])
        growth = []
        for at, slope in enumerate(np.sum(slopes[-RECENT:], axis=0) / len(slopes[-RECENT:])):
            own = [
                full[who][step] - before[who]
                for who, end in enumerate(last)
                if end >= step and before[who] > 0 and height[who] == at
            ]
            usual = float(np.median(own)) if own else 0.0
            growth.append((len(own) * usual + TRUST * (slope * width)) / (len(own) + TRUST))
        slopes.append([one / width for one in growth])
        ended = [who for who in order if last[who] < step]
        for who in ended:
            full[who][step] = before[who] + growth[height[who]] if before[who] > 0 else 0.0
        nothing = [who for who in ended if full[who][step] <= 0]
        owed += float(onset[step - 1]) * len(nothing)
        due = min(int(owed), len(nothing))
        near = [value for begun, value in firsts if abs(begun - step) <= RECENT]
        got = near if len(near) >= TRUST else [value for _, value in firsts]
        if due and got:
            owed -= due
            places = np.linspace(0, len(nothing) - 1, due).astype(int).tolist()
            for place, value in zip(places, np.quantile(got, (np.arange(due) + 0.5) / due).tolist(), strict=True):
                full[nothing[place]][step] = value
    return np.array(full)


def first(row: Row, end: int) -> tuple[int, float] | None:
    """Return at which step a caller first had something, and what; None of one who never had while it was seen."""
    return next(((step, value) for step, value in enumerate(row[: end + 1]) if value > 0), None)


def onsets(lives: Lives, steps: int) -> Row:
    """Return which share of those without anything gets something from each step to the next."""
    onset, recent, seen = [0.0] * (steps - 1), 0.0, lives.x.shape[1]
    for step in range(steps - 1):
        if step < seen - 1:
            nothing = [row for row, end in zip(lives.x, lives.last, strict=True) if end > step and row[step] <= 0]
            onset[step] = (sum(row[step + 1] > 0 for row in nothing) + TRUST * recent) / (len(nothing) + TRUST)
            recent = float(np.mean(onset[max(0, step - RECENT) : step + 1]))
        else:
            onset[step] = recent
    return onset
