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

from caponier.detect.calibration.baseline import (
    CELLS,
    KEY,
    RANKS,
    SCHEMA,
    Baseline,
    DetectorBaseline,
    ModelBaseline,
    Warm,
    is_baseline,
)
from caponier.detect.calibration.joint_tail import JointTail
from caponier.detect.calibration.tail_ranks import TailRanks
from caponier.detect.detector import Subject
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec

SPEC = FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0)


DAY = 86_400 * 1_000_000


def ranks(n: int = 4) -> TailRanks:
    """Return ranks among n benign callers at two steps of age."""
    scores = np.tile(np.linspace(3, 1, n, dtype=np.float32), (2, 1))
    scales, margins = np.array([0.35, 0.4], np.float32), np.array([0.0, 0.25], np.float32)
    return TailRanks(n, scores, np.arange(n) + 1, scales, margins, np.zeros(len(scores), np.int64))


def section(model: str = "digits", version: str | None = "1", created: str = "2026-01-05T00:00:00Z") -> ModelBaseline:
    params = {"cutoffs": np.arange(4.0), "weights": np.eye(2)}
    learned = DetectorBaseline(1, params, ranks(), peak=19.0, least=2.0, off=None)
    return ModelBaseline(
        model=model,
        version=version,
        created=created,
        spec=SPEC,
        knots=np.array([[0], [1]], np.float32),
        principals=4,
        events=800,
        callers_per_week=28.0,
        span=DAY,
        alpha=0.02,
        detectors={"iterative_query": learned},
        tails={Subject.PRINCIPAL: JointTail(np.array([[9_000, 4_000, 20, 0], [8_000, 4_000, 20, 0]]))},
    )


def saved(tmp_path: Path, data: bytes) -> Path:
    file = tmp_path / "b.safetensors"
    file.write_bytes(data)
    return file


def same(one: ModelBaseline, other: ModelBaseline) -> bool:
    def flat(model: ModelBaseline) -> list[Any]:
        learned = [
            (
                name,
                {key: value.tolist() for key, value in d.params.items()},
                {key: (getattr(d.ranks, key).tolist(), getattr(d.ranks, key).dtype) for key in RANKS},
                d.ranks.n,
                replace(d, params={}, ranks=None),
            )
            for name, d in model.detectors.items()
        ]
        tails = {kind: tail.evidence.tolist() for kind, tail in model.tails.items()}
        return [replace(model, knots=None, detectors={}, tails={}), model.knots.tolist(), learned, tails]

    return flat(one) == flat(other)


def test_why_a_detector_is_off_and_that_attacks_were_planted_survives(tmp_path: Path) -> None:
    old = section()
    for off in (None, "attackers do not stand out (6 of 20)"):
        learned = {name: replace(one, off=off) for name, one in old.detectors.items()}
        made = replace(old, detectors=learned, tested=True)
        (kept,) = Baseline.load(saved(tmp_path, Baseline((made,)).to_bytes())).models
        assert kept.detectors["iterative_query"].off == off
        assert kept.tested


def test_a_warm_start_survives(tmp_path: Path) -> None:
    made = replace(section(), warm=Warm("0", 3))
    (kept,) = Baseline.load(saved(tmp_path, Baseline((made,)).to_bytes())).models
    assert kept.warm == Warm("0", 3)


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


def refused(file: Path, what: str) -> None:
    with pytest.raises(InputError, match=what) as wrong:
        Baseline.load(file)
    assert wrong.value.exit_code == 2
    assert str(file) in str(wrong.value)


KNOWN = {"version": 1, "benign": 4, "peak": 19.0, "least": 2.0}
GOOD = Baseline((section(),)).to_bytes()


