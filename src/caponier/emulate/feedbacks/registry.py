"""Which sources of feedback there are: whatever lies in the folder. Adding one edits nothing else."""

from caponier.emulate.feedbacks import sources as folder
from caponier.emulate.feedbacks.source import Source
from caponier.plugins import of_file


def sources() -> dict[str, Source]:
    """Return every source by name; one that cannot be imported is an error."""
    return of_file(folder, "SOURCE")


def harmless() -> dict[str, Source]:
    """Return those that mean no harm."""
    return {name: source for name, source in sources().items() if not source.techniques}


def harmful() -> dict[str, Source]:
    """Return those that attack a model through what they tell it."""
    return {name: source for name, source in sources().items() if source.techniques}
