import json
import re
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from safetensors.numpy import save

from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.detect.calibration.baseline import KEY, Baseline
from caponier.detect.training_sketch.sketch import CANARIES, ROWS
from caponier.telemetry.digests import row_keys
from caponier.telemetry.field_maps.named_features import category_code
from cli.command import Ran, run
from conftest import ALPHA, USERS, World


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_WORKSPACE", raising=False)
    monkeypatch.setenv("COLUMNS", "300")


@pytest.fixture
def baseline(capsys: pytest.CaptureFixture[str]) -> Any:
    def command(*arguments: object) -> Ran:
        return run(capsys, "baseline", *arguments)

    return command


class TestBuild:
    def test_it_writes_a_file_and_says_what_can_be_promised(self, baseline: Any, world: World) -> None:
        ran = baseline("build", world.benign, "--out", "b.safetensors", "--alpha", ALPHA)
        assert (ran.code, ran.out) == (0, "")
        (section,) = Baseline.load(Path("b.safetensors")).models
        assert f" {100 * ALPHA:.3g}% " in ran.err
        assert section.principals == USERS - ran.err.count("was set aside")
        assert section.alpha == ALPHA

    def test_quiet_says_nothing(self, baseline: Any, tmp_path: Path) -> None:
        ran = baseline("build", log(tmp_path, users(5)), "--out", "b", "--quiet")
        assert (ran.out, ran.err) == ("", "")

    def test_too_few_principals_are_said(self, baseline: Any, tmp_path: Path) -> None:
        ran = baseline("build", log(tmp_path, users(5)), "--out", "b")
        assert ran.code == 0
        assert "m: 5 callers; " in ran.err

    def test_what_is_left_out_is_3(self, baseline: Any, tmp_path: Path) -> None:
        ran = baseline("build", log(tmp_path, users(5, label=None)), "--out", "b")
        assert ran.code == 3
        assert re.search("^m: .* not run, so (.*\n)+?.*iterative_query.*: no event has a label", ran.err, re.MULTILINE)
        assert Path("b").exists()

    def test_rejected_rows_are_3(self, baseline: Any, tmp_path: Path) -> None:
        file = log(tmp_path, users(5), rows(1, 99, input=lambda _: [0.0]))
        ran = baseline("build", file, "--out", "b", "--rejected", "r.jsonl")
        assert ran.code == 3
        assert f"{file}:21: input of the wrong length" in ran.err
        assert json.loads(Path("r.jsonl").read_text())["line"] == 21

    def test_canaries_are_read_like_a_training_set(self, baseline: Any, tmp_path: Path) -> None:
        create_workspace(tmp_path)
        np.savez(tmp_path / "canaries.npz", x=np.array([[200.5, 3.25], [7.5, 9.25]]), y=np.zeros(2, int))
        file, told = log(tmp_path, users(60)), ("--workspace", tmp_path, "--range", "0,127")
        ran = baseline("build", file, "--canaries", "canaries.npz", "--out", "b", *told)
        assert ran.code == 0
        assert "needs --training-set" not in ran.err
        (section,) = Baseline.load(Path("b")).models
        assert len(section.detectors["membership_probe"].params[CANARIES]) == 2

    def test_a_table_of_training_rows_is_read_as_its_error_says(self, baseline: Any, tmp_path: Path) -> None:
        create_workspace(tmp_path)
        (tmp_path / "train.csv").write_text("first,second,kind\n1,2,a\n3,4,b\n")
        file, told = log(tmp_path, users(60)), ("--workspace", tmp_path, "--range", "0,127")
        ran = baseline("build", file, "--training-set", "train.csv", "--out", "b", *told)
        assert ran.code == 2
        assert "Name it with --label COLUMN" in ran.err
        for option in ("--label", "--training-label"):
            ran = baseline("build", file, "--training-set", "train.csv", option, "kind", "--out", "b", *told)
            assert ran.code == 0
            (section,) = Baseline.load(Path("b")).models
            assert len(section.detectors["membership_probe"].params[ROWS]) == 2

    def test_training_rows_are_known_by_the_names_of_their_columns_and_categories(
        self, baseline: Any, tmp_path: Path
    ) -> None:
        salt = read_salt(require_workspace(create_workspace(tmp_path)))
        asked = [{"job": "ab"[at % 2], "age": 20 + at, "city": "xyz"[at % 3]} for at in range(60)]
        lines = [{"ts": 1_767_614_400 + at, "user": f"u{at % 3}", "features": one} for at, one in enumerate(asked)]
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(line | {"label": "y"}) + "\n" for line in lines))
        # In another order, with one that nobody has whole and one that nobody asked for.
        rows = "".join(f"y,{one['city']},{one['age']},{one['job']}\n" for one in asked[:3]) + "n,x,,a\nn,x,99,a\n"
        (tmp_path / "train.csv").write_text(f"kind,city,age,job\n{rows}")
        told = ("--training-set", "train.csv", "--label", "kind", "--out", "b", "--workspace", tmp_path)
        # Nobody logged scores, so that a part is left out.
        assert (ran := baseline("build", tmp_path / "log.jsonl", *told)).code == 3
        assert "have no names" not in ran.err
        (section,) = Baseline.load(Path("b")).models
        sketched = section.detectors["membership_probe"].params[ROWS]
        inputs = np.array([[one["age"], category_code(one["city"]), category_code(one["job"])] for one in asked[:3]])
        assert len(sketched) == 4
        assert np.isin(row_keys(inputs.astype(np.float32), salt), sketched).all()

    def test_texts_that_a_model_learned_from_are_given_as_the_log_writes_them(
        self, baseline: Any, tmp_path: Path
    ) -> None:
        create_workspace(tmp_path)
        texts = [f"mail number {at} about {word}" for at, word in enumerate(("prizes", "meetings", "trips") * 20)]
        file = log(tmp_path, rows(60, input=None, input_raw=lambda at: texts[at]))
        (tmp_path / "train.jsonl").write_text("".join(json.dumps({"input_raw": text}) + "\n" for text in texts[:4]))
        told = ("--training-set", "train.jsonl", "--kind", "text", "--out", "b", "--workspace", tmp_path)
        assert "rows of the training set could not be used" not in baseline("build", file, *told).err
        (section,) = Baseline.load(Path("b")).models
        assert len(section.detectors["membership_probe"].params[ROWS]) == 4

    def test_training_rows_without_names_are_taken_as_they_stand_and_that_is_said(
        self, baseline: Any, tmp_path: Path
    ) -> None:
        create_workspace(tmp_path)
        lines = [{"ts": 1_767_614_400 + at, "user": "u", "features": {"b": at, "a": 0.5}} for at in range(40)]
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        np.savez(tmp_path / "train.npz", x=np.array([[0.5, 3.0]]), y=np.zeros(1, int))
        told = ("--training-set", "train.npz", "--out", "b", "--workspace", tmp_path)
        assert "the order a, b" in baseline("build", tmp_path / "log.jsonl", *told).err

    def test_training_rows_that_lack_a_column_are_refused(self, baseline: Any, tmp_path: Path) -> None:
        create_workspace(tmp_path)
        lines = [{"ts": 1_767_614_400 + at, "user": "u", "features": {"b": at, "a": 0.5}} for at in range(40)]
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        (tmp_path / "train.csv").write_text("b,kind\n1,y\n")
        told = ("--training-set", "train.csv", "--label", "kind", "--out", "b", "--workspace", tmp_path)
        ran = baseline("build", tmp_path / "log.jsonl", *told)
        assert ran.code == 2
        assert "columns of the model are missing: a" in ran.err

    def test_a_canary_that_is_asked_for_in_the_benign_log_is_told(self, baseline: Any, tmp_path: Path) -> None:
        create_workspace(tmp_path)
        np.savez(tmp_path / "canaries.npz", x=np.array([[7.5, 9.25]]), y=np.zeros(1, int))
        file = log(tmp_path, users(60), rows(1, 300, principal="thief", input=lambda _: [7.5, 9.25]))
        told = ("--workspace", tmp_path, "--range", "0,127")
        ran = baseline("build", file, "--canaries", "canaries.npz", "--out", "b", *told)
        assert re.search("principal thief .*canaries", ran.err)

    def test_who_stands_apart_is_named(self, baseline: Any, tmp_path: Path) -> None:
        loud = rows(4, 300, principal="odd", input=lambda i: [120, i % 127])
        file = log(tmp_path, users(60, input=lambda i: [i % 7, i % 127]), loud)
        with only(FirstFeature(), 100.0), patch.object(FirstFeature, "suspect", 30.0):
            ran = baseline("build", file, "--out", "b", "--range", "0,127")
            assert ran.code == 0
            assert "note: m: principal odd scores far above all other callers" in ran.err
            assert "--drop odd" in ran.err
            kept = baseline("build", file, "--out", "c", "--range", "0,127", "--keep", "odd")
            dropped = baseline("build", file, "--out", "d", "--range", "0,127", "--drop", "odd", "--drop", "u3")
        assert "far above" not in kept.err
        assert "note: m: principal odd was left out" in dropped.err
        principals = [Baseline.load(Path(name)).models[0].principals for name in "bcd"]
        assert principals == [61, 61, 59]

    @pytest.mark.parametrize(
        ("arguments", "hint"),
        [
            (["none", "--out", "b"], "does not exist"),
            (["log.jsonl"], "--out"),
            (["log.jsonl", "--out", "nowhere/b"], "cannot be written"),
            (["log.jsonl", "--out", "b", "--alpha", "1.5"], "--alpha is 1.5, and no share of benign callers"),
            (["log.jsonl", "--out", "b", "--reader", "morse"], "Readers: auto"),
            (["log.jsonl", "--out", "b", "--shape", "3"], "said to take 3 values"),
            (["empty.jsonl", "--out", "b"], "at least a time"),
            (["nobody.jsonl", "--out", "b"], "no model in the logs can be learned"),
        ],
    )
    def test_a_wrong_request_is_2_and_leaves_no_file(
        self, arguments: list[str], hint: str, baseline: Any, tmp_path: Path
    ) -> None:
        log(tmp_path, users(3))
        log(tmp_path, rows(3, principal=None), name="nobody.jsonl")
        (tmp_path / "empty.jsonl").write_text("")
        ran = baseline("build", *arguments)
        assert ran.code == 2
        assert hint in ran.err
        assert not Path("b").exists()


