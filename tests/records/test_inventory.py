from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from caponier.records.alert_budget import AlertBudget
from caponier.records.inventory import (
    DetectSettings,
    FeatureSpec,
    Identity,
    ModelSpec,
    Privacy,
    System,
    Workspace,
)


def workspace(**sections: Any) -> Workspace:
    return Workspace(file=Path("/w/caponier.toml"), name="w", store="sqlite:////w/s.db", lake="/w/lake", **sections)


def test_image_has_a_size_and_a_digest_of_its_own() -> None:
    small = FeatureSpec(kind="image", shape=(8, 8), minimum=0, maximum=1)
    assert small.size == 64
    assert small.dtype == "float32"
    assert small.digest() == FeatureSpec(kind="image", shape=(8, 8), minimum=0, maximum=1).digest()
    assert small.digest() != FeatureSpec(kind="image", shape=(4, 16), minimum=0, maximum=1).digest()


def test_size_is_unknown_without_a_shape() -> None:
    assert FeatureSpec(kind="numeric").size is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "sound"},
        {"kind": "image"},
        {"kind": "image", "shape": (8,)},
        {"kind": "numeric", "shape": (0,)},
        {"kind": "numeric", "shape": ("3",)},
        {"kind": "numeric", "minimum": 1.0, "maximum": 1.0},
        {"kind": "numeric", "minimum": float("nan")},
        {"kind": "numeric", "minimum": "0"},
        {"kind": "numeric", "dtype": "complex64"},
        {"kind": "numeric", "shap": (3,)},
    ],
)
def test_wrong_feature_specs_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        FeatureSpec(**wrong)


@pytest.mark.parametrize("noun", [System(name="s"), ModelSpec(name="m"), Identity(), Privacy(), DetectSettings()])
def test_nouns_are_frozen_and_know_their_keys(noun: Any) -> None:
    field = next(iter(type(noun).model_fields))
    with pytest.raises(ValidationError):
        setattr(noun, field, "changed")
    with pytest.raises(ValidationError):
        type(noun)(**noun.model_dump(), unheard_of=1)


def test_detector_tables_are_gathered() -> None:
    settings = DetectSettings.model_validate({"alpha": 0.02, "iterative_query": {"radius": 3}, "novelty": {}})
    assert settings.detectors == {"iterative_query": {"radius": 3}, "novelty": {}}
    assert settings.alpha == 0.02


def test_detector_settings_without_a_table_are_unknown_keys() -> None:
    with pytest.raises(ValidationError, match="iterative_query"):
        DetectSettings.model_validate({"iterative_query": 3})


@pytest.mark.parametrize(
    ("written", "budget"),
    [
        ("2 per week", AlertBudget(per_week=2.0)),
        ("1/4", AlertBudget(bound=0.25)),
        (0.25, AlertBudget(bound=0.25)),
        (AlertBudget(bound=0.5), AlertBudget(bound=0.5)),
    ],
)
def test_alert_budget_is_read(written: Any, budget: AlertBudget) -> None:
    assert DetectSettings(alert_budget=written).alert_budget == budget


@pytest.mark.parametrize("written", ["now and then", True, ["2 per week"], 3])
def test_wrong_alert_budgets_say_what_is_expected(written: Any) -> None:
    with pytest.raises(ValidationError, match="per week"):
        DetectSettings(alert_budget=written)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, 1.5, "few", float("nan")])
def test_alpha_is_a_share(alpha: Any) -> None:
    with pytest.raises(ValidationError):
        DetectSettings(alpha=alpha)


def test_a_horizon_of_old_is_read_and_means_nothing() -> None:
    assert DetectSettings.model_validate({"horizon": 100}).horizon == 100
    assert DetectSettings().horizon is None


def test_model_finds_its_system_from_either_side() -> None:
    inventory = workspace(
        systems=(System(name="cards", criticality="critical", models=("fraud",)), System(name="digits")),
        models=(ModelSpec(name="digits-mlp", system="digits"), ModelSpec(name="fraud"), ModelSpec(name="lonely")),
    )
    assert [inventory.system_of(name) and inventory.system_of(name).name for name in ("fraud", "digits-mlp")] == [
        "cards",
        "digits",
    ]
    assert inventory.system_of("lonely") is None
    assert inventory.model("unknown") is None


def test_a_models_own_word_about_its_system_wins() -> None:
    inventory = workspace(
        systems=(System(name="old", models=("m",)), System(name="new")), models=(ModelSpec(name="m", system="new"),)
    )
    system = inventory.system_of("m")
    assert system is not None
    assert system.name == "new"


@pytest.mark.parametrize(
    ("sections", "complaint"),
    [
        ({"systems": (System(name="a"), System(name="a"))}, r"\[\[system\]\] have the name 'a'"),
        ({"models": (ModelSpec(name="a"), ModelSpec(name="a"))}, r"\[\[model\]\] have the name 'a'"),
        ({"models": (ModelSpec(name="a", system="b"),)}, "'b', which is not listed"),
    ],
)
def test_contradictions_are_refused(sections: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        workspace(**sections)


def test_root_is_the_folder_of_the_file_and_the_store_stays_secret() -> None:
    secret = Workspace(file=Path("/w/caponier.toml"), name="w", store="postgresql://u:hidden@h/db", lake="/w/lake")
    assert secret.root == Path("/w")
    assert "hidden" not in repr(secret)
