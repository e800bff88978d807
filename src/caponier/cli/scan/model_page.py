"""What the detectors said of a model on one page, with the trigger drawn: it loads nothing and runs nothing."""

from collections.abc import Iterator
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.app.scan.model import ModelReport
from caponier.detect.model import ModelAnalysis, Samples
from caponier.detect.networks.trigger_synthesis import Synthesised
from caponier.formats.grey_png import data_url, grey_png

SHOWN: Final = 8
"""Samples that are drawn with the trigger and without, and features of a table that are listed."""
WIDEST: Final = 300
STYLE: Final = (
    "body{font:15px/1.4 system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color:#222}"
    "td,th{border-bottom:1px solid #ccc;padding:.3em .6em;text-align:left}img{image-rendering:pixelated;width:84px;"
    "border:1px solid #999;margin:2px}.bar{display:inline-block;height:.7em;background:#b3541e}small{color:#555}"
)


def model_page(report: ModelReport) -> str:
    """Return the page."""
    body = "\n".join(_parts(report))
    title = _text(report.path.name)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{title}: backdoors</title>'
        f"<style>{STYLE}</style>\n{body}\n</html>\n"
    )


def _parts(report: ModelReport) -> Iterator[str]:
    yield f"<h1>{_text(report.path.name)}</h1><p>SHA-256 <code>{report.scanned.sha256 or 'not made'}</code></p>"
    for skip in report.skipped:
        yield f"<p>Not judged: {_text(str(skip))}</p>"
    samples = report.opened.model.samples if report.opened else None
    for name, said in report.analyses.items():
        if said.silent is not None:
            continue
        verdict = "found" if said.flagged else "not found"
        yield f"<h2>{_text(name)}: {verdict}</h2><p>{_text(said.summary)}</p>"
        yield f"<p><small>score {said.score:g}, limit {said.limit:g}</small></p>"
        if said.trigger is not None and samples is not None:
            yield from _costs(said)
            yield from _drawn(said.trigger, samples)


def _costs(said: ModelAnalysis) -> Iterator[str]:
    for form, costs in said.facts.get("costs", {}).items():
        most = max((cost for cost in costs.values() if cost is not None), default=1.0)
        yield f"<table><tr><th>class</th><th>least {_text(form)}</th></tr>"
        for target, cost in costs.items():
            bar = "none found" if cost is None else _bar(cost, most)
            yield f"<tr><td>{_text(target)}</td><td>{bar}</td></tr>"
        yield "</table>"


def _bar(cost: float, most: float) -> str:
    return f'<span class="bar" style="width:{round(WIDEST * cost / max(most, 1e-9))}px"></span> {cost:g}'


def _drawn(trigger: Synthesised, samples: Samples) -> Iterator[str]:
    rows = samples.x[:: max(1, len(samples.x) // SHOWN)][:SHOWN]
    shape = _grey(samples.shape)
    if shape is None:
        weight = trigger.mask if trigger.form == "patch" else np.abs(trigger.pattern)
        most = np.argsort(-weight)[:SHOWN].tolist()
        yield "<p>Features that it changes most: " + ", ".join(
            f"{at} ({trigger.pattern[at]:.3g})" for at in most if weight[at] > 0
        )
        return
    low, high = float(samples.x.min()), float(samples.x.max())
    made = trigger.mask * trigger.pattern if trigger.form == "patch" else trigger.pattern - trigger.pattern.min()
    reach = max(float(np.abs(made).max()), 1e-9)
    yield f"<p>The trigger:<br>{_picture(made, 0.0, reach, shape)}</p><p>Samples without it and with it:<br>"
    yield "".join(_picture(row, low, high, shape) for row in rows) + "<br>"
    yield "".join(_picture(row, low, high, shape) for row in trigger.put_on(rows)) + "</p>"


def _grey(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Return height and width of pictures of one channel."""
    sides = tuple(side for side in shape if side != 1)
    return sides if len(sides) == 2 else None


def _picture(row: NDArray[np.float32], low: float, high: float, shape: tuple[int, ...]) -> str:
    shades = np.clip(np.round((row - low) / max(high - low, 1e-12) * 255), 0, 255).astype(np.uint8)
    return f'<img alt="" src="{data_url(grey_png(shades.reshape(shape)))}">'


def _text(text: str) -> str:
    return escape(text, quote=True)
