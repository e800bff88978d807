"""A new plug-in of any kind is one file and no edit anywhere else: in our folders, or in somebody else's package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from caponier.detect import registry as detect
from caponier.emulate import registry as emulate
from caponier.plugins import Plugins
from packages import installed

KINDS = {
    f"{module.__name__}:{name}": known
    for module in (detect, emulate)
    for name, known in vars(module).items()
    if isinstance(known, Plugins)
}
LIST = """
import importlib, json, sys
from pathlib import Path
for kind, drop in json.loads(sys.argv[1]).items():
    folder = importlib.import_module(drop["folder"])
    folder.__path__.append(drop["path"])
found = {}
for kind in json.loads(sys.argv[1]):
    module, name = kind.split(":")
    found[kind] = list(getattr(importlib.import_module(module), name)())
from caponier.app.coverage.detectors import controls, detectors, emulations
found["cards"] = [card.name for card in (*detectors(), *emulations(), *controls())]
print(json.dumps(found))
"""


def source(known: Plugins[object], name: str) -> str:
    """Return a plug-in like one that is there, under another name."""
    like = next(iter(known()))
    module = type(known()[like]).__module__
    return (
        f"from {module} import {known.attribute} as like\n"
        "class Mine(type(like)):\n"
        "    def __getattribute__(self, member):\n"
        f"        return {name!r} if member == 'name' else super().__getattribute__(member)\n"
        f"{known.attribute} = Mine()\n"
    )


def python(site: Path, *command: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env=env, check=False)


def test_every_kind_has_entry_points_of_its_own() -> None:
    assert len({known.group for known in KINDS.values()}) == len(KINDS)
    kept = {"caponier.detectors", "caponier.artifact_detectors", "caponier.dataset_detectors", "caponier.enrichments"}
    assert kept <= {known.group for known in KINDS.values()}


def test_one_file_of_each_kind_is_listed(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    drops, modules, points = {}, {}, {}
    for number, (kind, known) in enumerate(KINDS.items()):
        folder = tmp_path / f"folder-{number}"
        folder.mkdir()
        (folder / f"dropped_{number}.py").write_text(source(known, f"dropped_{number}"))
        drops[kind] = {"folder": known.folders[0], "path": str(folder)}
        modules[f"theirs_{number}"] = source(known, f"joined_{number}")
        points[f"{known.group}:joined_{number}"] = f"theirs_{number}:{known.attribute}"
    installed(site, "plugins-of-others", modules, points)
    done = python(site, "-c", LIST, json.dumps(drops))
    assert done.returncode == 0, done.stderr[-400:]
    found = json.loads(done.stdout)
    for number, kind in enumerate(KINDS):
        assert {f"dropped_{number}", f"joined_{number}"} <= set(found[kind])
        if kind != "caponier.detect.registry:enrichments":
            assert {f"dropped_{number}", f"joined_{number}"} <= set(found["cards"]), kind


@pytest.mark.parametrize("body", ["import nothing_of_that_name", "detector = (", "raise ValueError('no luck')"])
def test_a_broken_detector_of_others_ends_a_scan_with_one_clear_error(body: str, tmp_path: Path) -> None:
    installed(tmp_path, "detectors-of-others", {"theirs": body}, {"caponier.detectors:odd": "theirs:detector"})
    log = tmp_path / "log.jsonl"
    log.write_text('{"time": 1, "model": "m", "operation": "predict"}\n')
    done = python(tmp_path, "-m", "caponier", "scan", "inference", str(log))
    assert done.returncode == 2, done.stderr
    said = " ".join(done.stderr.split())
    assert "odd (detectors-of-others 1.2, entry point caponier.detectors: odd = theirs:detector)" in said
    assert "uninstall detectors-of-others" in said
    assert "Traceback" not in done.stderr


def test_a_broken_detector_keeps_nobody_from_the_help(tmp_path: Path) -> None:
    installed(tmp_path, "detectors-of-others", {"theirs": "1 / 0"}, {"caponier.detectors:odd": "theirs:detector"})
    assert python(tmp_path, "-m", "caponier", "--help").returncode == 0


def test_the_help_finds_no_plugins_at_all(tmp_path: Path) -> None:
    code = "import sys, caponier, caponier.cli; print('caponier.plugins' in sys.modules)"
    assert python(tmp_path, "-c", code).stdout.strip() == "False"
