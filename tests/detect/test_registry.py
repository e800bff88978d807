from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import pytest

from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.scan import scan_inference
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect import enrichments as enrichment_folder
from caponier.detect import events
from caponier.detect.registry import (
    artifact_detectors,
    chosen_enrichments,
    dataset_detectors,
    enrichments,
    event_detectors,
    select,
)
from caponier.errors import InputError
from caponier.plugins import PluginError
from caponier.records.inventory import Workspace


def test_every_file_is_a_detector_of_its_name() -> None:
    files = {file.stem for file in Path(next(iter(events.__path__))).glob("*.py")} - {"__init__"}
    assert files <= set(event_detectors())
    assert all(name == detector.name for name, detector in event_detectors().items())


def test_detectors_come_in_the_order_of_their_names() -> None:
    assert list(event_detectors()) == sorted(event_detectors())


def test_a_name_is_that_of_its_file_or_entry_point() -> None:
    for known in (event_detectors, dataset_detectors, artifact_detectors, enrichments):
        assert list(known()) == sorted(known())
        assert all(plugin.name == name for name, plugin in known().items())


@pytest.mark.parametrize("name", ["cost", "flip", "score", "no-name"])
def test_an_enrichment_may_not_have_the_name_of_another_signal(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = (
        "from caponier.detect.enrichments.squeezing import Squeezing\n"
        f"enrichment = type('Mine', (Squeezing,), {{'name': {name!r}}})()\n"
    )
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.setattr(enrichment_folder, "__path__", [str(tmp_path)])
    with pytest.raises(PluginError, match=r"has this name|no identifier"):
        replace(enrichments)()


def test_all_enrichments_are_chosen_if_none_is_named() -> None:
    assert [one.name for one in chosen_enrichments([])] == list(enrichments())
    assert [one.name for one in chosen_enrichments(["squeezing", "class_distance"])] == ["class_distance", "squeezing"]


def test_an_enrichment_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"no enrichment 'squeezin'\n.*squeezing"):
        chosen_enrichments(["squeezin"])


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
