from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from app.inference.event_files import START, FirstFeature, log, only, rows, users
from caponier.app.inference.baseline.build import FIT_QUERIES, BaselineReport, build_baseline
from caponier.app.inference.baseline.set_aside import APART, FEW, Overrules, suspects
from caponier.app.inference.load import enrichments_of
from caponier.app.inference.scan import scan_inference
from caponier.app.workspace.workspace import create_workspace, read_salt, require_workspace
from caponier.detect.calibration.baseline import Baseline
from caponier.detect.calibration.joint_tail import UNIT
from caponier.detect.calibration.judging import ALPHA as USUAL_ALPHA
from caponier.detect.calibration.judging import FEWEST
from caponier.detect.detector import Signal, Subject
from caponier.detect.registry import event_detectors
from caponier.detect.training_sketch.near_rows import CUTS, DIGESTS, USUAL, matches, opened
from caponier.detect.training_sketch.sketch import CANARIES, ROWS, SEAL, fits, holds
from caponier.detect.training_sketch.slow_hits import GAIN
from caponier.emulate.event_log import interleaved
from caponier.emulate.registry import attacks, campaigns
from caponier.emulate.simulation.trace import trace, trace_campaign
from caponier.emulate.victims.digits import DigitsSplit, Victim
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec, Workspace
from caponier.records.skip import Skip
from caponier.telemetry.digests import row_keys
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows
from conftest import ALPHA, USERS, World, world_of

SPEC = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=127.0)
IMAGES = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)


def built(file: Path, **how: object) -> Baseline:
    return build_baseline([file], spec=SPEC, **how).baseline  # type: ignore[arg-type]


