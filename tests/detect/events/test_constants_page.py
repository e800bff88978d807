"""docs/reference/detections/constants.md says what is left as a constant: its values are those of the code."""

import importlib
import re
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from caponier.detect.registry import event_detectors

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "detections" / "constants.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \| (.+) \|$", PAGE, re.MULTILINE)
ENRICHED = {"adversarial_input", "local_patch", "trigger_probe"}
"""What these weigh is described with the enrichments."""


def written(value: Any) -> str:
    if not isinstance(value, tuple):
        return f"{value:g}"
    text = str(value).replace(" ", "")
    return text if len(text) < 24 else f"{len(value)} of them"


@pytest.mark.parametrize(("detector", "names", "values", "why"), ROWS)
def test_values_are_those_of_the_code(detector: str, names: str, values: str, why: str) -> None:
    module = importlib.import_module(f"caponier.detect.events.{detector}")
    constants = re.findall(r"`([\w.]+)`", names)
    assert ", ".join(written(attrgetter(name)(module)) for name in constants) == values
    assert len(why) > 20


def test_every_detector_has_its_constants_there() -> None:
    assert {row[0] for row in ROWS} == set(event_detectors()) - ENRICHED
