"""Which poisons and harmless data sets there are: whatever lies in the two folders. Adding one edits nothing else."""

from caponier.emulate import harmless as harmless_folder
from caponier.emulate import poisons as poison_folder
from caponier.emulate.poison import HarmlessSet, Poison
from caponier.plugins import of_file


def poisons() -> dict[str, Poison]:
    """Return every poison by name; one that cannot be imported is an error."""
    return of_file(poison_folder, "EMULATION")


def harmless_sets() -> dict[str, HarmlessSet]:
    """Return every harmless data set by name; one that cannot be imported is an error."""
    return of_file(harmless_folder, "HARMLESS")
