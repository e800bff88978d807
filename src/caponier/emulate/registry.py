"""Which attacks, campaigns, probes and harmless callers there are: whatever lies in the folders."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from caponier.emulate import campaigns as campaign_folder
from caponier.emulate import discovery as probe_folder
from caponier.emulate import evasion as attack_folder
from caponier.emulate import model_files as file_folder
from caponier.emulate.attack import Attack
from caponier.emulate.campaign import Campaign
from caponier.emulate.controls import clients as habit_folder
from caponier.emulate.controls import model_files as file_control_folder
from caponier.emulate.controls import newcomers as newcomer_folder
from caponier.emulate.file_emulation import FileEmulation
from caponier.emulate.habit import Habit
from caponier.emulate.newcomer import Newcomer
from caponier.emulate.probe import Probe
from caponier.errors import CaponierError, InputError


def attacks() -> dict[str, Attack]:
    """Return every attack by name; one that cannot be imported is an error."""
    return _found(attack_folder, "EMULATION")


def campaigns() -> dict[str, Campaign]:
    """Return every campaign by name; one that cannot be imported is an error."""
    return _found(campaign_folder, "CAMPAIGN")


def habits() -> dict[str, Habit]:
    """Return every habit of benign users by name; one that cannot be imported is an error."""
    return _found(habit_folder, "HABIT")


def probes() -> dict[str, Probe]:
    """Return every probe by name; one that cannot be imported is an error."""
    return _found(probe_folder, "PROBE")


def newcomers() -> dict[str, Newcomer]:
    """Return every kind of harmless caller who does not only predict, by name; see `habits` for the others."""
    return _found(newcomer_folder, "NEWCOMER")


def files() -> dict[str, FileEmulation]:
    """Return every emulated kind of model files by name, harmful ones and controls; see `FileEmulation.harmful`."""
    found = _found(file_folder, "EMULATION") | _found(file_control_folder, "EMULATION")
    return dict(sorted(found.items()))


def attack(name: str) -> Attack:
    """Return one attack.

    Raises:
        InputError: If there is none of that name.
    """
    known = attacks()
    if name not in known:
        raise InputError(f"There is no emulation called {name!r}", mend=f"There are: {', '.join(known)}")
    return known[name]


def campaign(name: str) -> Campaign:
    """Return one campaign.

    Raises:
        InputError: If there is none of that name.
    """
    known = campaigns()
    if name not in known:
        raise InputError(f"There is no campaign called {name!r}", mend=f"There are: {', '.join(known)}")
    return known[name]


def _found(folder: Any, constant: str) -> dict[str, Any]:
    # What lies in a folder of its own is a part of plugins, and none itself.
    names = sorted(module.name for module in iter_modules(folder.__path__) if not module.ispkg)
    return {name: _plugin(f"{folder.__name__}.{name}", name, constant) for name in names}


def _plugin(path: str, name: str, constant: str) -> Any:
    plugin = getattr(import_module(path), constant, None)
    if plugin is None or plugin.name != name:
        raise CaponierError(f"The module must define {constant} with the name {name!r}", where=path)
    return plugin
