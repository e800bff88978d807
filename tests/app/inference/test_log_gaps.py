import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from app.inference.event_files import RARE, SPREAD, FirstFeature, log, only, rows, users
from app.inference.test_load import summary
from caponier.app.inference import log_gaps
from caponier.app.inference.baseline.build import build_baseline
from caponier.app.inference.log_gaps import ADDRESSES, ANY, NOBODY, SAMPLED, WAYS, WHOLE, Power, lost, measured, voided
from caponier.app.inference.read_options import ReadOptions
from caponier.app.inference.scan import ScanReport, scan_inference
from caponier.app.workspace.workspace import create_workspace, require_workspace
from caponier.detect.calibration import baseline as baseline_file
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.detector import Signal
from caponier.detect.registry import event_detectors
from caponier.engines.sampling import Sampled
from caponier.records.finding import Basis
from caponier.records.inventory import FeatureSpec
from laws.bad_detectors import Counter

RESULT = Path(__file__).resolve().parents[3] / "bench" / "results" / "lacking.json"
ALL = Sampled(9, None)
FIGURES = {
    "whole": {"any": Power(18, 20, 5), "keen": Power(10, 10, 5), "blunt": Power(8, 10, 9), "lame": Power(0, 10, None)},
    "sampled 0.5": {"any": Power(9, 20, 6), "keen": Power(9, 10, 7), "blunt": Power(8, 10, 9)},
    "sampled 0.1": {"any": Power(5, 20, 60), "keen": Power(5, 10, 60), "blunt": Power(0, 10, None)},
    "addresses": {"any": Power(7, 20, 8)},
    "nobody": {"any": Power(0, 20, None)},
    "no inputs": {"any": Power(2, 20, 8)},
    "no labels": {"any": Power(3, 20, 8)},
    "no scores": {"any": Power(16, 20, 8)},
}


def named(name: str, *needs: Signal) -> Counter:
    detector = Counter()
    detector.name, detector.needs = name, frozenset(needs)
    return detector


KEEN, BLUNT = named("keen", Signal.INPUT), named("blunt", Signal.INPUT, Signal.LABEL)


@pytest.fixture
def figures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_gaps, "measured", lambda: FIGURES)


class TestMeasured:
    def test_what_a_scan_says_is_what_the_scorecard_measured(self) -> None:
        result: Mapping[str, Any] = json.loads(RESULT.read_text("utf-8"))
        assert not result["quick"]
        told: dict[str, dict[str, Power]] = {}
        for line in result["table"]:
            told.setdefault(line["way"], {})[line["detector"]] = Power(
                line["found"], line["attacks"], line["queries_median"]
            )
        assert measured() == told, "run: scripts/bench lacking"

    def test_every_way_of_logging_was_measured_for_all_detectors_together(self) -> None:
        for way in (WHOLE, ADDRESSES, NOBODY, *WAYS.values()):
            assert measured()[way][ANY].of == measured()[WHOLE][ANY].of > 100
        assert sum(way.startswith(SAMPLED) for way in measured()) >= 3

    def test_most_detectors_were_measured(self) -> None:
        assert len(event_detectors().keys() & measured()[WHOLE].keys()) >= 12


@pytest.mark.usefixtures("figures")
class TestSampling:
    def test_a_whole_log_needs_no_remark(self) -> None:
        assert lost(summary(), [KEEN, BLUNT], ALL, 1.0) == ([], [])

    def test_who_finds_next_to_nothing_is_listed_with_what_to_switch_on(self) -> None:
        (skip,), _ = lost(summary(), [KEEN, BLUNT], ALL, 0.1)
        assert skip.what == "m: blunt"
        assert "10 % of the traffic is logged, and of 10 emulated attacks it then finds 0, not 8" in skip.reason
        assert "log every event or, if that is too much, every event of some callers" in skip.reason

    def test_who_finds_less_is_remarked_on_with_figures(self) -> None:
        _, (note,) = lost(summary(), [KEEN, BLUNT], ALL, 0.1)
        assert "keen 5 of 10 attacks found, after 60 queries, not 10, after 5" in note
        assert "blunt" not in note

    @pytest.mark.parametrize(("rate", "at"), [(0.5, "50 %"), (0.3, "10 %"), (0.1, "10 %"), (0.001, "10 %")])
    def test_the_nearest_rate_that_does_not_flatter_counts(self, rate: float, at: str) -> None:
        _, (note,) = lost(summary(), [KEEN], ALL, rate)
        assert f"measured at {at}" in note

    @pytest.mark.parametrize("name", ["lame", "new"])
    def test_what_was_not_measured_is_said(self, name: str) -> None:
        assert lost(summary(), [named(name)], ALL, 0.1) == (
            [],
            [f"m: 10 % of the traffic is logged; what that costs was not measured for {name}"],
        )

    def test_small_shares_keep_their_digits(self) -> None:
        assert "m: 0.12 % of" in lost(summary(), [KEEN], ALL, 0.0012)[1][0]


