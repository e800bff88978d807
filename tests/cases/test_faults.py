"""The faults that scripts/faults seeds can be seeded: each line to change stands in its file, and there once."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
FAULTS: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "faults.yaml").read_text("utf-8"))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["file"].removeprefix("src/caponier/"))
def test_a_fault_can_be_seeded(fault: dict[str, Any]) -> None:
    lines = (ROOT / fault["file"]).read_text("utf-8").splitlines()
    assert [line.strip() for line in lines].count(fault["was"]) == 1
    assert fault["becomes"] != fault["was"]