@pytest.mark.parametrize("length", [0, 4, 8, 100, len(GOOD) // 2, len(GOOD) - 1])
def test_a_truncated_file_is_refused(length: int, tmp_path: Path) -> None:
    refused(saved(tmp_path, GOOD[:length]), "baseline file")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    refused(tmp_path / "none", "does not exist")
    refused(tmp_path, "baseline file")


@pytest.mark.parametrize("size", [2**40, 2**63])
def test_a_huge_header_is_refused(size: int, tmp_path: Path) -> None:
    refused(saved(tmp_path, struct.pack("<Q", size) + b"{}" + b" " * 100), "baseline file")


@pytest.mark.parametrize("metadata", [None, {"schema": "x"}])
def test_other_safetensors_files_are_refused_and_nobody_is_told_to_write_over_them(
    metadata: dict[str, str] | None, tmp_path: Path
) -> None:
    file = saved(tmp_path, save({"w": np.zeros(2)}, metadata=metadata))
    with pytest.raises(InputError, match="is not a baseline, but another safetensors file") as wrong:
        Baseline.load(file)
    assert "--out" not in str(wrong.value.hint)
    assert not is_baseline(file)


@pytest.mark.parametrize("content", [b"", b"a model of somebody", struct.pack("<Q", 2**40) + b"{}"])
def test_of_a_file_that_is_not_a_baseline_nobody_is_told_to_write_over_it(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError) as wrong:
        Baseline.load(saved(tmp_path, content))
    assert "--out" not in str(wrong.value.hint)
    assert not is_baseline(tmp_path / "b.safetensors")


@pytest.mark.parametrize("schema", ["caponier.baseline/0", "caponier.baseline/1", SCHEMA])
def test_a_baseline_of_any_schema_is_known_as_one(schema: str, tmp_path: Path) -> None:
    file = saved(tmp_path, save({"w": np.zeros(2)}, metadata={KEY: json.dumps({"schema": schema})}))
    assert is_baseline(file)
    refused(file, "baseline")
    assert is_baseline(saved(tmp_path, GOOD))
    assert not is_baseline(tmp_path / "none")


def test_a_file_of_the_schema_before_is_refused_with_the_command_that_builds_it_again(tmp_path: Path) -> None:
    old = edited(GOOD, {}, {"schema": "caponier.baseline/1"})
    with pytest.raises(InputError, match="baseline of schema") as wrong:
        Baseline.load(saved(tmp_path, old))
    assert SCHEMA == "caponier.baseline/2"
    assert "caponier baseline build LOG --out b.safetensors" in str(wrong.value.hint)


@pytest.mark.parametrize("head", ["[]", "7", '"x"', "null", "{", '{"schema": "caponier.baseline/2"}'])
def test_a_head_that_is_no_head_is_refused(head: str, tmp_path: Path) -> None:
    refused(saved(tmp_path, save({"w": np.zeros(2)}, metadata={KEY: head})), "baseline")


def test_an_edited_file_is_told_by_its_checksum(tmp_path: Path) -> None:
    refused(saved(tmp_path, edited(GOOD, {"alpha": 0.5})), "checksum")
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
        {"alpha": 0},
        {"alpha": 1},
        {"alpha": "NaN"},
        {"alpha": None},
        {"span": 0},
        {"span": -5},
        {"span": "long"},
        {"callers_per_week": 0},
        {"callers_per_week": "NaN"},
        {"features": []},
        {"features": {"kind": "smell"}},
        {"features_digest": "0"},
        {"detectors": []},
        {"detectors": {"iterative_query": []}},
        {"detectors": {"iterative_query": {**KNOWN, "version": 2}}},
        {"detectors": {"iterative_query": {**KNOWN, "off": 7}}},
        *({"detectors": {"iterative_query": {**KNOWN, "benign": benign}}} for benign in (0, 3, -1, "many", None)),
        *({"detectors": {"iterative_query": {key: v for key, v in KNOWN.items() if key != gone}}} for gone in KNOWN),
        *(
            {"detectors": {"iterative_query": {**KNOWN, name: wrong}}}
            for name in ("peak", "least")
            for wrong in (-1, float("inf"), float("nan"), "high", None)
        ),
    ],
    ids=str,
)
def test_nonsense_is_refused_even_with_a_right_checksum(change: dict[str, Any], tmp_path: Path) -> None:
    refused(saved(tmp_path, resealed(GOOD, change)), "does not hold together")


def test_resealing_nothing_is_no_damage(tmp_path: Path) -> None:
    assert Baseline.load(saved(tmp_path, resealed(GOOD, {}))).models


@pytest.mark.parametrize(
    "change",
    [
        {"scores": np.array([[3.0, 2.0, np.nan, 0.0]] * 2, np.float32)},
        {"scores": np.array([[1.0, 2.0, 0.5, 0.0]] * 2, np.float32)},
        {"scores": np.zeros((2, 4))},
        {"scores": np.zeros(4, np.float32)},
        {"scores": np.zeros((0, 4), np.float32)},
        {"scores": np.zeros((2, 3), np.float32)},
        {"counts": np.array([1, 2, 2, 4])},
        {"counts": np.array([0, 1, 2, 3])},
        {"counts": np.array([1, 2, 3, 5])},
        {"counts": np.arange(4, dtype=np.int32) + 1},
        {"scales": np.array([0.35, 0.0], np.float32)},
        {"scales": np.array([0.35, np.inf], np.float32)},
        {"scales": np.array([0.35], np.float32)},
        {"margins": np.array([0.0, -1.0], np.float32)},
        {"margins": np.array([0.0, np.nan], np.float32)},
    ],
    ids=str,
)
def test_ranks_that_are_none_are_refused(change: dict[str, Any], tmp_path: Path) -> None:
    learned = section().detectors["iterative_query"]
    broken = replace(learned, ranks=replace(learned.ranks, **change))
    data = Baseline((replace(section(), detectors={"iterative_query": broken}),)).to_bytes()
    refused(saved(tmp_path, data), "no ranks")


@pytest.mark.parametrize(
    "evidence",
    [
        np.array([[1, 2]]),
        np.array([[2, -1]]),
        np.array([2, 1]),
        np.array([[2.0, 1.0]]),
        np.zeros((0, 2), np.int64),
    ],
    ids=str,
)
def test_evidence_that_is_none_is_refused(evidence: Any, tmp_path: Path) -> None:
    broken = replace(section(), tails={Subject.PRINCIPAL: JointTail(evidence)})
    refused(saved(tmp_path, Baseline((broken,)).to_bytes()), "no falling list")


def test_of_cells_a_tenth_as_many_false_alarms_as_of_callers_may_come() -> None:
    thousand = JointTail(np.zeros((1, 1_000), np.int64))
    cells = replace(section(), principals=100, tails={**section().tails, Subject.BUCKET: thousand})
    assert cells.alpha_of(Subject.PRINCIPAL) == 0.02
    assert cells.alpha_of(Subject.BUCKET) * 1_000 == pytest.approx(CELLS * 0.02 * 100)
    assert section().alpha_of(Subject.BUCKET) <= 0.02


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
