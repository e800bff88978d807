"""The flagged rows of a data set on one page: each with why, and with the rows that it is like, drawn."""

from collections.abc import Iterator
from html import escape
from typing import Final

import numpy as np
from numpy.typing import NDArray

from caponier.app.scan.dataset import DatasetReport, SuspiciousRow
from caponier.app.scan.look_alikes import LookAlikes, look_alikes
from caponier.detect.trigger_patterns.scale import is_picture, sides
from caponier.formats.grey_png import data_url, grey_png
from caponier.telemetry.labelled_data.dataset import Dataset

SHOWN: Final = 40
"""Rows of each detector that are drawn, evenly taken; the CSV has all."""
WIDEST: Final = 140
"""Pixels of a bar, and standard deviations it stands for at most."""
MOST: Final = 4.0
STYLE: Final = (
    "body{font:15px/1.4 system-ui,sans-serif;max-width:70em;margin:2em auto;padding:0 1em;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4em;text-align:left;"
    "vertical-align:top}img{image-rendering:pixelated;width:72px;border:1px solid #999}"
    ".bar{display:inline-block;height:.7em;background:#b3541e}small{color:#555}"
)


def dataset_page(report: DatasetReport) -> str:
    """Return the page; it loads nothing and runs nothing."""
    dataset = report.dataset
    flagged = np.zeros(len(dataset), bool)
    place = {name: at for at, name in enumerate(dataset.ids)}
    flagged[[place[row.id] for row in report.suspicious]] = True
    picture = sides(dataset.x.shape[1], dataset.shape) if is_picture(dataset.x) else None
    parts = [
        f"<h1>{_text(report.path.name)}</h1>",
        f"<p>{report.rows:,} rows, SHA-256 <code>{report.sha256}</code></p>",
    ]
    parts += [
        f"<p><b>{_text(found.detector)}</b>, {_text(found.subject.kind)} {_text(found.subject.id or '')}: "
        f"{_text(found.summary)}</p>"
        for found in report.findings
    ]
    for detector in sorted({row.detector for row in report.suspicious}):
        mine = [row for row in report.suspicious if row.detector == detector]
        shown = mine[:: max(1, -(-len(mine) // SHOWN))]
        parts.append(f"<h2>{_text(detector)}: {len(shown)} of {len(mine):,} rows</h2>")
        alike = look_alikes(dataset, flagged, [place[row.id] for row in shown])
        parts += _table(dataset, shown, alike, picture)
    if not report.suspicious:
        parts.append("<p>No row is suspicious.</p>")
    body = "\n".join(parts)
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{_text(report.path.name)}: flagged rows</title>'
        f"<style>{STYLE}</style>\n{body}\n</html>\n"
    )


def _table(
    dataset: Dataset, rows: list[SuspiciousRow], alike: list[LookAlikes], picture: tuple[int, int] | None
) -> Iterator[str]:
    yield "<table><tr><th>row</th><th>label</th><th>itself</th><th>nearest with its label</th>"
    yield "<th>nearest with another label</th><th>most unlike its label</th></tr>"
    for row, like in zip(rows, alike, strict=True):
        source = f"<br><small>from {_text(row.source)}</small>" if row.source is not None else ""
        better = f"<br>rather {_text(row.suggested)}" if row.suggested is not None else ""
        cells = (
            f"{_text(row.id)}{source}<br><small>score {row.score:g}</small>",
            f"{_text(row.given)}{better}",
            _drawn(dataset, like.row, picture),
            _drawn(dataset, like.same, picture),
            _drawn(dataset, like.other, picture),
            "<br>".join(_bar(one.name, one.value, one.usual, one.size) for one in like.differences),
        )
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
    yield "</table>"


def _drawn(dataset: Dataset, row: int | None, picture: tuple[int, int] | None) -> str:
    if row is None:
        return "none"
    name = f"{_text(dataset.ids[row])}<br><small>labelled {_text(dataset.classes[dataset.y[row]])}</small>"
    if picture is None:
        return name
    return f'<img alt="" src="{data_url(grey_png(_shades(dataset, row).reshape(picture)))}"><br>{name}'


def _shades(dataset: Dataset, row: int) -> NDArray[np.uint8]:
    low, high = float(dataset.x.min()), float(dataset.x.max())
    shades: NDArray[np.uint8] = np.round((dataset.x[row] - low) / max(high - low, 1e-12) * 255).astype(np.uint8)
    return shades


def _bar(name: str, value: float, usual: float, size: float) -> str:
    width = round(WIDEST * min(size, MOST) / MOST)
    return f'<span class="bar" style="width:{width}px"></span> {_text(name)}: {value:g} <small>usual {usual:g}</small>'


def _text(text: str) -> str:
    return escape(text, quote=True)