class TestSection:
    def test_it_says_what_it_was_learned_from(self, world: World) -> None:
        (section,) = world.baseline.baseline.models
        assert (section.model, section.version, section.alpha) == ("digits", "1", ALPHA)
        assert section.principals == USERS
        assert section.events == pq.read_metadata(world.benign).num_rows
        assert set(section.detectors) == {name for name in event_detectors() if world_of(name) == "world"}
        assert section.created.endswith("Z")

    def test_every_user_is_ranked_among_by_every_detector(self, world: World) -> None:
        (section,) = world.baseline.baseline.models
        callers = {name for name, one in event_detectors().items() if one.subject is not Subject.BUCKET}
        for name in callers & section.detectors.keys():
            assert section.detectors[name].ranks.n == section.principals
        assert len(section.tails[Subject.PRINCIPAL]) == section.principals
        assert section.principals == USERS

    def test_what_everybody_comes_to_in_evidence_is_near_what_ranks_would_say(self, world: World) -> None:
        """Each caller is judged by ranks of the others, over all detectors: half of them lie below what one in ten,
        of several independent detectors, would reach."""
        (section,) = world.baseline.baseline.models
        tail = section.tails[Subject.PRINCIPAL]
        middle = np.median(tail.evidence)
        assert 1 * UNIT < middle < 5 * UNIT
        assert tail.share(tail.level(ALPHA)) <= ALPHA

    def test_the_same_log_gives_the_same_baseline(self, world: World) -> None:
        once, again = (
            build_baseline(
                [world.few], workspace=world.workspace, spec=IMAGES, alpha=ALPHA, training_set=world.training[:99]
            ).baseline
            for _ in range(2)
        )
        date = replace(again.models[0], created=once.models[0].created)
        assert Baseline((date,)).to_bytes() == once.to_bytes()

    def test_who_asked_little_is_ranked_among_as_well_as_who_asked_much(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            (section,) = built(log(tmp_path, users(7), users(5, 3, 90))).models
        assert section.detectors["first_feature"].ranks.n == 12
        assert section.principals == 12

    def test_the_share_of_benign_callers_is_the_given_one_the_workspaces_or_the_usual(self, tmp_path: Path) -> None:
        file = create_workspace(tmp_path / "home")
        file.write_text("[detect]\nalpha = 0.003\n")
        home = require_workspace(file)
        with only(FirstFeature(), 1e9):
            made = log(tmp_path, users(9))
            shares = [
                built(made, **how).models[0].alpha
                for how in ({}, {"workspace": home}, {"workspace": home, "alpha": 0.2})
            ]  # type: ignore[arg-type]
        assert shares == [USUAL_ALPHA, 0.003, 0.2]

    def test_sessions_and_addresses_stand_for_who_has_no_name(self, tmp_path: Path) -> None:
        unnamed = rows(4, 40, principal=None, session="s"), rows(4, 50, principal=None, source_ip="1.2.3.4")
        with only(FirstFeature(), 1e9):
            (section,) = built(log(tmp_path, users(6), *unnamed)).models
        assert section.principals == 8

    def test_models_get_sections_of_their_own(self, tmp_path: Path) -> None:
        with only(FirstFeature(), 1e9):
            baseline = built(log(tmp_path, users(4), users(4, model="n", model_version="7")))
        assert [(m.model, m.version) for m in baseline.models] == [("m", None), ("n", "7")]

    def test_progress_is_told_of_every_event(self, tmp_path: Path) -> None:
        told: list[int] = []

        class Watch:
            def stage(self, name: str, total: int | None = None) -> None:
                if name.startswith("Scoring"):
                    told.clear()

            def advance(self, steps: int) -> None:
                told.append(steps)

        with only(FirstFeature(), 1e9):
            built(log(tmp_path, users(9)), progress=Watch())
        assert sum(told) == 36


class TestWeeks:
    @pytest.mark.parametrize(
        ("span", "weekly"),
        [
            (timedelta(minutes=1), 7 * 6),
            (timedelta(days=1), 7 * 6),
            (timedelta(days=7), 6),
            (timedelta(days=14), 3),
        ],
    )
    def test_callers_are_counted_by_the_week_and_a_short_log_stands_for_a_day(
        self, span: timedelta, weekly: float, tmp_path: Path
    ) -> None:
        part = users(6, 5, time=lambda i: (START + span * (i / 29)).isoformat())
        with only(FirstFeature(), 1e9):
            (section,) = built(log(tmp_path, part)).models
        assert section.callers_per_week == pytest.approx(weekly)
        assert section.span == pytest.approx(max(span, timedelta(days=1)) / timedelta(microseconds=1))


class TestCrossFitting:
    def test_nobody_is_judged_by_what_was_learned_from_oneself(self, tmp_path: Path) -> None:
        class Bookworm(FirstFeature):
            """Scores what it was not shown."""

            name = "bookworm"

            def fit(self, benign):  # type: ignore[no-untyped-def]
                return {"known": np.unique(benign.query[:, 0])}

            def score(self, params, state, batch):  # type: ignore[no-untyped-def]
                return state, (~np.isin(batch.query[:, 0], params["known"])).astype(np.int64) * 99

        with only(Bookworm(), 1e9):
            (section,) = built(log(tmp_path, users(25))).models
        learned = section.detectors["bookworm"]
        assert np.expm1(learned.ranks.scores) == pytest.approx(99, rel=1e-5)
        assert len(learned.params["known"]) == 100

    def test_a_loud_subject_is_a_small_part_of_what_is_learned(self, tmp_path: Path) -> None:
        class Census(FirstFeature):
            name = "census"

            def fit(self, benign):  # type: ignore[no-untyped-def]
                return {"counts": np.diff(benign.offsets)}

        loud = rows(1_500, principal="loud", input=lambda i: [i % 127, i // 127])
        with only(Census(), 1e9):
            (section,) = built(log(tmp_path, users(25), loud)).models
        counts = section.detectors["census"].params["counts"]
        assert counts.max() == FIT_QUERIES
        assert counts.sum() == FIT_QUERIES + 100

    def test_one_subject_alone_is_no_error(self, tmp_path: Path) -> None:
        (section,) = built(log(tmp_path, rows(9, label=lambda i: "ab"[i % 2]))).models
        assert section.principals == 1


class Suspicious(FirstFeature):
    """Knows a score that is an attacker's."""

    suspect = 30.0


def runs_of(attack: str, world: World, folder: Path) -> Path:
    """Write the log of all who made an attack, and of nobody else."""
    made = world.events.filter(pc.starts_with(world.events["principal"], f"{attack}-"))
    pq.write_table(made, folder / f"{attack}.parquet")
    return folder / f"{attack}.parquet"


class TestWhoStandsApart:
    def few(self, tmp_path: Path, odd: int, first: int = 120, **how: object) -> BaselineReport:
        calm = users(100, input=lambda i: [i % 7, i])
        odd_ones = rows(odd * 4, 500, principal=lambda i: f"odd{i // 4}", input=lambda i: [first, i % 127])
        with only(how.pop("detector", None) or Suspicious(), 1e9):  # type: ignore[arg-type]
            return build_baseline([log(tmp_path, calm, odd_ones)], spec=SPEC, **how)  # type: ignore[arg-type]

    def learned(self, report: BaselineReport) -> tuple[int, float]:
        (section,) = report.baseline.models
        (learned,) = section.detectors.values()
        # Not even the oddest is left out of what others are ranked among.
        assert learned.ranks.n == len(section.tails[Subject.PRINCIPAL]) == section.principals
        return len(section.tails[Subject.PRINCIPAL]), learned.peak

    def test_nobody_is_set_aside_for_it_but_the_user_is_told(self, tmp_path: Path) -> None:
        report = self.few(tmp_path, 2)
        assert self.learned(report) == (102, 120)
        assert [
            note
            for note in report.notes
            if note.startswith("m: principal odd126 scores far above all other callers with first_feature (")
            and " 120)" in note
            and note.endswith("build again with --drop odd126")
        ]

    def test_who_is_kept_is_not_told_of(self, tmp_path: Path) -> None:
        report = self.few(tmp_path, 2, overrules=Overrules(keep=frozenset({"odd126"})))
        assert not any("odd126" in note for note in report.notes)

    def test_who_is_dropped_teaches_nothing(self, tmp_path: Path) -> None:
        report = self.few(tmp_path, 0, overrules=Overrules(drop=frozenset({"u3", "u9"})))
        assert self.learned(report) == (98, 6)
        assert report.notes == [
            "m: principal u3 was left out, as you said",
            "m: principal u9 was left out, as you said",
        ]

    def test_more_than_a_few_of_them_are_no_exception(self, tmp_path: Path) -> None:
        assert self.few(tmp_path, 9).notes == []

    def test_a_detector_without_such_a_measure_tells_of_nobody(self, tmp_path: Path) -> None:
        assert self.few(tmp_path, 2, detector=FirstFeature()).notes == []

    def test_those_apart_are_beyond_everybody_else_and_few(self) -> None:
        detector = Suspicious()
        calm = {f"u{i}": float(i % 7) for i in range(100)}
        assert suspects(detector, {**calm, "odd": 31.0}) == {"odd": 31.0}
        assert suspects(detector, {**calm, "odd": 31.0, "near": 30.0}) == {"odd": 31.0}
        assert suspects(detector, {**calm, "odd": 31.0, "near": 29.0}) == {}
        assert suspects(detector, {**calm, "odd": 500.0, "near": 126.0}) == {"odd": 500.0, "near": 126.0}
        assert suspects(detector, {**calm, **{f"odd{i}": 500.0 for i in range(int(FEW * 100) + 1)}}) == {}
        assert suspects(detector, {**calm, "odd": 30.0}) == {}
        assert suspects(detector, {**calm, "calmer": 40.0, "louder": 40.0 * APART}) == {"calmer": 40.0, "louder": 160.0}
        assert suspects(detector, {}) == {}

    def test_who_copied_the_model_in_the_benign_log_does_not_teach_its_shape(
        self, world: World, digits: tuple[DigitsSplit, Victim], tmp_path: Path
    ) -> None:
        split, victim = digits
        jbda = campaigns.one("jbda")
        bad = [trace_campaign(jbda, jbda.stage(split, seed, victim), seed=seed, budget=400) for seed in (90, 91)]
        pq.write_table(
            interleaved([pq.read_table(world.benign), *(one.events for one in bad)]), tmp_path / "mixed.parquet"
        )
        seeing = [detector for detector in event_detectors().values() if jbda.name in detector.emulations]
        mixed = build_baseline([tmp_path / "mixed.parquet"], spec=IMAGES, alpha=ALPHA, detectors=seeing)
        report = scan_inference([runs_of("jbda", world, tmp_path)], mixed.baseline, detectors=seeing)
        flagged = {finding.subject.id for finding in report.findings}
        assert len(flagged & {f"jbda-{i}" for i in range(5)}) >= 4

    def test_attackers_in_the_benign_log_do_not_blind_the_detector(
        self, world: World, digits: tuple[DigitsSplit, Victim], tmp_path: Path
    ) -> None:
        split, victim = digits
        prey = victim.understood(split.attackers)
        bad = [
            trace(attacks()[name], victim.predict_proba, prey.images[i], int(prey.labels[i]), seed=i, budget=400).events
            for i, name in ((20, "boundary"), (21, "hop_skip_jump"))
        ]
        pq.write_table(interleaved([pq.read_table(world.benign), *bad]), tmp_path / "mixed.parquet")
        seeing = [event_detectors()["iterative_query"]]
        mixed = build_baseline([tmp_path / "mixed.parquet"], alpha=ALPHA, detectors=seeing)
        assert [note for note in mixed.notes if "hop_skip_jump-21" in note]
        report = scan_inference([runs_of("hop_skip_jump", world, tmp_path)], mixed.baseline, detectors=seeing)
        flagged = {finding.subject.id for finding in report.findings if finding.detector == "iterative_query"}
        assert len(flagged & {f"hop_skip_jump-{i}" for i in range(5)}) >= 4


@pytest.mark.parametrize(("told", "learned"), [(1, False), (FEWEST - 1, False), (FEWEST, True)])
def test_feedback_that_hardly_anybody_sends_is_not_learned_from(told: int, *, learned: bool, tmp_path: Path) -> None:
    sent = rows(told, 400, operation="feedback", feedback="b", principal=lambda i: f"u{i % 9}")
    report = build_baseline([log(tmp_path, users(9), sent)], spec=SPEC)
    names = set(report.baseline.models[0].detectors)
    assert ({"feedback_flood", "feedback_skew"} <= names) is learned
    assert any(f"only {told} events have feedback" in note for note in report.notes) is not learned


class TestTrainingSet:
    SET = np.arange(20.0).reshape(10, 2)

    def home(self, tmp_path: Path) -> Workspace:
        return require_workspace(create_workspace(tmp_path))

    def test_its_sketch_goes_into_the_baseline(self, tmp_path: Path) -> None:
        home = self.home(tmp_path)
        section = built(log(tmp_path, users(9)), workspace=home, training_set=self.SET).models[0]
        params = section.detectors["membership_probe"].params
        assert holds(params, row_keys(self.SET.astype(np.float32), read_salt(home))).all()
        assert fits(params, read_salt(home))
        assert all(ROWS not in found.params for name, found in section.detectors.items() if name != "membership_probe")

    def test_without_one_membership_is_not_watched_and_that_is_said(self, tmp_path: Path) -> None:
        report = build_baseline([log(tmp_path, users(9))], spec=SPEC)
        assert "membership_probe" not in report.baseline.models[0].detectors
        assert "m: membership_probe is left out; it needs --training-set" in report.notes

    def test_without_a_salt_there_is_no_sketch(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="needs a salt"):
            built(log(tmp_path, users(9)), training_set=self.SET)

    def test_a_training_set_of_other_things_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="have 3 values"):
            built(log(tmp_path, users(9)), workspace=self.home(tmp_path), training_set=np.zeros((5, 3)))

    def test_a_training_set_is_one_models(self, tmp_path: Path) -> None:
        both = log(tmp_path, users(4), users(4, model="n"))
        with pytest.raises(InputError, match=r"\bm, n\b"):
            built(both, workspace=self.home(tmp_path), training_set=self.SET)

    def test_another_salt_is_noticed_by_a_scan(self, world: World, tmp_path: Path) -> None:
        report = scan_inference([world.some], world.baseline.baseline, workspace=self.home(tmp_path))
        assert [note for note in report.notes if "membership_probe" in note and "another salt" in note]
        assert not [one for one in report.findings if one.detector == "membership_probe"]

    def test_a_baseline_without_a_sketch_is_noticed_by_a_scan(self, tmp_path: Path) -> None:
        file = log(tmp_path, users(60))
        report = scan_inference([file], built(file))
        assert [note for note in report.notes if "membership_probe" in note and "--training-set" in note]

    def test_near_rows_are_told_by_digests_and_no_key_is_kept(self, tmp_path: Path) -> None:
        home = self.home(tmp_path)
        section = built(log(tmp_path, users(9)), workspace=home, training_set=self.SET).models[0]
        params = section.detectors["membership_probe"].params
        assert params.keys() == {ROWS, SEAL, DIGESTS, CUTS, USUAL, GAIN}
        assert {params[name].dtype for name in (ROWS, DIGESTS)} == {np.dtype(np.uint64)}
        encoder = Encoder(section.spec, section.knots)
        asked = encoder.encode(self.SET.astype(np.float32))
        assert not matches(params, asked).any()
        assert (matches(opened(params, read_salt(home)), asked) > 0).all()

    def test_canaries_need_no_training_set(self, tmp_path: Path) -> None:
        home = self.home(tmp_path)
        section = built(log(tmp_path, users(9)), workspace=home, canaries=self.SET).models[0]
        params = section.detectors["membership_probe"].params
        keys = row_keys(self.SET.astype(np.float32), read_salt(home))
        assert params.keys() == {ROWS, SEAL, CANARIES}
        assert holds(params, keys, CANARIES).all()
        assert not holds(params, keys).any()

    def test_canaries_are_one_models(self, tmp_path: Path) -> None:
        both = log(tmp_path, users(4), users(4, model="n"))
        with pytest.raises(InputError, match=r"canaries.*\bm, n\b"):
            built(both, workspace=self.home(tmp_path), canaries=self.SET)

    def test_a_canary_that_is_a_training_row_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"\b1 of 10 canaries"):
            built(log(tmp_path, users(9)), workspace=self.home(tmp_path), training_set=self.SET[:1], canaries=self.SET)


class TestCanaries:
    """A thief who asks for one canary in a whole day of work, and a benign log in which somebody did."""

    def among(self, world: World, canary: np.ndarray, principal: str, file: Path) -> Path:
        """Let somebody in the users' log ask for a canary once."""
        events = pq.read_table(world.users)
        at = events["principal"].to_pylist().index(principal) + 20
        inputs = events["input"].to_pylist()
        while events["principal"][at].as_py() != principal:
            at += 1
        inputs[at] = canary.tolist()
        column = pa.array(inputs, events.schema.field("input").type)
        pq.write_table(events.set_column(events.schema.get_field_index("input"), "input", column), file)
        return file

    def test_one_hit_is_a_finding_even_where_benign_callers_hit_them(self, world: World, tmp_path: Path) -> None:
        home = require_workspace(create_workspace(tmp_path / "home"))
        hidden = np.random.default_rng(7).random((3, 64)).astype(np.float32)
        users = sorted(set(pq.read_table(world.users)["principal"].to_pylist()))
        learned = self.among(world, hidden[0], users[0], tmp_path / "learned.parquet")
        probe = [event_detectors()["membership_probe"]]
        report = build_baseline([learned], workspace=home, spec=IMAGES, alpha=ALPHA, canaries=hidden, detectors=probe)
        (note,) = [note for note in report.notes if "canaries" in note]
        assert users[0] in note
        assert report.baseline.models[0].detectors["membership_probe"].peak == 0
        asked = self.among(world, hidden[1], users[1], tmp_path / "asked.parquet")
        found = scan_inference([asked], report.baseline, workspace=home, detectors=probe).findings
        (finding,) = [one for one in found if one.detector == "membership_probe"]
        assert finding.subject.id == users[1]
        assert "canary" in finding.summary


class TestGaps:
    def test_a_detector_that_lacks_something_is_left_out_and_named(self, tmp_path: Path) -> None:
        report = build_baseline([log(tmp_path, users(9, label=None))], spec=SPEC)
        able = {"caller_profile", "distance_shape", "flood", "novelty", "schema_probe"}
        assert set(report.baseline.models[0].detectors) == able
        for name, detector in event_detectors().items():
            told = [skip.reason for skip in report.skipped if skip.what == f"m: {name}"]
            assert told == ["no event has a label; log the model's answers"] * (Signal.LABEL in detector.needs)

    def test_events_of_nobody_are_counted(self, tmp_path: Path) -> None:
        report = build_baseline([log(tmp_path, users(9), rows(3, principal=None))], spec=SPEC)
        assert Skip("m: 3 of 39 events", "nobody is named") in report.skipped

    def test_a_log_without_inputs_teaches_those_that_need_none(self, tmp_path: Path) -> None:
        report = build_baseline([log(tmp_path, users(9, input=None))])
        (section,) = report.baseline.models
        assert (section.spec.kind, section.principals) == ("none", 9)
        assert "flood" in section.detectors
        assert "novelty" not in section.detectors
        assert Skip("m: novelty", "no event has an input; log the inputs, or their encoded features") in report.skipped

    def test_inputs_that_are_not_to_be_looked_at_are_not(self, tmp_path: Path) -> None:
        report = build_baseline([log(tmp_path, users(9))], spec=FeatureSpec(kind="none"))
        assert "flood" in report.baseline.models[0].detectors
        assert any(skip.what == "m: novelty" and 'kind = "none"' in skip.reason for skip in report.skipped)

    def test_a_baseline_without_inputs_survives_its_file(self, tmp_path: Path) -> None:
        baseline = build_baseline([log(tmp_path, users(60, input=None))]).baseline
        (tmp_path / "b.safetensors").write_bytes(baseline.to_bytes())
        again = Baseline.load(tmp_path / "b.safetensors")
        assert again.to_bytes() == baseline.to_bytes()
        report = scan_inference([log(tmp_path, users(60), name="with.jsonl")], again)
        assert any(skip.what == "m: novelty" and 'kind = "none"' in skip.reason for skip in report.skipped)

    def test_a_log_from_which_nothing_can_be_learned_is_refused(self, tmp_path: Path) -> None:
        file = log(tmp_path, rows(9, principal=None))
        with pytest.raises(InputError, match="no model in the logs can be learned") as wrong:
            build_baseline([file])
        assert "log " in str(wrong.value)

    def test_a_model_that_cannot_be_compared_does_not_stop_the_others(self, tmp_path: Path) -> None:
        wide = rows(5, model="wide", input=lambda i: [float(i)] * 1041)
        report = build_baseline([log(tmp_path, users(9), wide)])
        assert [section.model for section in report.baseline.models] == ["m"]
        assert [skip.what for skip in report.skipped if "1,041 features" in skip.reason] == ["wide"]

    def test_attributed_events_of_another_length_than_the_usual_one_end_in_no_endless_search(
        self, tmp_path: Path
    ) -> None:
        odd = rows(3, input=lambda i: [float(i)])
        report = build_baseline([log(tmp_path, rows(9, principal=None), odd)])
        assert report.baseline.models[0].principals == 0
        assert report.rejected.reasons["input of the wrong length"] == 3

    def test_rows_of_the_wrong_length_are_rejected_with_their_line(self, tmp_path: Path) -> None:
        file = log(tmp_path, users(9), rows(2, 100, input=lambda i: [0.0] * (i - 99)))
        rejected = RejectedRows()
        built(file, rejected=rejected)
        assert [(one.file, one.line) for one in rejected.first] == [(str(file), 37)]

    def test_inputs_of_another_length_than_described_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="said to take 64 values"):
            build_baseline([log(tmp_path, users(9))], spec=FeatureSpec(kind="image", shape=(8, 8)))