@pytest.mark.usefixtures("figures")
class TestColumns:
    @pytest.mark.parametrize(
        ("column", "found", "hint"),
        [
            ("inputs", 2, "log the inputs"),
            ("labels", 3, "log the model's answers"),
            ("scores", 16, "log the model's class scores"),
            ("principals", 7, "with two callers to an address"),
        ],
    )
    def test_a_lack_says_what_is_found_without(self, column: str, found: int, hint: str) -> None:
        skips, (note,) = lost(summary(**{column: 0}), [KEEN], ALL, 1.0)
        assert not skips
        assert f"{found} of 20 " in note
        assert "18" in note
        assert hint in note

    def test_nobody_named_is_worse_than_addresses(self) -> None:
        _, (note,) = lost(summary(principals=0, attributed=0), [KEEN], ALL, 1.0)
        assert "0 of 20" in note

    def test_a_column_on_some_events_is_like_a_sampled_log_for_those_who_need_it(self) -> None:
        skips, (note,) = lost(summary(labels=5), [KEEN, BLUNT], ALL, 1.0)
        assert not skips
        assert "55.6 % of the predictions have a label" in note
        assert "blunt 8 of 10" in note
        assert "log the answers of all of them" in note
        assert "keen" not in note

    def test_a_column_on_few_events_silences_them(self) -> None:
        (skip,), notes = lost(summary(labels=1), [KEEN, BLUNT], ALL, 1.0)
        assert skip.what == "m: blunt"
        assert "11.1 % of the predictions have a label" in skip.reason
        assert not notes

    def test_events_that_are_no_predictions_need_no_input(self) -> None:
        assert lost(summary(inputs=3), [KEEN], Sampled(3, None), 1.0) == ([], [])
        assert lost(summary(inputs=3), [KEEN], Sampled(0, None), 1.0) == ([], [])


class TestVoided:
    @pytest.mark.parametrize(("learned", "rate"), [(1.0, 1.0), (0.1, 0.12), (0.5, 0.5)])
    def test_alike_is_fine(self, learned: float, rate: float) -> None:
        assert voided("m", learned, rate) is None

    @pytest.mark.parametrize(("learned", "rate"), [(1.0, 0.1), (0.1, 1.0), (0.5, 0.3)])
    def test_otherwise_no_promise_holds(self, learned: float, rate: float) -> None:
        said = voided("m", learned, rate)
        assert said is not None
        assert "no promise holds" in said
        assert "--sampling" in said


SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
TENTH = ReadOptions(sampling=0.1)


class TestScan:
    """The same for a whole scan."""

    def baseline(self, folder: Path, **given: Any) -> Baseline:
        file = log(folder, users(60, **SPREAD), name="benign.jsonl")
        return build_baseline([file], spec=SPEC, alpha=0.2, **given).baseline

    def scan(self, folder: Path, baseline: Baseline | None, **columns: Any) -> ScanReport:
        given = columns.pop("given", {})
        loud = rows(6, 900, principal="bad", input=lambda i: [RARE, i % 127], **columns)
        return scan_inference([log(folder, loud)], baseline, spec=SPEC, **given)

    def test_a_baseline_knows_what_share_it_was_learned_from(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            learned = self.baseline(tmp_path, options=TENTH)
        (tmp_path / "b").write_bytes(learned.to_bytes())
        assert [section.sampling for section in Baseline.load(tmp_path / "b").models] == [0.1]

    def test_sampled_alike_promises_hold(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            report = self.scan(tmp_path, self.baseline(tmp_path, options=TENTH), given={"options": TENTH})
        assert {finding.evidence.basis for finding in report.findings} == {Basis.PROMISE}
        assert not [note for note in report.notes if "no promise" in note]

    def test_otherwise_they_are_estimates_and_it_is_said(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            report = self.scan(tmp_path, self.baseline(tmp_path), given={"options": TENTH})
        assert report.findings
        assert {finding.evidence.basis for finding in report.findings} == {Basis.ESTIMATE}
        assert [note for note in report.notes if "no promise holds" in note]

    def test_the_log_may_say_it(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            report = self.scan(tmp_path, self.baseline(tmp_path), sampling_fraction=0.1)
        assert [note for note in report.notes if "10 % of the traffic is logged" in note]
        assert [note for note in report.notes if "no promise holds" in note]

    def test_the_inventory_may_say_it(self, tmp_path: Path) -> None:
        file = create_workspace(tmp_path / "home")
        file.write_text('[[model]]\nname = "m"\nsampling = 0.1\n')
        home = require_workspace(file)
        with only(FirstFeature(), 1e9):
            benign = log(tmp_path, users(60), name="benign.jsonl")
            learned = build_baseline([benign], workspace=home, spec=SPEC).baseline
            report = self.scan(tmp_path, learned, given={"workspace": home})
        assert learned.models[0].sampling == 0.1
        assert [note for note in report.notes if "10 % of the traffic is logged" in note]

    def test_a_baseline_without_inputs_fits_a_log_without_inputs(self, tmp_path: Path) -> None:
        counter = named("only")
        with only(counter, 1e9):
            benign = log(tmp_path, users(60, input=None), name="benign.jsonl")
            learned = build_baseline([benign], spec=SPEC).baseline
            assert learned.models[0].spec.kind == "none"
            report = self.scan(tmp_path, learned)
        assert report.events == 6

    def test_files_from_before_are_taken_for_whole(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with only(FirstFeature(), 1e9):
            learned = self.baseline(tmp_path, options=TENTH)
        about = baseline_file._about
        monkeypatch.setattr(
            baseline_file, "_about", lambda model: {k: v for k, v in about(model).items() if k != "sampling"}
        )
        (tmp_path / "b").write_bytes(learned.to_bytes())
        assert Baseline.load(tmp_path / "b").models[0].sampling == 1.0
