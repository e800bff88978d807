"""Objects that ordinary training scripts save whole: clean where nothing can follow, else open and never unsafe."""

import pytest

from caponier.detect.model_files.pickles.rules import AllowLevel, GlobalRole, shipped
from caponier.detect.model_files.pickles.values import Global
from detect.model_files.pickles.reading import read
from detect.model_files.pickles.test_state_code import built, table, text


@pytest.mark.parametrize("name", ["memory.Memory", "_store_backends.FileSystemStoreBackend"])
def test_a_memory_of_joblib_is_open_when_it_is_made_and_never_called(name: str) -> None:
    """A pipeline that has one loads with nothing run; its constructor makes folders wherever it is told."""
    home, _, kind = f"joblib.{name}".rpartition(".")
    what, rules = Global(home, kind), shipped()
    for role in (GlobalRole.NAME, GlobalRole.NEW, GlobalRole.BUILD):
        assert rules.standing(what, role) is AllowLevel.UNCLEAR
    assert rules.standing(what, GlobalRole.CALL) > AllowLevel.UNCLEAR
    made = read(built(home, kind, table(location=text("cache"))))
    assert not made.unsafe
    assert any("a folder that its state names" in doubt for doubt in made.ledger.doubts)
    assert read(f"c{home}\n{kind}\n({text('cache')}tR.".encode("latin-1")).unsafe


@pytest.mark.parametrize("module", ["adam", "adamw", "sgd", "rmsprop", "lbfgs"])
def test_an_optimizer_as_an_object_is_open(module: str) -> None:
    reading = read(built(f"torch.optim.{module}", "Any", table(state="}", param_groups="]")))
    assert not reading.unsafe
    assert any("an optimizer calls methods" in doubt for doubt in reading.ledger.doubts)


def test_patterns_densities_and_the_missing_value_of_pandas_are_clean() -> None:
    assert read(f"cre\n_compile\n({text('a+')}K\x20tR.".encode("latin-1")).is_clean
    assert read(built("scipy.stats._kde", "gaussian_kde", table(dataset="N"))).is_clean
    assert read(b"cpandas\nNA\n.").is_clean
    assert read("cre\n_compile\n(cre\n_compile\nK\x20tR.".encode("latin-1")).unsafe