class TestWorkspace:
    def home(self, tmp_path: Path, text: str = "") -> Workspace:
        file = create_workspace(tmp_path)
        file.write_text(text)
        return require_workspace(file)

    def test_its_share_and_disabled_detectors_count(self, tmp_path: Path) -> None:
        workspace = self.home(tmp_path, '[detect]\nalpha = 0.03\ndisabled = ["novelty"]\n')
        (section,) = build_baseline([log(tmp_path, users(9))], workspace=workspace).baseline.models
        assert section.alpha == 0.03
        lacking = {Signal.COST, Signal.FEEDBACK, Signal.TRAINING_SET}
        able = {
            name
            for name, detector in event_detectors().items()
            if not detector.needs & lacking and not enrichments_of(detector)
        }
        assert set(section.detectors) == able - {"novelty"}

    def test_its_inventory_says_what_a_model_takes(self, tmp_path: Path) -> None:
        text = '[[model]]\nname = "m"\nfeatures = { kind = "numeric", minimum = 0.0, maximum = 500.0 }\n'
        (section,) = build_baseline([log(tmp_path, users(9))], workspace=self.home(tmp_path, text)).baseline.models
        assert section.spec == FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=500.0)

    def test_what_was_given_counts_for_more(self, tmp_path: Path) -> None:
        text = '[[model]]\nname = "m"\nfeatures = { kind = "numeric", minimum = 0.0, maximum = 500.0 }\n'
        workspace = self.home(tmp_path, text)
        made = build_baseline([log(tmp_path, users(9))], workspace=workspace, spec=SPEC, alpha=0.2).baseline
        (section,) = made.models
        assert (section.spec, section.alpha) == (SPEC, 0.2)
