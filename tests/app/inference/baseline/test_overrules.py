"""What people know of callers counts for more than what these look like: kept, dropped, benign, and canaries."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.inference.baseline.test_build import SPEC, Suspicious
from app.inference.event_files import FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import BaselineReport, build_baseline
from caponier.app.inference.baseline.set_aside import APART, FEW, Overrules, set_aside, suspects
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration.baseline import Baseline, digest_of
from caponier.detect.calibration.judging import Gathered
from caponier.detect.detector import Signal, Structure

CALM = users(60, input=lambda i: [i % 7, i])
CANARY = np.array([[99.0, 99.0]], np.float32)


class Watchful(FirstFeature):
    """Looks for canaries besides."""

    needs = FirstFeature.needs | {Signal.TRAINING_SET}


def built(folder: Path, *more: list[dict[str, object]], **overrules: object) -> BaselineReport:
    with only(Suspicious(), 1e9):
        return build_baseline([log(folder, CALM, *more)], spec=SPEC, overrules=Overrules(**overrules))  # type: ignore[arg-type]


def loud(who: str = "loud", begin: int = 500) -> list[dict[str, object]]:
    return rows(4, begin, principal=who, input=lambda i: [120, i % 127])


class TestDropped:
    def test_the_rest_is_learned_as_if_they_had_not_been_there(self, tmp_path: Path) -> None:
        without, never = built(tmp_path, loud(), drop=frozenset({"loud"})), built(tmp_path)
        (one,), (other,) = without.baseline.models, never.baseline.models
        assert one.principals == other.principals == 60
        assert one.detectors["first_feature"].peak == other.detectors["first_feature"].peak
        assert np.array_equal(
            one.detectors["first_feature"].ranks.scores, other.detectors["first_feature"].ranks.scores
        )

    def test_who_is_not_in_the_log_changes_nothing(self, tmp_path: Path) -> None:
        assert built(tmp_path, drop=frozenset({"nobody"})).notes == built(tmp_path).notes == []

    def test_dropped_counts_for_more_than_kept(self, tmp_path: Path) -> None:
        report = built(tmp_path, loud(), drop=frozenset({"loud"}), keep=frozenset({"loud"}))
        assert report.notes == ["m: principal loud was left out, as you said"]
        assert report.baseline.models[0].principals == 60

    def test_everybody_dropped_leaves_a_baseline_of_nobody(self, tmp_path: Path) -> None:
        report = built(tmp_path, drop=frozenset(f"u{at}" for at in range(60)))
        assert report.baseline.models[0].principals == 0
        assert Baseline.load(self.file(tmp_path, report.baseline)).models[0].principals == 0

    def file(self, folder: Path, baseline: Baseline) -> Path:
        (folder / "b").write_bytes(baseline.to_bytes())
        return folder / "b"


class TestBenign:
    SAID = ("m", "first_feature")

    def test_who_was_called_benign_is_not_told_of_and_is_spared(self, tmp_path: Path) -> None:
        report = built(tmp_path, loud(), benign={self.SAID: {"principal loud": 120.0}})
        assert report.notes == []
        learned = report.baseline.models[0].detectors["first_feature"]
        assert learned.allowed == {digest_of("principal loud"): 120.0}

    @pytest.mark.parametrize("where", [("n", "first_feature"), ("m", "another")])
    def test_on_another_model_or_by_another_detector_it_spares_nobody(
        self, where: tuple[str, str], tmp_path: Path
    ) -> None:
        report = built(tmp_path, loud(), benign={where: {"principal loud": 120.0}})
        assert report.baseline.models[0].detectors["first_feature"].allowed == {}

    def test_it_survives_the_file_without_a_name(self, tmp_path: Path) -> None:
        report = built(tmp_path, loud(), benign={self.SAID: {"principal loud": 120.0}})
        written = report.baseline.to_bytes()
        assert b"loud" not in written
        (tmp_path / "b").write_bytes(written)
        (again,) = Baseline.load(tmp_path / "b").models
        assert again.detectors["first_feature"].allowed == {digest_of("principal loud"): 120.0}


class TestCanaries:
    def built(self, folder: Path, **overrules: object) -> BaselineReport:
        home = require_workspace(create_workspace(folder))
        thief = rows(4, 500, principal="thief", input=lambda i: [99.0, 99.0] if i == 502 else [i % 7, i % 100])
        with only(Watchful(), 1e9):
            return build_baseline(
                [log(folder, CALM, thief)],
                workspace=home,
                spec=SPEC,
                canaries=CANARY,
                overrules=Overrules(**overrules),  # type: ignore[arg-type]
            )

    def test_who_asked_for_one_is_set_aside_and_it_is_said_what_to_do(self, tmp_path: Path) -> None:
        report = self.built(tmp_path)
        assert report.baseline.models[0].principals == 60
        (note,) = [one for one in report.notes if "thief" in one]
        assert note.startswith("m: principal thief was set aside")
        assert note.endswith("--keep thief")

    def test_who_may_is_kept(self, tmp_path: Path) -> None:
        report = self.built(tmp_path, keep=frozenset({"thief"}))
        assert report.baseline.models[0].principals == 61
        assert not any("canaries" in note for note in report.notes)

    def test_who_is_dropped_is_told_of_once(self, tmp_path: Path) -> None:
        report = self.built(tmp_path, drop=frozenset({"thief"}))
        assert [note for note in report.notes if "thief" in note] == ["m: principal thief was left out, as you said"]


peaks = st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.integers(0, 2_000).map(float), max_size=80)


class TestSuspects:
    @given(peaks)
    def test_they_are_few_and_far_beyond_everybody_else(self, found: dict[str, float]) -> None:
        odd = suspects(Suspicious(), found)
        assert len(odd) <= max(1, int(FEW * len(found)))
        rest = [best for name, best in found.items() if name not in odd]
        for name, best in odd.items():
            assert best == found[name] > Suspicious.suspect
        if odd:
            # Of those who stand apart, the lowest may be near the limit, never near the others.
            assert max(odd.values()) >= APART * max(rest, default=0.0)

    @given(peaks, st.randoms())
    def test_the_order_of_callers_is_none(self, found: dict[str, float], random: object) -> None:
        names = list(found)
        random.shuffle(names)  # type: ignore[attr-defined]
        assert (
            suspects(Suspicious(), {name: found[name] for name in names}).keys() == suspects(Suspicious(), found).keys()
        )

    def test_one_caller_alone_stands_apart_from_nobody(self) -> None:
        assert suspects(Suspicious(), {"a": 1e6}) == {}


class TestSigns:
    """Who shows two kinds of an attack's structure is set aside, unless somebody says who he is."""

    def said(self, **overrules: object) -> tuple[frozenset[str], list[str]]:
        class Searching(FirstFeature):
            name, statistic, shows, suspect = "searching", "small_steps", Structure.SEARCH, 10.0

        class Foreign(FirstFeature):
            name, statistic, shows, parts = "foreign", "odd_inputs", Structure.FOREIGN, 10

        names = [f"principal\x1fu{at}" for at in range(80)]
        found = {}
        for name, high in (("searching", 900), ("foreign", 5_000)):
            found[name] = Gathered()
            scores = np.array([high, *(at % 9 for at in range(1, 80))], np.int64)
            found[name].add(names, scores, np.ones(80, np.int64), np.arange(80))
        said = Overrules(**overrules)  # type: ignore[arg-type]
        return set_aside("m", [Searching(), Foreign()], found, (), said)

    def test_it_is_said_why_and_what_would_be_usual_and_what_to_do(self) -> None:
        aside, (note,) = self.said()
        assert aside == {"principal\x1fu0"}
        assert note.startswith("principal u0 was set aside: it shows two signs of an attack, each far above ")
        for part in (
            "a search in small steps (searching: small steps 900; one benign caller in a hundred reaches ",
            "inputs that benign callers do not send (foreign: odd inputs 500; ",
            "if the callers set aside are counted, too)",
            "build again with --keep u0",
        ):
            assert part in note

    def test_who_is_kept_stays_and_is_not_named_again(self) -> None:
        assert self.said(keep=frozenset({"u0"})) == (frozenset(), [])
        assert self.said(benign={("m", "foreign"): {"principal u0": 1.0}}) == (frozenset(), [])

    def test_who_is_dropped_is_told_of_once(self) -> None:
        aside, notes = self.said(drop=frozenset({"u0"}))
        assert (aside, notes) == ({"principal\x1fu0"}, ["principal u0 was left out, as you said"])
