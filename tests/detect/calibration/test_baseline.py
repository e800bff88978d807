import json
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from caponier.detect.calibration.baseline import KEY, Baseline, DetectorBaseline, ModelBaseline
from caponier.detect.calibration.judging import BackTest, Maxima
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)


def section(model: str = "digits", version: str | None = "1", created: str = "2026-01-05T00:00:00Z") -> ModelBaseline:
    maxima = Maxima(np.array([3.0, np.inf, 1.0]), np.array([2.0]), peak=5.0)
    learned = DetectorBaseline(1, {"cutoffs": np.arange(4.0), "weights": np.eye(2)}, maxima, BackTest(0.02, 1, 3))
    return ModelBaseline(
        model=model,
        version=version,
        created=created,
        spec=SPEC,
        knots=np.array([[0], [1]], np.float32),
        horizon=200,
        principals=4,
        events=800,
        horizons_per_week=28.0,
        detectors={"iterative_query": learned},
    )


def saved(tmp_path: Path, data: bytes) -> Path:
    file = tmp_path / "b.safetensors"
    file.write_bytes(data)
    return file


def same(one: ModelBaseline, other: ModelBaseline) -> bool:
    def flat(model: ModelBaseline) -> list[Any]:
        learned = [
            (name, d.version, {key: value.tolist() for key, value in d.params.items()}, d.back_test)
            for name, d in model.detectors.items()
        ]
        maxima = [(d.maxima.full.tolist(), d.maxima.partial.tolist(), d.maxima.peak) for d in model.detectors.values()]
        return [replace(model, knots=None, detectors={}), model.knots.tolist(), learned, maxima]

    return flat(one) == flat(other)


def test_how_many_were_remembered_survives_and_older_files_do_not_know(tmp_path: Path) -> None:
    old = section()
    for remembered in (None, 0, 7):
        learned = {name: replace(one, remembered=remembered) for name, one in old.detectors.items()}
        kept = Baseline.load(saved(tmp_path, Baseline((replace(old, detectors=learned),)).to_bytes()))
        assert kept.models[0].detectors["iterative_query"].remembered == remembered


def edited(data: bytes, change: dict[str, Any], head_change: dict[str, Any] | None = None) -> bytes:
    """Change the JSON of the first section, as somebody with an editor would."""
    (size,) = struct.unpack("<Q", data[:8])
    head = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][KEY])
    about = json.loads(head["models"])
    about[next(iter(about))] |= change
    return save(load(data), metadata={KEY: json.dumps(head | {"models": json.dumps(about)} | (head_change or {}))})


def resealed(data: bytes, change: dict[str, Any]) -> bytes:
    """The same by somebody who knows how to make the checksum right."""
    from caponier.detect.calibration.baseline import _checksum

    broken = edited(data, change)
    (size,) = struct.unpack("<Q", broken[:8])
    head = json.loads(json.loads(broken[8 : 8 + size])["__metadata__"][KEY])
    head["sha256"] = _checksum(head["models"], load(broken))
    return save(load(broken), metadata={KEY: json.dumps(head)})


@pytest.mark.parametrize("model", ["digits", "a/b@c", "päckchen 数", "..", "a%2Fb", "@", "x" * 300])
@pytest.mark.parametrize("version", ["1", None, "v@2/rc 1"])
def test_a_baseline_comes_back_as_it_was(model: str, version: str | None, tmp_path: Path) -> None:
    baseline = Baseline((section(model, version),))
    loaded = Baseline.load(saved(tmp_path, baseline.to_bytes()))
    assert same(loaded.models[0], baseline.models[0])


def test_several_models_come_back(tmp_path: Path) -> None:
    baseline = Baseline((section("a"), section("b"), section("b", "2")))
    loaded = Baseline.load(saved(tmp_path, baseline.to_bytes()))
    assert [(m.model, m.version) for m in loaded.models] == [("a", "1"), ("b", "1"), ("b", "2")]


def test_the_same_content_gives_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    file = saved(tmp_path, Baseline((section("a"), section("b"))).to_bytes())
    code = (
        "import sys; from pathlib import Path; from caponier.detect.calibration.baseline import Baseline;"
        "sys.stdout.buffer.write(Baseline.load(Path(sys.argv[1])).to_bytes())"
    )
    for _ in range(3):
        again = subprocess.run([sys.executable, "-c", code, file], capture_output=True, check=True).stdout
        assert again == file.read_bytes()


def test_infinite_maxima_survive(tmp_path: Path) -> None:
    loaded = Baseline.load(saved(tmp_path, Baseline((section(),)).to_bytes()))
    assert loaded.models[0].detectors["iterative_query"].maxima.aside == 1


def refused(file: Path, what: str) -> None:
    with pytest.raises(InputError, match=what) as wrong:
        Baseline.load(file)
    assert wrong.value.exit_code == 2
    assert str(file) in str(wrong.value)


TESTED = {"bound": 0.02, "seen": 1, "of": 3}
GOOD = Baseline((section(),)).to_bytes()


