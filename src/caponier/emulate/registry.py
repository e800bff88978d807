"""Which attacks, campaigns, probes and harmless callers there are: whatever lies in the folders."""

from caponier.emulate import attacks as attack_folder
from caponier.emulate import benign as habit_folder
from caponier.emulate import campaigns as campaign_folder
from caponier.emulate import files as file_folder
from caponier.emulate import newcomers as newcomer_folder
from caponier.emulate import probes as probe_folder
from caponier.emulate.attack import Attack
from caponier.emulate.campaign import Campaign
from caponier.emulate.file_emulation import FileEmulation
from caponier.emulate.habit import Habit
from caponier.emulate.newcomer import Newcomer
from caponier.emulate.probe import Probe
from caponier.errors import InputError
from caponier.plugins import of_file


def attacks() -> dict[str, Attack]:
    """Return every attack by name; one that cannot be imported is an error."""
    return of_file(attack_folder, "EMULATION")


def campaigns() -> dict[str, Campaign]:
    """Return every campaign by name; one that cannot be imported is an error."""
    return of_file(campaign_folder, "CAMPAIGN")


def habits() -> dict[str, Habit]:
    """Return every habit of benign users by name; one that cannot be imported is an error."""
    return of_file(habit_folder, "HABIT")


def probes() -> dict[str, Probe]:
    """Return every probe by name; one that cannot be imported is an error."""
    return of_file(probe_folder, "PROBE")


def newcomers() -> dict[str, Newcomer]:
    """Return every kind of harmless caller who does not only predict, by name; see `habits` for the others."""
    return of_file(newcomer_folder, "NEWCOMER")


def files() -> dict[str, FileEmulation]:
    """Return every emulated kind of model files by name, harmful ones and controls; see `FileEmulation.harmful`."""
    return of_file(file_folder, "EMULATION")


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
