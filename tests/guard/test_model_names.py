"""Another way of writing a model's name, or of sending a body, is no way past what is looked at."""

import pytest

from caponier.guard.call import call_of
from caponier.guard.model_names import ModelNames

NAMES = ModelNames(["fraud", "Digits", "digits-mlp", "straße", "a.b"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("fraud", "fraud"), ("FRAUD", "fraud"), (" fraud", "fraud"), ("fraud\u200b", "fraud"), ("fraud\0", "fraud"),
        ("\uff46raud", "fraud"), ("fraud;v=1", "fraud"), ("fraud.", "fraud"), ("digits", "Digits"),
        ("DIGITS", "Digits"), ("STRASSE", "straße"), ("a.b", "a.b"), ("other", "other"), ("frauds", "frauds"),
        ("", ""), ("ab", "ab"), ("x%2f..%2ffraud", "fraud"), ("x%252F..%252Ffraud", "fraud"),
        ("x%5c..%5cfraud", "fraud"),
        ("fraud%2fversions%2f1", "fraud"), ("x%2f..%3b%2ffraud", "fraud"), ("fraud%2f..%2fx", "fraud%2f..%2fx"),
    ],
)  # fmt: skip
def test_what_a_server_may_take_for_a_model_is_that_model(written: str, meant: str) -> None:
    assert NAMES(written) == meant


def test_two_models_that_differ_by_case_are_two() -> None:
    names = ModelNames(["a", "A"])
    assert (names("a"), names("A")) == ("a", "A")


@pytest.mark.parametrize("path", ["/score", "/v2/models/m/infer.", "/v2/models/m", "/v2/health/ready", "/ping"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_whatever_carries_a_body_may_be_a_query(path: str, method: str) -> None:
    assert not call_of(method, path).unknown
    carrying = call_of(method, path, carries=True)
    assert carrying.unknown
    assert carrying.operation != "health"


def test_what_asks_a_model_by_its_path_does_so_with_any_method() -> None:
    assert {call_of(method, "/v2/models/m/infer").operation for method in ("GET", "PUT", "POST")} == {"predict"}
