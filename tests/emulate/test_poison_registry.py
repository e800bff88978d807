from types import ModuleType

import pytest

from caponier.emulate import poison_registry
from caponier.errors import CaponierError


def test_every_file_of_the_folders_is_found() -> None:
    assert list(poison_registry.poisons()) == ["pair_flips", "targeted_flips", "uniform_flips"]
    assert list(poison_registry.harmless_sets()) == ["noisy_digits", "rare_styles"]


def test_a_file_without_its_constant_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caponier.plugins.import_module", lambda path: ModuleType(path))
    with pytest.raises(CaponierError, match="must define EMULATION"):
        poison_registry.poisons()
