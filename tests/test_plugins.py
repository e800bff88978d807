"""Plug-ins that break when they are imported: a real package with metadata on the path, and what a user then sees."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from caponier.detect import dataset_registry, enrichment_registry, registry
from caponier.emulate import attacks, poisons, stories
from caponier.emulate.feedbacks import registry as feedbacks
from caponier.emulate.feedbacks import sources
from caponier.emulate.poison_registry import poisons as all_poisons
from caponier.emulate.registry import attacks as all_attacks
from caponier.emulate.story_registry import stories as all_stories
from caponier.errors import MissingExtraError
from caponier.plugins import PluginError, plugins, unavailable

FAULTS = {
    "ImportError": "from os import nothing_of_that_name\n",
    "ModuleNotFoundError": "import nothing_of_that_name\n",
    "SyntaxError": "def :\n",
    "ValueError": "raise ValueError('no\\nreally')\n",
    "AttributeError": "plugin = None\ndel plugin\n",
    "SystemExit": "raise SystemExit(0)\n",
    "RecursionError": "def f(): f()\nf()\n",
    "UnicodeDecodeError": "b'\\xff'.decode()\n",
}
GROUPS: dict[str, tuple[Callable[[], object], str]] = {
    registry.ENTRY_POINTS: (registry.event_detectors, "scan inference {home}"),
    registry.ARTIFACT_ENTRY_POINTS: (registry.artifact_detectors, "scan artifact {home}"),
    dataset_registry.ENTRY_POINTS: (dataset_registry.dataset_detectors, "scan dataset {data} --label y"),
    enrichment_registry.ENTRY_POINTS: (enrichment_registry.all_enrichments, ""),
}


@pytest.fixture(autouse=True)
def _fresh() -> object:
    def forget() -> None:
        for found, _ in GROUPS.values():
            found.cache_clear()  # type: ignore[attr-defined]

    forget()
    yield
    forget()
    for name in [name for name in sys.modules if name.startswith("stranger_")]:
        del sys.modules[name]


def install(folder: Path, group: str, code: str, value: str = "stranger_code:plugin") -> Path:
    """Lay a package with one entry point into a folder, as an installer does."""
    (folder / "stranger_code.py").write_text(code)
    metadata = folder / "stranger_pack-1.2.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: stranger-pack\nVersion: 1.2\nProvides-Extra: gpu\n"
    )
    (metadata / "entry_points.txt").write_text(f"[{group}]\nodd = {value}\n")
    return folder


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("fault", FAULTS)
def test_one_that_breaks_is_named_with_its_package(
    group: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, group, FAULTS[fault]))
    with pytest.raises(PluginError) as wrong:
        GROUPS[group][0]()
    text = str(wrong.value)
    assert wrong.value.exit_code == 2
    assert f"the plug-in 'odd' cannot be loaded: {fault}" in text
    assert "stranger_code:plugin" in text
    assert "the package stranger-pack" in text
    assert "pip uninstall stranger-pack" in text
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize("group", GROUPS)
def test_what_is_something_else_is_named_with_its_package(
    group: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, group, "plugin = 3\n"))
    with pytest.raises(PluginError, match=r"the package stranger-pack: the plug-in 'odd' is no"):
        GROUPS[group][0]()


@pytest.mark.parametrize("value", ["not a reference!!", "stranger_code:plugin:plugin", ""])
def test_an_entry_point_that_refers_to_nothing_is_named(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, registry.ENTRY_POINTS, "plugin = 3\n", value))
    with pytest.raises(PluginError, match="the plug-in 'odd'"):
        registry.event_detectors()


def test_metadata_that_cannot_be_read_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, registry.ENTRY_POINTS, "")
    (tmp_path / "stranger_pack-1.2.dist-info" / "entry_points.txt").write_text("[caponier.detectors]\nno equals sign\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(PluginError, match="cannot be read"):
        registry.event_detectors()


@pytest.mark.parametrize("group", [group for group, (_, command) in GROUPS.items() if command])
def test_a_scan_then_ends_with_2_and_no_traceback(group: str, tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    install(tmp_path / "packages", group, FAULTS["SystemExit"])
    done = caponier(tmp_path, GROUPS[group][1])
    assert done.returncode == 2, done.stderr
    assert "stranger-pack" in done.stderr
    assert "Traceback" not in done.stderr
    assert "fault in Caponier" not in done.stderr


LACKING = "from caponier.extras import needs\nwith needs('gpu', 'Odd'):\n    import nothing_of_that_name\n"


@pytest.mark.parametrize("group", [group for group, (_, command) in GROUPS.items() if command])
@pytest.mark.parametrize(
    ("code", "value", "mend"),
    [
        (LACKING, "stranger_code:plugin", "caponier[gpu]"),
        (FAULTS["ModuleNotFoundError"], "stranger_code:plugin [gpu]", "stranger-pack[gpu]"),
    ],
    ids=["ours", "its own"],
)
def test_one_that_lacks_an_extra_is_left_out_and_told(
    group: str, code: str, value: str, mend: str, tmp_path: Path
) -> None:
    (tmp_path / "packages").mkdir()
    install(tmp_path / "packages", group, code, value)
    done = caponier(tmp_path, GROUPS[group][1] + " --format json")
    skipped = {one["what"]: one["reason"] for one in json.loads(done.stdout)["skipped"]}
    assert done.returncode == 3, done.stderr
    assert f"pip install '{mend}'" in skipped["odd"]
    assert "nothing_of_that_name" in skipped["odd"]


def test_one_that_lacks_an_extra_can_be_disabled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, registry.ENTRY_POINTS, LACKING))
    assert "odd" not in registry.event_detectors()
    assert "odd" not in [detector.name for detector in registry.select(("odd",))]


def test_an_enrichment_that_lacks_an_extra_says_so_when_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(install(tmp_path, enrichment_registry.ENTRY_POINTS, LACKING))
    assert "odd" not in [one.name for one in enrichment_registry.chosen_enrichments([])]
    with pytest.raises(MissingExtraError, match=r"caponier\[gpu\]"):
        enrichment_registry.chosen_enrichments(["odd"])


def caponier(tmp_path: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command beside the package, on a log, a data set and a file in which nothing is found."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "events.jsonl").write_text('{"time": "2026-05-01T10:00:00Z", "model": "m", "operation": "predict"}\n')
    (tmp_path / "rows.csv").write_text("a,y\n" + "".join(f"{row % 2}.{row},{row % 2}\n" for row in range(60)))
    paths = os.pathsep.join([str(tmp_path / "packages"), *sys.path])
    return subprocess.run(
        [sys.executable, "-m", "caponier", *command.format(home=home, data=tmp_path / "rows.csv").split()],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
        cwd=tmp_path,
    )


FOLDERS: list[tuple[ModuleType, Callable[[], object]]] = [
    (attacks, all_attacks),
    (poisons, all_poisons),
    (stories, all_stories),
    (sources, feedbacks.sources),
]


@pytest.mark.parametrize(("folder", "found"), FOLDERS, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_that_breaks_is_named(
    folder: ModuleType, found: Callable[[], object], fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"stranger_{fault.lower()}.py").write_text(FAULTS[fault])
    monkeypatch.setattr(folder, "__path__", [str(tmp_path)])
    with pytest.raises(
        PluginError, match=rf"{folder.__name__}\.stranger_{fault.lower()}: .* cannot be loaded: {fault}"
    ):
        found()


def test_a_file_that_lacks_an_extra_is_left_out_and_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stranger_late.py").write_text(LACKING)
    (tmp_path / "stranger_there.py").write_text("HERE = 1\n")
    monkeypatch.setattr(attacks, "__path__", [str(tmp_path)])
    assert [plugin.name for plugin in plugins(attacks, "HERE")] == ["stranger_there"]
    assert list(unavailable(attacks, "HERE")) == ["stranger_late"]
