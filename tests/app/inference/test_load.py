import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.inference.event_files import log, rows
from caponier.app.inference.load import (
    NO_CLASSES,
    enrichments_of,
    feature_spec,
    gap,
    lacking,
    load_events,
    scale_of,
    seeing,
    usual_length,
)
from caponier.app.inference.read_options import USUAL
from caponier.app.inference.reading import Reading
from caponier.app.progress import Silent
from caponier.detect.detector import Column, Enriched, Signal
from caponier.detect.registry import event_detectors, select
from caponier.engines.spool import ModelSummary, Spool
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from caponier.telemetry.features import Encoder
from caponier.telemetry.rejections import RejectedRows
from caponier.telemetry.streams import STDIN
from laws.bad_detectors import Counter


class Watching(Silent):
    def __init__(self) -> None:
        self.stages: list[tuple[str, int | None]] = []
        self.steps = 0

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append((name, total))

    def advance(self, steps: int) -> None:
        self.steps += steps


@pytest.fixture
def spool() -> Iterator[Spool]:
    with Spool() as opened:
        yield opened


def summary(**columns: object) -> ModelSummary:
    plain = {
        "model": "m",
        "version": None,
        "events": 9,
        "attributed": 9,
        "inputs": 9,
        "labels": 9,
        "scores": 9,
        "statuses": 9,
        "costs": 9,
        "feedbacks": 9,
        "enriched": {},
        "principals": 3,
        "lengths": {4: 9},
        "shape": [],
        "first_time": 0,
        "last_time": 1,
    }
    return ModelSummary(**(plain | columns))


def test_logs_are_read_into_the_spool_model_by_model(spool: Spool, tmp_path: Path) -> None:
    file = log(tmp_path, rows(3), rows(2, model="other"))
    found = load_events(spool, [file], RejectedRows(), Silent())
    assert [(one.model, one.events) for one in found] == [("m", 3), ("other", 2)]


def test_texts_of_a_log_and_of_its_baseline_are_described_alike() -> None:
    told = FeatureSpec(kind="text")
    built = feature_spec(summary(lengths={256: 9}, told=told), None)
    assert feature_spec(summary(lengths={256: 9}, told=told), built) == built
    assert built.shape == (256,)


def test_without_costs_a_sponge_is_looked_for_by_the_length_of_texts(tmp_path: Path) -> None:
    """And not by that of rows, which are all of one length."""

    def asked(at: int, raw: object) -> dict[str, object]:
        return {
            "time": 1_767_614_400_000 + at,
            "model": "m",
            "operation": "predict",
            "principal": "u",
            "input_raw": raw,
        }

    file = tmp_path / "mails.jsonl"
    lines = [asked(at, "a word " * at) for at in range(1, 4)] + [
        asked(9, " [1, 2]"),
        asked(10, '{"a": 1}'),
        asked(11, None),
    ]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with Spool() as spool:
        Reading(USUAL, b"", None).fill(spool, [file], RejectedRows(), Silent())
        spool.seal()
        (found,) = spool.models()
    assert found.texts == 3
    sponge = event_detectors()["sponge"]
    speaking, skipped, notes = lacking(found, [sponge], PICTURE)
    assert (speaking, skipped) == ([sponge], [])
    assert ["by how long texts are" in note for note in notes] == [True]
    assert lacking(replace(found, texts=0), [sponge], PICTURE)[0] == []


def test_numbers_that_a_regression_answers_are_answers_in_a_scan(tmp_path: Path) -> None:
    def asked(at: int) -> dict[str, object]:
        return {"ts": 1_767_614_400 + at, "user": f"u{at % 4}", "features": [at, 1.5], "prediction": at / 7}

    file = tmp_path / "prices.jsonl"
    file.write_text("".join(json.dumps(asked(at)) + "\n" for at in range(40)))
    with Spool() as spool:
        Reading(USUAL, b"", None).fill(spool, [file], RejectedRows(), Silent())
        spool.seal()
        (found,) = spool.models()
    assert (found.labels, found.scores) == (40, 40)


def test_progress_counts_bytes(spool: Spool, tmp_path: Path) -> None:
    file, watch = log(tmp_path, rows(3)), Watching()
    load_events(spool, [file], RejectedRows(), watch)
    assert watch.stages == [("Reading", file.stat().st_size)]
    assert watch.steps == file.stat().st_size


@pytest.mark.parametrize("path", [STDIN, Path("x.jsonl.gz"), Path("x.parquet"), Path("folder")])
def test_how_much_there_is_to_read_is_not_always_known(path: Path, spool: Spool) -> None:
    watch = Watching()
    with pytest.raises((InputError, OSError, ValueError)):
        load_events(spool, [path, Path("missing")], RejectedRows(), watch)
    assert watch.stages == [("Reading", None)]


