"""Stories about the store itself: what was done is found, by whom or on what it was done, and usual work is silent."""

from pathlib import Path

import pytest

from caponier.app.scan.logs import scan_logs
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.coverage.log_emulations import log_emulations
from caponier.emulate.registry import stories


@pytest.mark.parametrize("name", ["open_store", "taken_store"])
def test_the_story_is_found_by_each_of_its_rules_and_its_control_by_none(tmp_path: Path, name: str) -> None:
    story = stories()[name]
    create_workspace(tmp_path)
    home = require_workspace(tmp_path).model_copy(update={"systems": (story.system,)})
    attack, calm = story.attack(3), tmp_path / "calm.jsonl"
    (tmp_path / "bad.jsonl").write_bytes(attack.to_json_lines())
    calm.write_bytes(story.control(3).to_json_lines())
    found = [
        one for one in scan_logs([tmp_path / "bad.jsonl"], workspace=home).findings if one.subject.id == attack.actor
    ]
    rules = {f"sigma:{rule}" for rule, told in log_emulations().items() if name in told}
    assert attack.success
    assert rules <= {one.detector for one in found}
    assert not rules & {one.detector for one in scan_logs([calm], workspace=home).findings}
    if name == "open_store":
        (one,) = found
        assert len(one.event_ids) == 40, "forty strangers are one open bucket"
