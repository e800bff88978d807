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
from caponier.detect.calibration.judging import BackTest, Maxima
from caponier.errors import InputError
from caponier.records.inventory import FeatureSpec
from detect.calibration.test_baseline import same, saved, section

few = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
values = arrays(np.float64, st.integers(0, 5), elements=st.floats(0, 1e9) | st.just(np.inf))
kinds = st.sampled_from([np.uint8, np.int64, np.uint64, np.float32, np.float64])
learned = st.builds(
    DetectorBaseline,
    version=st.integers(1, 9),
    params=st.dictionaries(
        st.text("abc_", min_size=1, max_size=6), kinds.map(lambda kind: np.arange(6, dtype=kind).reshape(2, 3))
    ),
    maxima=st.builds(Maxima, values, values),
    back_test=st.builds(BackTest, bound=st.floats(0.001, 0.1), seen=st.integers(0, 9), of=st.integers(0, 999)),
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
    horizons=st.floats(1e-3, 1e6),
)
def test_any_section_comes_back_as_it_was(
    model: str, version: str | None, detectors: Any, horizons: float, tmp_path: Path
) -> None:
    made = replace(section(model, version), detectors=detectors, horizons_per_week=horizons)
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
    strided = replace(
        learned, params={"w": np.arange(12.0).reshape(3, 4).T[::2]}, maxima=Maxima(np.arange(8.0)[::2], np.zeros(0))
    )
    made = replace(section(), detectors={"iterative_query": strided})
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
        {"horizon": float("inf")},
        {"horizon": float("nan")},
        {"horizon": 0},
        {"horizon": -200},
        {"horizon": "many"},
        {"horizon": [200]},
        {"principals": float("inf")},
        {"events": None},
        {"horizons_per_week": float("inf")},
        {"horizons_per_week": 0.0},
        {"horizons_per_week": {}},
        {"created": 20260105},
        {"created": None},
        {"features": {}},
        {"features": []},
        {"features_digest": "0"},
        {"detectors": []},
        {"detectors": {"flood": {}}},
        {"detectors": {"flood": {"version": 1, "back_test": {}}}},
        {"detectors": {"iterative_query": {"version": 1, "back_test": {"bound": 1, "seen": 1, "of": 1, "more": 1}}}},
        {"detectors": {"iterative_query": {"version": 7, "back_test": {"bound": 1, "seen": 1, "of": 1}}}},
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
    (read,) = Baseline.load(saved(tmp_path, resealed(data, horizon=77))).models
    assert read.horizon == 77


@pytest.mark.parametrize("missing", ["knots", "maxima/full", "maxima/partial"])
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


def test_a_baseline_of_nothing_expects_no_horizons() -> None:
    assert Baseline().horizons_per_week == 0
    assert Baseline().of("digits", "1") is None


def test_the_spec_of_a_section_is_the_one_it_was_built_for(tmp_path: Path) -> None:
    spec = FeatureSpec(kind="numeric", shape=(3,), minimum=-1.0)
    (read,) = Baseline.load(saved(tmp_path, Baseline((replace(section(), spec=spec),)).to_bytes())).models
    assert read.spec == spec
    assert read.spec.digest() == spec.digest()
