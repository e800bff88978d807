import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import pytest

from caponier.app.build_baseline import build_baseline
from caponier.app.scan_inference import scan_inference
from caponier.app.workspace import create_workspace, require_workspace
from caponier.detect import events
from caponier.detect.registry import ENTRY_POINTS, event_detectors, select
from caponier.errors import CaponierError, InputError
from caponier.records.inventory import Workspace
from laws.bad_detectors import Counter


@pytest.fixture
def fresh() -> Iterator[None]:
    """Let the registry look again, and forget afterwards what it saw."""
    event_detectors.cache_clear()
    yield
    event_detectors.cache_clear()


def plugged(name: str, value: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with one entry point."""
    module = ModuleType("strangers")
    module.thing = value  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "strangers", module)
    entry = EntryPoint(name, "strangers:thing", ENTRY_POINTS)
    monkeypatch.setattr("caponier.plugins.entry_points", lambda group: [entry] if group == ENTRY_POINTS else [])


def test_every_file_is_a_detector_of_its_name() -> None:
    files = {file.stem for file in Path(next(iter(events.__path__))).glob("*.py")} - {"__init__"}
    assert files <= set(event_detectors())
    assert all(name == detector.name for name, detector in event_detectors().items())


def test_detectors_come_in_the_order_of_their_names() -> None:
    assert list(event_detectors()) == sorted(event_detectors())


@pytest.mark.usefixtures("fresh")
def test_a_detector_of_another_package_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged("counter", Counter(), monkeypatch)
    assert "counter" in event_detectors()
    assert "counter" in [detector.name for detector in select()]


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize(
    ("name", "value", "what"),
    [("novelty", None, "no detector"), ("other", Counter(), "another name"), ("counter", Counter, "no detector")],
)
def test_what_is_no_detector_is_an_error(name: str, value: object, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(name, value, monkeypatch)
    with pytest.raises(CaponierError, match=what):
        event_detectors()


@pytest.mark.usefixtures("fresh")
def test_a_second_detector_of_a_name_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    double = Counter()
    double.name = "novelty"
    plugged("novelty", double, monkeypatch)
    with pytest.raises(CaponierError, match="two detectors"):
        event_detectors()


@pytest.mark.usefixtures("fresh")
@pytest.mark.parametrize("value", ["nowhere:thing", "strangers:missing"])
def test_a_detector_that_cannot_be_imported_is_an_error_and_no_skip(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged("x", None, monkeypatch)
    monkeypatch.setattr("caponier.plugins.entry_points", lambda group: [EntryPoint("x", value, group)])
    with pytest.raises(CaponierError, match="cannot be loaded"):
        event_detectors()


@pytest.mark.usefixtures("fresh")
def test_a_file_without_a_detector_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "half_done.py").write_text("'''Nothing yet.'''\n")
    monkeypatch.setattr(events, "__path__", [str(tmp_path)])
    with pytest.raises(CaponierError, match="half_done"):
        event_detectors()


@pytest.mark.usefixtures("fresh")
def test_a_file_that_breaks_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken.py").write_text("import nothing_of_that_name\n")
    monkeypatch.setattr(events, "__path__", [str(tmp_path)])
    with pytest.raises(CaponierError, match="nothing_of_that_name"):
        event_detectors()


def test_disabled_detectors_are_left_out() -> None:
    assert "novelty" not in [detector.name for detector in select(("novelty",))]
    assert select(tuple(event_detectors())) == []


def test_an_unknown_disabled_detector_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no detector 'iterativ_query'") as wrong:
        select(("iterativ_query",))
    assert "Did you mean 'iterative_query'?" in str(wrong.value)


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(InputError, match="no detector 'noveltie'"):
        select((), {"noveltie": {}})


def test_a_setting_that_nobody_reads_is_refused() -> None:
    assert select((), {"novelty": {}})
    with pytest.raises(InputError, match="no setting 'window'") as wrong:
        select((), {"novelty": {"window": 5}})
    assert "detect.novelty" in str(wrong.value)


def home(tmp_path: Path, text: str) -> Workspace:
    file = create_workspace(tmp_path)
    file.write_text(text)
    return require_workspace(file)


@pytest.mark.parametrize("text", ['[detect]\ndisabled = ["nvelty"]\n', "[detect.nvelty]\nwindow = 5\n"])
def test_a_workspace_that_names_an_unknown_detector_is_refused_everywhere(text: str, tmp_path: Path) -> None:
    workspace = home(tmp_path, text)
    for verb in (scan_inference, build_baseline):
        with patch("caponier.engines.spool.Spool.write"), pytest.raises(InputError, match="nvelty"):
            verb([tmp_path], workspace=workspace)
