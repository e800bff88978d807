from importlib import import_module
from pathlib import Path

from caponier.detect.registry import event_detectors
from laws.law_table import HOLDS, Kind, Law

HERE = Path(__file__).parent


def test_every_law_says_of_every_kind_whether_it_holds() -> None:
    assert set(HOLDS) == {(law, kind) for law in Law for kind in Kind}


def test_every_law_that_holds_is_tested_over_the_registry_and_against_a_bad_detector() -> None:
    for law in Law:
        module = import_module(f"laws.test_{law}_law")
        names = [name for name in vars(module) if name.startswith("test_")]
        assert any("every_detector" in name for name in names), law
        assert any("bad" in name for name in names), law


def test_there_is_no_law_outside_the_table() -> None:
    files = {file.stem.removeprefix("test_").removesuffix("_law") for file in HERE.glob("test_*_law.py")}
    assert files == {str(law) for law in Law}


def test_there_are_detectors_to_hold_the_laws_against() -> None:
    assert {"iterative_query", "novelty"} <= set(event_detectors())
