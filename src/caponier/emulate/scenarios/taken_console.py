"""A console in strange hands."""

from types import MappingProxyType

from caponier.emulate.attack_steps import people
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class TakenConsole(StepStory):
    """A console in strange hands."""

    name = "taken_console"
    description = "A stolen account logs in to a console without a second factor, and pushes an image by hand"
    techniques = (
        TechniqueId("attack", "T1078"),
        TechniqueId("attack", "T1525"),
        TechniqueId("amltm-2020", "AMLTM.INIT.02"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
    )
    steps = (people.CONSOLE, people.PUSH)
    actor = "bob"
    fitting = MappingProxyType({people.CONSOLE.name: (0, 2), people.PUSH.name: (0,)})


STORY = TakenConsole()
