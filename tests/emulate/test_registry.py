import sys
from pathlib import Path

import pytest

from caponier.emulate import attacks as attack_folder
from caponier.emulate import benign as habit_folder
from caponier.emulate import newcomers as newcomer_folder
from caponier.emulate import probes as probe_folder
from caponier.emulate import registry
from caponier.emulate.feedbacks.registry import sources
from caponier.errors import CaponierError, InputError


def names(folder: object) -> set[str]:
    (path,) = folder.__path__
    return {file.stem for file in Path(path).glob("*.py")} - {"__init__"}


def test_every_attack_of_the_folder_is_listed() -> None:
    assert set(registry.attacks()) == names(attack_folder)
    assert {"hop_skip_jump", "boundary"} <= set(registry.attacks())


def test_every_habit_of_the_folder_is_listed() -> None:
    assert set(registry.habits()) == names(habit_folder)
    assert {"random_user", "retrier", "poller", "augmenter", "heavy"} <= set(registry.habits())


def test_every_probe_and_every_kind_of_newcomer_is_listed() -> None:
    assert set(registry.probes()) == names(probe_folder) == {"api_crawl", "family_fingerprint"}
    assert set(registry.newcomers()) == names(newcomer_folder)
    assert {"first_day", "health_check", "auditor"} <= set(registry.newcomers())


def test_nothing_has_the_name_of_something_else() -> None:
    listed = [*registry.attacks(), *registry.campaigns(), *registry.probes()]
    listed += [*registry.habits(), *registry.newcomers(), *sources()]
    assert len(listed) == len(set(listed))


def test_names_are_the_files_names() -> None:
    for listed in (registry.attacks(), registry.habits(), registry.probes(), registry.newcomers()):
        assert all(plugin.name == name for name, plugin in listed.items())


def test_an_attack_says_what_it_shows() -> None:
    for attack in registry.attacks().values():
        assert {technique.matrix for technique in attack.techniques} == {"atlas", "amltm-2020"}
        assert attack.budget > 0
        assert attack.description


def test_one_attack_by_name() -> None:
    assert registry.attack("boundary").name == "boundary"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="hop_skip_jump"):
        registry.attack("no_such_thing")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A second folder of habits, next to the shipped one."""
    monkeypatch.setattr(habit_folder, "__path__", [*habit_folder.__path__, str(tmp_path)])
    yield tmp_path
    sys.modules.pop(f"{habit_folder.__name__}.newcomer", None)


def test_a_new_file_is_found_without_any_edit(folder: Path) -> None:
    source = "from types import SimpleNamespace\nHABIT = SimpleNamespace(name='newcomer')\n"
    (folder / "newcomer.py").write_text(source)
    assert "newcomer" in registry.habits()


def test_a_file_that_cannot_be_imported_is_an_error(folder: Path) -> None:
    (folder / "newcomer.py").write_text("import no_such_package\n")
    with pytest.raises(CaponierError, match=r"cannot be loaded: ModuleNotFoundError: .*no_such_package"):
        registry.habits()


@pytest.mark.parametrize("source", ["", "class HABIT:\n    name = 'somebody_else'\n"])
def test_a_file_without_its_habit_is_an_error(folder: Path, source: str) -> None:
    (folder / "newcomer.py").write_text(source)
    with pytest.raises(CaponierError, match="newcomer"):
        registry.habits()


def test_everything_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "emulations.md").read_text()
    listed = [*registry.attacks(), *registry.campaigns(), *registry.habits(), *registry.probes()]
    for name in [*listed, *registry.newcomers(), *sources()]:
        assert f"| `{name}` |" in page
