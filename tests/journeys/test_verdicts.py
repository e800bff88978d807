"""A caller is flagged, an analyst says what it is, and the next baseline knows it: as a team on duty goes."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.workspace.workspace import create_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.engines.judge import MORE
from cli.command import Ran, run, run_in

HOW = ("--kind", "numeric", "--shape", "2", "--range", "0,127")
CALM = users(60, input=lambda i: [i // 4 % 10, i % 127])
"""Benign traffic, up to a first feature of nine."""
RARE = 57
"""Beyond all of it; twice as much is still within the model's range."""


def camera(first: int, begin: int, who: str = "camera") -> list[dict[str, Any]]:
    """Let somebody send, late in a day, what nobody else sends."""
    return rows(4, begin, principal=who, input=lambda i: [first, i % 127])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Set up a workspace with its first baseline."""
    folder = tmp_path_factory.mktemp("home")
    create_workspace(folder)
    log(folder, CALM, name="calm.jsonl")
    with only(FirstFeature(), 1e9):
        built = run_in(
            folder,
            *("baseline", "build", "calm.jsonl", "--out", "first", "--no-self-test", *HOW),
            environment={"CAPONIER_WORKSPACE": str(folder)},
        )
    assert built.code == 0, built.err
    return folder


@pytest.fixture
def caponier(home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    shutil.copytree(home, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CAPONIER_STORE", raising=False)
    monkeypatch.setenv("CAPONIER_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "300")

    def command(*arguments: object) -> Ran:
        with only(FirstFeature(), 1e9):
            return run(capsys, *arguments)

    return command


def scanned(caponier: Any, name: str, baseline: str) -> list[dict[str, Any]]:
    ran = caponier("scan", "inference", name, "--baseline", baseline, "--format", "json", *HOW)
    assert ran.code in (0, 1), ran.err
    found: list[dict[str, Any]] = json.loads(ran.out)["findings"]
    return found


def rebuilt(caponier: Any, *logs: str, verdicts: bool = True) -> Ran:
    more = ("--verdicts",) if verdicts else ()
    built: Ran = caponier("baseline", "build", *logs, "--out", "second", "--no-self-test", *more, *HOW)
    assert built.code == 0, built.err
    return built


def said_of(caponier: Any, judgement: str, begin: int = 900) -> dict[str, Any]:
    """Let the camera be flagged, and somebody say what it is."""
    log(Path(), camera(RARE + 3, begin), name="day.jsonl")
    (found,) = scanned(caponier, "day.jsonl", "first")
    assert found["subject"]["id"] == "camera"
    said = caponier("findings", "verdict", found["finding_id"], judgement, "--note", "in the hall")
    assert said.code == 0, said.err
    assert f"{found['finding_id']}: {judgement}, by" in said.err
    return found


class TestBenign:
    def test_the_same_is_not_raised_again(self, caponier: Any, tmp_path: Path) -> None:
        found = said_of(caponier, "benign")
        rebuilt(caponier, "calm.jsonl")
        log(tmp_path, camera(RARE + 3, 2_000), name="next.jsonl")
        assert len(scanned(caponier, "next.jsonl", "first")) == 1
        assert scanned(caponier, "next.jsonl", "second") == []
        (section,) = Baseline.load(Path("second")).models
        assert list(section.detectors["first_feature"].allowed.values()) == [found["evidence"]["value"]]

    def test_what_grows_to_more_than_half_as_much_again_is(self, caponier: Any, tmp_path: Path) -> None:
        found = said_of(caponier, "benign")
        rebuilt(caponier, "calm.jsonl")
        value = found["evidence"]["value"]
        for times, raised in ((1.3, 0), (1.6, 1)):
            assert (times > MORE) == bool(raised)
            log(tmp_path, camera(int(value * times), 3_000), name="next.jsonl")
            assert len(scanned(caponier, "next.jsonl", "second")) == raised

    def test_who_sends_the_same_by_another_name_is_flagged(self, caponier: Any, tmp_path: Path) -> None:
        said_of(caponier, "benign")
        rebuilt(caponier, "calm.jsonl")
        log(tmp_path, camera(RARE + 3, 2_000, "stranger"), name="next.jsonl")
        assert [one["subject"]["id"] for one in scanned(caponier, "next.jsonl", "second")] == ["stranger"]

    def test_a_baseline_holds_no_name_of_who_is_spared(self, caponier: Any) -> None:
        said_of(caponier, "benign")
        rebuilt(caponier, "calm.jsonl")
        assert b"camera" not in Path("second").read_bytes()

    def test_without_the_option_nothing_is_learned_of_it(self, caponier: Any, tmp_path: Path) -> None:
        said_of(caponier, "benign")
        rebuilt(caponier, "calm.jsonl", verdicts=False)
        log(tmp_path, camera(RARE + 3, 2_000), name="next.jsonl")
        assert len(scanned(caponier, "next.jsonl", "second")) == 1


class TestTrue:
    @pytest.mark.parametrize("judgement", ["true", "test"])
    def test_nothing_is_learned_from_an_attacker(self, judgement: str, caponier: Any, tmp_path: Path) -> None:
        said_of(caponier, judgement)
        built = rebuilt(caponier, "calm.jsonl", "day.jsonl")
        assert "m: principal camera was left out, as you said" in built.err
        (section,) = Baseline.load(Path("second")).models
        assert section.principals == 60
        assert section.detectors["first_feature"].peak < RARE
        log(tmp_path, camera(RARE + 3, 2_000), name="next.jsonl")
        assert len(scanned(caponier, "next.jsonl", "second")) == 1

    def test_who_is_kept_by_hand_teaches_all_the_same(self, caponier: Any) -> None:
        said_of(caponier, "true")
        built = caponier(
            *("baseline", "build", "calm.jsonl", "day.jsonl", "--out", "second", "--no-self-test"),
            *("--verdicts", "--keep", "camera", *HOW),
        )
        assert built.code == 0
        assert Baseline.load(Path("second")).models[0].principals == 61


class TestLastWord:
    def test_it_counts(self, caponier: Any, tmp_path: Path) -> None:
        found = said_of(caponier, "benign")
        assert caponier("findings", "verdict", found["finding_id"], "duplicate").code == 0
        rebuilt(caponier, "calm.jsonl")
        log(tmp_path, camera(RARE + 3, 2_000), name="next.jsonl")
        assert len(scanned(caponier, "next.jsonl", "second")) == 1

    def test_it_is_shown_with_the_finding(self, caponier: Any) -> None:
        found = said_of(caponier, "benign")
        shown = caponier("findings", "show", found["finding_id"])
        assert "benign, by" in shown.out
        assert "in the hall" in shown.out

    def test_it_is_in_the_audit_log(self, caponier: Any) -> None:
        found = said_of(caponier, "true")
        ran = caponier("audit", "list")
        rows_of = [line for line in ran.out.splitlines() if "finding.verdict" in line]
        assert len(rows_of) == 1
        assert found["finding_id"] in rows_of[0]


class TestRefused:
    def test_a_finding_that_nobody_knows(self, caponier: Any) -> None:
        ran = caponier("findings", "verdict", "f-0000", "benign")
        assert ran.code == 2
        assert "no such finding" in ran.err

    def test_a_word_that_is_no_verdict(self, caponier: Any) -> None:
        found = said_of(caponier, "benign")
        ran = caponier("findings", "verdict", found["finding_id"], "maybe")
        assert ran.code == 2
        assert "duplicate" in ran.err

    def test_verdicts_without_a_workspace(
        self,
        caponier: Any,
        tmp_path: Path,
        tmp_path_factory: pytest.TempPathFactory,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.delenv("CAPONIER_WORKSPACE")
        monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
        ran = caponier("baseline", "build", tmp_path / "calm.jsonl", "--out", "b", "--no-self-test", "--verdicts", *HOW)
        assert ran.code == 2
        assert not Path("b").exists()
