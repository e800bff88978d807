"""A workspace file is written by hand: whatever stands in it is understood or refused as wrong, never a crash."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from caponier.records.inventory import (
    Criticality,
    DetectSettings,
    FeatureSpec,
    Identity,
    ModelSpec,
    Privacy,
    System,
    Workspace,
)

names = st.text("abc", min_size=1, max_size=2)
shapes = st.lists(st.integers(1, 50), min_size=1, max_size=4).map(tuple)
toml = st.recursive(
    st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)
"""What a table of a TOML file can hold."""


def workspace(**sections: Any) -> Workspace:
    return Workspace.model_validate(
        {"file": Path("/w/caponier.toml"), "name": "w", "store": "s", "lake": "l"} | sections
    )


@st.composite
def inventories(draw: st.DrawFn) -> Workspace:
    systems = draw(st.lists(names, unique=True, max_size=4))
    owned = st.lists(names, max_size=3).map(tuple)
    models = draw(st.lists(names, unique=True, max_size=4))
    of = st.none() | st.sampled_from(systems) if systems else st.none()
    return workspace(
        systems=[
            System(name=name, models=draw(owned), criticality=draw(st.sampled_from(Criticality))) for name in systems
        ],
        models=[ModelSpec(name=name, system=draw(of)) for name in models],
    )


@given(known=inventories(), model=names)
def test_a_models_system_is_one_of_the_inventory_that_says_so(known: Workspace, model: str) -> None:
    system = known.system_of(model)
    own = known.model(model)
    claimed = [one for one in known.systems if model in one.models]
    if own is not None and own.system is not None:
        assert system is not None
        assert system.name == own.system
    else:
        assert system == (claimed[0] if claimed else None)


@given(known=inventories())
def test_an_inventory_comes_back_from_its_json_form(known: Workspace) -> None:
    assert Workspace.model_validate_json(known.model_dump_json(exclude={"detect"})) == known


@given(name=names, kind=st.sampled_from(["systems", "models"]))
def test_no_name_stands_for_two_things(name: str, kind: str) -> None:
    with pytest.raises(ValidationError, match=f"2 entries .* have the name '{name}'"):
        workspace(**{kind: [{"name": name}, {"name": name}]})


@given(shape=shapes)
def test_a_size_is_the_product_of_the_shape(shape: tuple[int, ...]) -> None:
    spec = FeatureSpec(kind="numeric", shape=shape)
    assert spec.size == math.prod(shape)


@given(one=shapes, other=shapes, low=st.floats(-10, 0), high=st.floats(1, 10))
def test_a_digest_tells_specifications_apart(one: Any, other: Any, low: float, high: float) -> None:
    first, second = (FeatureSpec(kind="numeric", shape=shape, minimum=low, maximum=high) for shape in (one, other))
    assert (first.digest() == second.digest()) == (one == other)
    assert first.digest() == FeatureSpec.model_validate_json(first.model_dump_json()).digest()
    assert first.digest() != FeatureSpec(kind="numeric", shape=one, minimum=low).digest()


@given(low=st.floats(), high=st.floats())
def test_a_range_is_finite_and_has_an_inside(low: float, high: float) -> None:
    good = math.isfinite(low) and math.isfinite(high) and low < high
    if good:
        assert FeatureSpec(kind="numeric", minimum=low, maximum=high).minimum == low
    else:
        with pytest.raises(ValidationError):
            FeatureSpec(kind="numeric", minimum=low, maximum=high)


@settings(deadline=None)
@given(table=st.dictionaries(st.sampled_from([*DetectSettings.model_fields, "flood", "novelty"]), toml, max_size=4))
def test_any_detect_table_is_understood_or_refused(table: dict[str, Any]) -> None:
    try:
        read = DetectSettings.model_validate(table)
    except ValidationError:
        return
    assert set(read.detectors) >= {name for name in ("flood", "novelty") if name in table}


@pytest.mark.parametrize("wrong", [3, "flood", [1], True])
def test_detectors_that_are_no_table_are_refused_beside_one_that_is(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="detectors"):
        DetectSettings.model_validate({"detectors": wrong, "flood": {"floor": 3}})


def test_a_table_of_its_own_wins_over_the_gathered_ones() -> None:
    read = DetectSettings.model_validate({"detectors": {"flood": {"floor": 1}}, "flood": {"floor": 2}})
    assert read.detectors == {"flood": {"floor": 2}}


@pytest.mark.parametrize("noun", [System, ModelSpec, FeatureSpec, Identity, Privacy, DetectSettings])
def test_a_misspelt_key_is_an_error_everywhere(noun: Any) -> None:
    with pytest.raises(ValidationError, match="retention_dyas"):
        noun.model_validate({"name": "n", "kind": "numeric", "retention_dyas": 3})


@pytest.mark.parametrize("days", [0, -1, 1.5, True, "30"])
def test_a_time_to_keep_is_a_whole_number_of_days(days: Any) -> None:
    with pytest.raises(ValidationError, match="retention_days"):
        Privacy.model_validate({"retention_days": days})


@pytest.mark.parametrize("size", [0, -1, 1.0, True, "8"])
def test_a_shape_holds_whole_numbers_above_nothing(size: Any) -> None:
    with pytest.raises(ValidationError, match="shape"):
        FeatureSpec.model_validate({"kind": "numeric", "shape": [size]})


@given(password=st.text("secret0123456789", min_size=9, max_size=20))
def test_the_password_of_the_store_is_in_no_text_for_people(password: str) -> None:
    known = workspace(store=f"postgresql://u:{password}@db/c")
    assert password not in repr(known)
    assert password not in str(known)
