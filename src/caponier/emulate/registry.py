"""Which attacks, campaigns and habits there are: whatever lies in the folders. Adding one edits nothing else."""

from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from caponier.emulate import attacks as attack_folder
from caponier.emulate import benign as habit_folder
from caponier.emulate import campaigns as campaign_folder
from caponier.emulate import files as file_folder
from caponier.emulate.attack import Attack
from caponier.emulate.campaign import Campaign
from caponier.emulate.file_emulation import FileEmulation
from caponier.emulate.habit import Habit
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


def files() -> dict[str, FileEmulation]:
    """Return every emulated kind of model files by name, harmful ones and controls; see `FileEmulation.harmful`."""
    return _found(file_folder, "EMULATION")


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
