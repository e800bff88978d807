from pathlib import Path

import pytest

from caponier.emulate import discovery as probe_folder
from caponier.emulate import evasion as attack_folder
from caponier.emulate import registry
from caponier.emulate.controls import clients as habit_folder
from caponier.emulate.controls import newcomers as newcomer_folder
from caponier.emulate.registry import sources
from caponier.errors import InputError
from caponier.plugins import Plugins


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
    assert registry.attacks.one("boundary").name == "boundary"


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="hop_skip_jump"):
        registry.attacks.one("no_such_thing")


def test_every_poison_story_and_harmless_set_is_found() -> None:
    backdoors = ["blended_backdoor", "corner_backdoor", "sinusoidal_backdoor"]
    flips = ["pair_flips", "targeted_flips", "uniform_flips"]
    assert list(registry.poisons()) == sorted([*backdoors, *flips, "mutant_flood"])
    assert list(registry.harmless_sets()) == ["augmented", "noisy_digits", "rare_styles", "watermarked"]
    told = "alarmed_host borrowed_role emptied_cloud exchanged_model exploited_server mined_host open_store"
    told += " open_store_azure open_store_google opened_store_google pushed_image reached_servers"
    told += " read_secrets resold_models stolen_account strange_acts"
    taken = ("cluster", "console", "directory", "host", "instance", "platform", "services", "store")
    assert list(registry.stories()) == [*told.split(), *(f"taken_{what}" for what in taken), "used_notebooks"]


def test_harmless_sources_are_those_that_show_no_technique() -> None:
    assert set(sources()) - set(registry.harmless_sources()) == {"steered_feedback", "feedback_chaff"}


def test_every_source_of_feedback_says_what_it_does() -> None:
    for source in sources().values():
        assert len(source.description) > 30
        assert not source.description.endswith(".")
        assert source.pace > 0


def test_everything_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "emulations.md").read_text()
    listed = [*registry.attacks(), *registry.campaigns(), *registry.habits(), *registry.probes()]
    for name in [*listed, *registry.newcomers(), *sources()]:
        assert f"| `{name}` |" in page


def test_every_emulation_and_every_control_has_what_all_have() -> None:
    everything = [known for known in vars(registry).values() if isinstance(known, Plugins)]
    assert len(everything) == 10
    for known in everything:
        for name, one in known().items():
            assert one.name == name
            assert len(one.description) > 20
            assert not one.description.endswith(".")
            assert all(technique.matrix and technique.id for technique in getattr(one, "techniques", ()))