class TestShow:
    def test_a_table(self, baseline: Any, world: World) -> None:
        ran = baseline("show", world.baseline_file)
        assert ran.code == 0
        assert "iterative_query" in ran.out
        assert f" {100 * ALPHA:.3g}% " in ran.err
        assert "iterative_query raises a finding from" not in ran.err
        assert "digits: iterative_query raises a finding from" in baseline("show", world.baseline_file, "--verbose").err

    def test_json(self, baseline: Any, world: World) -> None:
        (section,) = json.loads(baseline("show", world.baseline_file, "--format", "json").out)
        assert (section["model"], section["alpha"]) == ("digits", ALPHA)
        assert section["features"]["kind"] == "image"
        assert section["detectors"]["novelty"]["benign"] == section["principals"]
        assert section["detectors"]["novelty"]["off"] is None
        assert section["detectors"]["novelty"]["largest"] > 0

    @pytest.mark.parametrize("name", ["s.json", "s.txt"])
    def test_into_a_file_by_its_ending(self, name: str, baseline: Any, world: World) -> None:
        assert baseline("show", world.baseline_file, "--out", name).out == ""
        assert Path(name).read_text().startswith("[") == (name == "s.json")

    def test_a_file_of_the_schema_before_says_how_it_is_built_again(self, baseline: Any) -> None:
        head = {"schema": "caponier.baseline/1", "models": "{}", "sha256": ""}
        Path("old").write_bytes(save({"w": np.zeros(2)}, metadata={KEY: json.dumps(head)}))
        ran = baseline("show", "old")
        assert ran.code == 2
        assert "caponier baseline build LOG --out old" in ran.err

    @pytest.mark.parametrize("arguments", [["none"], ["log.jsonl"], ["log.jsonl", "--format", "csv"]])
    def test_what_is_no_baseline_is_2(self, arguments: list[str], baseline: Any, tmp_path: Path) -> None:
        log(tmp_path, rows(1))
        assert baseline("show", *arguments).code == 2

    def test_names_in_it_reach_no_terminal_as_commands(self, baseline: Any, tmp_path: Path) -> None:
        baseline("build", log(tmp_path, users(3, model="[bold]\x1b[31mm")), "--out", "b")
        ran = baseline("show", "b")
        assert "[bold]" in ran.out
        assert "\x1b" not in ran.err


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["build"], ["show"]):
        ran = run(capsys, "baseline", *command, "--help")
        assert ran.code == 0
        assert "Example: caponier baseline" in ran.out
