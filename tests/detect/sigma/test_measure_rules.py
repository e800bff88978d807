"""What rules were measured at is what the script writes, and the script measures what it says."""

import importlib.util
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

from caponier.detect.sigma.confidence import measured
from caponier.detect.sigma.sigma import Sigma
from caponier.emulate.attack_steps.attack_step import process, timed

ROOT = Path(__file__).parents[3]
FILE = ROOT / "src" / "caponier" / "detect" / "sigma" / "measured.yaml"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("measure_rules", ROOT / "scripts" / "measure_rules.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["measure_rules"] = module
    spec.loader.exec_module(module)
    return module


def test_the_file_is_what_the_script_writes_and_nobody_typed_its_ways(script: ModuleType) -> None:
    ways = script.found(Sigma())
    assert {name: (one.found, one.ways) for name, one in measured().items()} == ways
    months = len(list(script.months(0.1)))
    head = script.HEAD.format(company=script.COMPANY, estate=script.ESTATE, size=0.1, months=months)
    rows = [
        f"  {rule}: {{found: {good}, ways: {most}, told: {measured()[rule].told}}}\n"
        for rule, (good, most) in sorted(ways.items())
    ]
    assert FILE.read_text(encoding="utf-8") == head + "".join(rows)


def test_a_month_is_told_by_rule(script: ModuleType) -> None:
    def describe(file: Path) -> None:
        with file.open("a", encoding="utf-8") as text:
            text.write('\n[[system]]\nname = "digits"\nhosts = ["gpu-01*"]\n')

    def write(folder: Path) -> Sequence[tuple[Path, str | None]]:
        folder.mkdir()
        rows = timed([process("chmod 777 /srv/models/digits.onnx")], script.START)
        (folder / "x.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        return [(folder, None)]

    assert script.told(describe, write) == {"model_file_loosened": 1}
