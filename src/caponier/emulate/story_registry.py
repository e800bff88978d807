"""Which log stories there are: whatever lies in the folder. Adding one edits nothing else."""

from caponier.emulate import stories as story_folder
from caponier.emulate.log_story import LogStory
from caponier.errors import InputError
from caponier.plugins import of_file


def stories() -> dict[str, LogStory]:
    """Return every story by name; one that cannot be imported is an error."""
    return of_file(story_folder, "STORY")


def story(name: str) -> LogStory:
    """Return one story.

    Raises:
        InputError: If there is none of that name.
    """
    known = stories()
    if name not in known:
        raise InputError(f"There is no log story called {name!r}", mend=f"There are: {', '.join(known)}")
    return known[name]
