"""A baseline file from somebody else: whatever it holds, it is read or refused as broken, and runs nothing."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from safetensors.numpy import load as tensors
from safetensors.numpy import save

from caponier.detect.calibration.baseline import KEY, SCHEMA, Baseline, DetectorBaseline, ModelBaseline, _checksum
from caponier.detect.calibration.joint_tail import JointTail
from caponier.detect.detector import Subject
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from detect.calibration.test_baseline import KNOWN, ranks, same, saved, section

few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
kinds = st.sampled_from([np.uint8, np.int64, np.uint64, np.float32, np.float64])
learned = st.builds(
    DetectorBaseline,
    version=st.integers(1, 9),
    params=st.dictionaries(
        st.text("abc_", min_size=1, max_size=6), kinds.map(lambda kind: np.arange(6, dtype=kind).reshape(2, 3))
    ),
    ranks=st.integers(0, 9).map(ranks),
    peak=st.floats(0, 1e9),
    least=st.floats(0, 1e9),
    off=st.none() | st.text(max_size=9),
)
tails = arrays(np.int64, st.tuples(st.integers(1, 3), st.integers(0, 6)), elements=st.integers(0, 10**6)).map(
    JointTail.of
)


def written(head: Any, arrays: dict[str, Any] | None = None) -> bytes:
    return bytes(
        save(arrays or {"x": np.zeros(1)}, metadata={KEY: head if isinstance(head, str) else json.dumps(head)})
    )


def resealed(data: bytes, **change: Any) -> bytes:
    """Change the first section as an attacker would, who makes the checksum right again."""
    (size,) = struct.unpack("<Q", data[:8])
    head = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][KEY])
    about, held = json.loads(head["models"]), tensors(data)
    about[next(iter(about))] |= change
    models = json.dumps(about)
    return written({"schema": SCHEMA, "models": models, "sha256": _checksum(models, held)}, held)


@few
@given(
    model=names,
    version=st.none() | names,
    detectors=st.dictionaries(st.text("abc", min_size=1, max_size=4), learned, max_size=3).map(
        lambda found: dict(sorted(found.items()))
    ),
    held=st.dictionaries(st.sampled_from([Subject.PRINCIPAL, Subject.BUCKET]), tails),
    callers=st.floats(1e-3, 1e6),
    alpha=st.floats(1e-6, 0.99),
)
def test_any_section_comes_back_as_it_was(
    model: str, version: str | None, detectors: Any, held: Any, callers: float, alpha: float, tmp_path: Path
) -> None:
    made = replace(section(model, version), detectors=detectors, tails=held, callers_per_week=callers, alpha=alpha)
    file = saved(tmp_path, Baseline((made,)).to_bytes())
    (read,) = Baseline.load(file).models
    assert same(read, made)
    for name, detector in made.detectors.items():
        assert {k: v.dtype for k, v in read.detectors[name].params.items()} == {
            k: v.dtype for k, v in detector.params.items()
        }


@few
@given(models=st.lists(st.tuples(names, st.none() | names), unique=True, min_size=1, max_size=4))
def test_sections_do_not_get_in_each_others_way(models: list[tuple[str, str | None]], tmp_path: Path) -> None:
    made = {(model, version): section(model, version) for model, version in models}
    read = Baseline.load(saved(tmp_path, Baseline(tuple(made.values())).to_bytes()))
    assert {(one.model, one.version) for one in read.models} == set(made)
    assert all(same(one, made[one.model, one.version]) for one in read.models)


@few
@given(models=st.permutations([("a", "1"), ("a", None), ("b/@ä", "2")]))
def test_the_order_of_sections_does_not_change_what_is_written_of_them(models: list[tuple[str, str | None]]) -> None:
    arrays_of = [
        tensors(Baseline(tuple(section(*one) for one in order)).to_bytes())
        for order in (models, sorted(models, key=str))
    ]
    assert arrays_of[0].keys() == arrays_of[1].keys()


def test_arrays_that_are_not_contiguous_are_written_as_they_read(tmp_path: Path) -> None:
    learned = section().detectors["iterative_query"]
    falling = np.linspace(9, 0, 16, dtype=np.float32).reshape(2, 8)[:, ::2]
    strided = replace(
        learned,
        params={"w": np.arange(12.0).reshape(3, 4).T[::2]},
        ranks=replace(learned.ranks, scores=falling, counts=np.arange(1, 9)[::2] // 2 + 1),
    )
    tail = JointTail(np.arange(16)[::-2].reshape(2, 4))
    made = replace(section(), detectors={"iterative_query": strided}, tails={Subject.PRINCIPAL: tail})
    (read,) = Baseline.load(saved(tmp_path, Baseline((made,)).to_bytes())).models
    assert same(read, made)


@few
@given(at=st.integers(0, 10**6), value=st.integers(0, 255))
def test_a_byte_changed_anywhere_is_noticed_or_means_nothing(at: int, value: int, tmp_path: Path) -> None:
    data = bytearray(Baseline((section(),)).to_bytes())
    data[at % len(data)] = value
    try:
        (read,) = Baseline.load(saved(tmp_path, bytes(data))).models
    except InputError:
        return
    assert same(read, section())


@few
@given(length=st.integers(0, 3_000))
def test_a_file_that_was_cut_off_is_refused(length: int, tmp_path: Path) -> None:
    data = Baseline((section(),)).to_bytes()
    with pytest.raises(InputError):
        Baseline.load(saved(tmp_path, data[: length % len(data)]))


@few
@given(data=st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"baseline"):
        Baseline.load(saved(tmp_path, data))


@pytest.mark.parametrize(
    "head",
    [
        "",
        "[]",
        "3",
        "null",
        '"text"',
        "[" * 200_000,
        '{"a":' * 100_000,
        {"schema": SCHEMA},
        {"schema": SCHEMA, "models": 3, "sha256": ""},
        {"schema": [SCHEMA], "models": "{}", "sha256": ""},
    ],
    ids=["empty", "list", "number", "null", "text", "deep list", "deep table", "bare", "no text", "listed"],
)
def test_a_head_that_is_none_is_refused(head: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Baseline.load(saved(tmp_path, written(head)))


@pytest.mark.parametrize(
    "change",
    [
        {"alpha": float("inf")},
        {"alpha": float("nan")},
        {"alpha": 0},
        {"alpha": -0.1},
        {"alpha": 1},
        {"alpha": "few"},
        {"alpha": [0.1]},
        {"span": float("inf")},
        {"span": 0},
        {"span": None},
        {"principals": float("inf")},
        {"events": None},
        {"callers_per_week": float("inf")},
        {"callers_per_week": 0.0},
        {"callers_per_week": {}},
        {"warm": {"version": "1"}},
        {"warm": {"version": "1", "own": 1, "more": 1}},
        {"created": 20260105},
        {"created": None},
        {"features": {}},
        {"features": []},
        {"features_digest": "0"},
        {"detectors": []},
        {"detectors": {"flood": {}}},
        {"detectors": {"flood": KNOWN}},
        {"detectors": {"iterative_query": {**KNOWN, "benign": float("inf")}}},
        {"detectors": {"iterative_query": {**KNOWN, "least": "some"}}},
        {"detectors": {"iterative_query": {**KNOWN, "version": 7}}},
    ],
    ids=str,
)
def test_what_a_section_cannot_mean_is_refused_even_if_the_checksum_is_right(
    change: dict[str, Any], tmp_path: Path
) -> None:
    data = Baseline((section(),)).to_bytes()
    with pytest.raises(InputError):
        Baseline.load(saved(tmp_path, resealed(data, **change)))


def test_a_section_that_is_sealed_anew_and_sound_is_read(tmp_path: Path) -> None:
    """So that the refusals above are not refusals of the seal."""
    data = Baseline((section(),)).to_bytes()
    (read,) = Baseline.load(saved(tmp_path, resealed(data, alpha=0.077))).models
    assert read.alpha == 0.077


@pytest.mark.parametrize("missing", ["knots", "ranks/scores", "ranks/counts", "ranks/scales", "ranks/margins"])
def test_a_section_without_one_of_its_arrays_is_refused(missing: str, tmp_path: Path) -> None:
    data = Baseline((section(),)).to_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    head = json.loads(json.loads(data[8 : 8 + size])["__metadata__"][KEY])
    held = {name: array for name, array in tensors(data).items() if not name.endswith(missing)}
    head["sha256"] = _checksum(head["models"], held)
    with pytest.raises(InputError, match="does not hold together"):
        Baseline.load(saved(tmp_path, written(head, held)))


@few
@given(
    sections=st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "2", None]), st.integers(1, 28)), max_size=6, unique=True
    ),
    model=st.sampled_from("abc"),
    version=st.sampled_from(["1", "2", "3", None]),
)
def test_a_section_of_the_same_version_wins_and_of_those_the_newest(
    sections: list[tuple[str, str | None, int]], model: str, version: str | None
) -> None:
    made: list[ModelBaseline] = [section(m, v, f"2026-01-{day:02}T00:00:00Z") for m, v, day in sections]
    found = Baseline(tuple(made)).of(model, version)
    own = [one for one in made if one.model == model]
    wanted = [one for one in own if one.version == version] or own
    assert (found is None) == (not own)
    if found is not None:
        assert found in wanted
        assert found.created == max(one.created for one in wanted)


def test_a_baseline_of_nothing_knows_no_model() -> None:
    assert Baseline().of("digits", "1") is None


def test_the_spec_of_a_section_is_the_one_it_was_built_for(tmp_path: Path) -> None:
    spec = FeatureSpec(kind="numeric", shape=(3,), minimum=-1.0)
    (read,) = Baseline.load(saved(tmp_path, Baseline((replace(section(), spec=spec),)).to_bytes())).models
    assert read.spec == spec
    assert read.spec.digest() == spec.digest()