@pytest.mark.parametrize("length", [0, 4, 8, 100, len(GOOD) // 2, len(GOOD) - 1])
def test_a_truncated_file_is_refused(length: int, tmp_path: Path) -> None:
    refused(saved(tmp_path, GOOD[:length]), "no baseline file")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none", "no baseline file")
    refused(tmp_path, "no baseline file")


@pytest.mark.parametrize("size", [2**40, 2**63])
def test_a_huge_header_is_refused(size: int, tmp_path: Path) -> None:
    refused(saved(tmp_path, struct.pack("<Q", size) + b"{}" + b" " * 100), "no baseline file")


@pytest.mark.parametrize("metadata", [None, {"schema": "x"}, {KEY: '{"schema": "caponier.baseline/0"}'}])
def test_other_safetensors_files_are_refused(metadata: dict[str, str] | None, tmp_path: Path) -> None:
    refused(saved(tmp_path, save({"w": np.zeros(2)}, metadata=metadata)), "no baseline of schema")


@pytest.mark.parametrize("head", ["[]", "7", '"x"', "null", "{", '{"schema": "caponier.baseline/1"}'])
def test_a_head_that_is_no_head_is_refused(head: str, tmp_path: Path) -> None:
    refused(saved(tmp_path, save({"w": np.zeros(2)}, metadata={KEY: head})), "baseline")


def test_an_edited_file_is_told_by_its_checksum(tmp_path: Path) -> None:
    refused(saved(tmp_path, edited(GOOD, {"horizon": 10})), "checksum")
    arrays = load(GOOD)
    arrays["digits@1/knots"] = np.zeros((2, 1), np.float32)
    (size,) = struct.unpack("<Q", GOOD[:8])
    metadata = json.loads(GOOD[8 : 8 + size])["__metadata__"]
    refused(saved(tmp_path, save(arrays, metadata=metadata)), "checksum")


def test_one_flipped_bit_is_told(tmp_path: Path) -> None:
    data = bytearray(GOOD)
    data[-3] ^= 1
    refused(saved(tmp_path, bytes(data)), "checksum")


@pytest.mark.parametrize(
    "change",
    [
        {"horizon": 0},
        {"horizon": -5},
        {"horizon": "many"},
        {"horizon": None},
        {"horizons_per_week": 0},
        {"horizons_per_week": "NaN"},
        {"features": []},
        {"features": {"kind": "smell"}},
        {"features_digest": "0"},
        {"detectors": []},
        {"detectors": {"iterative_query": []}},
        {"detectors": {"iterative_query": {"version": 2, "back_test": {"bound": 0.1, "seen": 0, "of": 1}}}},
        {"detectors": {"iterative_query": {"version": 1, "back_test": {"wrong": 1}}}},
        *(
            {"detectors": {"iterative_query": {"version": 1, "back_test": TESTED, "peak": peak}}}
            for peak in (-1, float("inf"), float("nan"), "high", None)
        ),
    ],
)
def test_nonsense_is_refused_even_with_a_right_checksum(change: dict[str, Any], tmp_path: Path) -> None:
    refused(saved(tmp_path, resealed(GOOD, change)), "does not hold together")


def test_resealing_nothing_is_no_damage(tmp_path: Path) -> None:
    assert Baseline.load(saved(tmp_path, resealed(GOOD, {}))).models


def test_a_file_from_before_peaks_were_kept_is_read(tmp_path: Path) -> None:
    old = {"detectors": {"iterative_query": {"version": 1, "back_test": TESTED}}}
    maxima = Baseline.load(saved(tmp_path, resealed(GOOD, old))).models[0].detectors["iterative_query"].maxima
    assert (maxima.peak, maxima.largest) == (0.0, 3.0)


@pytest.mark.parametrize("full", [np.array([np.nan]), np.zeros((2, 2)), np.zeros(3, np.int64)])
def test_maxima_that_are_none_are_refused(full: Any, tmp_path: Path) -> None:
    learned = section().detectors["iterative_query"]
    broken = replace(learned, maxima=Maxima(full, np.zeros(0)))
    data = Baseline((replace(section(), detectors={"iterative_query": broken}),)).to_bytes()
    refused(saved(tmp_path, data), "benign maxima")


class TestChoice:
    def test_the_section_of_the_same_version_is_chosen(self) -> None:
        baseline = Baseline((section("m", "1", "2026-01-02"), section("m", "2", "2026-01-01"), section("n", "3")))
        assert baseline.of("m", "2") is baseline.models[1]

    def test_else_the_newest(self) -> None:
        baseline = Baseline((section("m", "1", "2026-01-02"), section("m", "2", "2026-01-01")))
        for version in ("9", None):
            assert baseline.of("m", version) is baseline.models[0]

    def test_an_unknown_model_has_none(self) -> None:
        assert Baseline((section(),)).of("other", "1") is None
        assert Baseline().of("digits", "1") is None

    def test_horizons_add_up_over_models_but_not_over_versions(self) -> None:
        baseline = Baseline((section("m", "1"), section("m", "2"), section("n", "1")))
        assert baseline.horizons_per_week == 56.0
        assert Baseline().horizons_per_week == 0.0
