"""What answers each of several examples where no name says so."""

from caponier.telemetry.field_maps.answered.answers_by_shape import answers_by_shape

N = 60


def _best(at: int) -> float:
    return round(0.5 + (at * 37 % 97) / 200, 4)


def test_a_class_and_the_share_of_the_best_are_an_answer() -> None:
    found = answers_by_shape([{"kin": "ny"[at % 2], "sure": _best(at)} for at in range(N)], "back")
    assert {name: one.path for name, one in found.items()} == {"label": ("back[].kin",), "scores": ("back[].sure",)}


def test_a_class_that_agrees_with_a_list_is_its_best() -> None:
    items = [
        {"kin": "ny"[at % 2], "all": [_best(at), 1 - _best(at)] if at % 2 == 0 else [1 - _best(at), _best(at)]}
        for at in range(N)
    ]
    found = answers_by_shape(items, "back")
    assert {name: one.path for name, one in found.items()} == {"label": ("back[].kin",), "scores": ("back[].all",)}


def test_a_class_that_does_not_agree_is_none() -> None:
    items = [{"kin": "ny"[at * at % 3 % 2], "all": [_best(at), 1 - _best(at)]} for at in range(N)]
    assert list(answers_by_shape(items, "back")) == ["scores"]


def test_what_is_no_object_is_left() -> None:
    assert answers_by_shape([1, 2, {"kin": "n"}], "back") == {}