def test_a_log_without_events_is_refused_with_the_reasons(spool: Spool, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text('{"no": "time"}\nnot json\n')
    with pytest.raises(InputError, match="contains no events; rows were rejected for: ") as wrong:
        load_events(spool, [file], RejectedRows(), Silent())
    assert str(file) in str(wrong.value)
    assert "at least a time" in str(wrong.value)


def test_an_empty_log_is_refused(spool: Spool, tmp_path: Path) -> None:
    file = tmp_path / "log.jsonl"
    file.write_text("")
    with pytest.raises(InputError, match=r"contains no events$|contains no events\n"):
        load_events(spool, [file], RejectedRows(), Silent())


class TestFeatures:
    def test_a_specification_is_kept(self) -> None:
        spec = FeatureSpec(kind="image", shape=(2, 2))
        assert feature_spec(summary(), spec) == spec

    def test_its_shape_is_filled_in_from_the_log(self) -> None:
        spec = feature_spec(summary(lengths={4: 9, 5: 2}), FeatureSpec(kind="numeric"))
        assert spec == FeatureSpec(kind="numeric", shape=(4,))

    def test_without_one_the_log_tells(self) -> None:
        assert feature_spec(summary(), None) == FeatureSpec(kind="numeric", shape=(4,))

    @pytest.mark.parametrize("shape", [[2, 2], [2, 2, 1]])
    def test_a_shape_in_the_log_makes_an_image(self, shape: list[int]) -> None:
        assert feature_spec(summary(shape=shape), None) == FeatureSpec(kind="image", shape=tuple(shape))

    @pytest.mark.parametrize("shape", [[4], [3, 3], [1, 2, 2, 1]])
    def test_other_shapes_do_not(self, shape: list[int]) -> None:
        assert feature_spec(summary(shape=shape), None) == FeatureSpec(kind="numeric", shape=(4,))

    def test_without_any_input_what_is_known_is_kept(self) -> None:
        known = FeatureSpec(kind="numeric", shape=(4,))
        assert feature_spec(summary(lengths={}), known) == known
        assert feature_spec(summary(lengths={}), FeatureSpec(kind="numeric")) == FeatureSpec(kind="none")
        assert feature_spec(summary(lengths={}), None) == FeatureSpec(kind="none")

    def test_inputs_need_not_be_looked_at(self) -> None:
        assert feature_spec(summary(), FeatureSpec(kind="none")) == FeatureSpec(kind="none")

    def test_a_log_of_63_values_for_a_model_that_takes_64_is_refused(self) -> None:
        with pytest.raises(InputError, match=r"\b64 values.*\b63\b") as wrong:
            feature_spec(summary(lengths={63: 9}), FeatureSpec(kind="image", shape=(8, 8)))
        assert "m" in str(wrong.value)
        assert "--shape" in str(wrong.value)

    def test_some_rows_of_the_right_length_are_enough(self) -> None:
        spec = FeatureSpec(kind="image", shape=(8, 8))
        assert feature_spec(summary(lengths={63: 9, 64: 1}), spec) == spec

    def test_the_longer_of_two_equally_usual_lengths_is_usual(self) -> None:
        assert usual_length(summary(lengths={3: 2, 5: 2, 9: 1})) == 5


class TestGaps:
    @pytest.mark.parametrize(
        ("column", "signal", "what"),
        [
            ("attributed", Signal.PRINCIPAL, "no event names a caller"),
            ("inputs", Signal.INPUT, "no event has an input"),
            ("labels", Signal.LABEL, "no event has a label"),
            ("scores", Signal.SCORES, "no event has scores"),
            ("statuses", Signal.STATUS, "no event has a status"),
            ("costs", Signal.COST, "no event has a cost"),
            ("feedbacks", Signal.FEEDBACK, "no event has feedback"),
        ],
    )
    def test_what_is_lacking_is_said_with_what_to_switch_on(self, column: str, signal: Signal, what: str) -> None:
        detector = Counter()
        detector.needs = frozenset({signal})
        assert gap(summary(), detector) is None
        said = gap(summary(**{column: 0}), detector)
        assert said is not None
        assert said.startswith(what)
        assert "log " in said

    def test_what_is_not_needed_is_not_missed(self) -> None:
        assert gap(summary(labels=0, scores=0), Counter()) is None

    def test_a_baseline_is_not_asked_of_the_log(self) -> None:
        detector = Counter()
        detector.needs = frozenset({Signal.BASELINE})
        assert gap(summary(), detector) is None


class TestScale:
    def test_it_is_learned_from_the_log(self, spool: Spool, tmp_path: Path) -> None:
        (found,) = load_events(spool, [log(tmp_path, rows(9))], RejectedRows(), Silent())
        encoder = scale_of(found, FeatureSpec(kind="numeric", shape=(2,)), spool)
        assert isinstance(encoder, Encoder)
        assert encoder.size == 2

    def test_a_model_that_cannot_be_compared_says_why(self, spool: Spool, tmp_path: Path) -> None:
        (found,) = load_events(spool, [log(tmp_path, rows(9))], RejectedRows(), Silent())
        wide = FeatureSpec(kind="categorical", shape=(2,), categories=(0,))
        assert isinstance(scale_of(found, wide, spool), Encoder)
        said = scale_of(replace(found, lengths={1041: 9}), FeatureSpec(kind="numeric", shape=(1041,)), spool)
        assert isinstance(said, str)
        assert "1,041 features" in said

    def test_too_many_features_are_said(self, spool: Spool, tmp_path: Path) -> None:
        wide = log(tmp_path, rows(2, input=lambda i: [float(i)] * 1041))
        (found,) = load_events(spool, [wide], RejectedRows(), Silent())
        said = scale_of(found, FeatureSpec(kind="numeric", shape=(1041,)), spool)
        assert isinstance(said, str)
        assert "1,041" in said


PICTURE = FeatureSpec(kind="image", shape=(8, 8))


class Squeezed(Counter):
    name = "squeezed"
    columns = frozenset({Enriched("some", 2), Enriched("another", 1), Column.COST})


def test_an_enrichment_that_no_event_has_is_asked_for_by_name() -> None:
    assert enrichments_of(Squeezed()) == ["another", "some"]
    assert gap(summary(enriched={"some": 1, "another": 9}), Squeezed()) is None
    lacks = gap(summary(enriched={"another": 9}), Squeezed())
    assert lacks is not None
    assert {"some", "enrich"} <= set(lacks.replace(";", " ").split())
    assert "another" not in lacks


def test_a_log_that_nobody_enriched_gets_a_remark_and_nothing_is_skipped() -> None:
    able, skipped, notes = lacking(summary(), [Counter(), Squeezed()], PICTURE)
    assert [detector.name for detector in able] == ["counter"]
    assert skipped == []
    (note,) = notes
    assert note.startswith("m: squeezed does not run; ")
    assert "another" in note


@pytest.mark.parametrize(("labels", "answers", "said"), [(1_000, 900, True), (1_000, 400, False), (60, 60, False)])
def test_answers_that_hardly_recur_are_remarked_with_whom_it_concerns(labels: int, answers: int, said: bool) -> None:
    class Reading(Counter):
        name = "reading"
        needs = frozenset({Signal.LABEL})

    able, skipped, notes = lacking(summary(labels=labels, answers=answers), [Counter(), Reading()], PICTURE)
    assert len(able) == 2
    assert skipped == []
    assert notes == ([f"m: reading: {NO_CLASSES}"] if said else [])


def test_what_else_it_lacks_comes_first() -> None:
    _, skipped, notes = lacking(summary(inputs=0), [Squeezed()], PICTURE)
    assert [skip.what for skip in skipped] == ["m: squeezed"]
    assert notes == []


def test_only_where_inputs_are_not_looked_at_are_those_blind_that_need_them() -> None:
    class Clock(Counter):
        name = "clock"
        needs = frozenset({Signal.PRINCIPAL})

    both = [Counter(), Clock()]
    looked_at = FeatureSpec(kind="numeric", shape=(2,), minimum=0.0, maximum=1.0)
    assert seeing(both, looked_at) == (both, {})
    left, why = seeing(both, FeatureSpec(kind="none"))
    assert [one.name for one in left] == ["clock"]
    assert why.keys() == {"counter"}


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (PICTURE, "add it with: caponier enrich"),
        (FeatureSpec(kind="numeric", shape=(8,)), "does not run; about images alone; this model takes numeric input"),
        (FeatureSpec(kind="text"), "about images alone; this model takes text input"),
    ],
)
def test_nobody_is_told_to_enrich_a_log_with_what_its_inputs_cannot_have(known: FeatureSpec, said: str) -> None:
    figures = [one for one in select() if one.name in ("adversarial_input", "local_patch", "trigger_probe")]
    assert len(figures) == 3
    _, skipped, notes = lacking(summary(), figures, known)
    assert len(skipped + notes) == 3
    assert all(said in note for note in notes)
