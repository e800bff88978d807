"""Which log stories there are: whatever lies in the folder. Adding one edits nothing else."""

from importlib import import_module
from pkgutil import iter_modules

from caponier.emulate import scenarios as story_folder
from caponier.emulate.log_story import LogStory
from caponier.errors import CaponierError, InputError


def stories() -> dict[str, LogStory]:
    """Return every story by name; one that cannot be imported is an error."""
    names = sorted(module.name for module in iter_modules(story_folder.__path__))
    return {name: _story(name) for name in names}


def story(name: str) -> LogStory:
    """Return one story.

    Raises:
        InputError: If there is none of that name.
    """
    known = stories()
    if name not in known:
        raise InputError(f"There is no log story called {name!r}", mend=f"There are: {', '.join(known)}")
    return known[name]


def _story(name: str) -> LogStory:
    path = f"{story_folder.__name__}.{name}"
    found: LogStory | None = getattr(import_module(path), "STORY", None)
    if found is None or found.name != name:
        raise CaponierError(f"The module must define STORY with the name {name!r}", where=path)
    return found
