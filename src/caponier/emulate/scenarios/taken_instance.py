"""A stolen key of the cloud commands an instance and replaces a function."""

from types import MappingProxyType

from caponier.emulate.attack_steps import clouds
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class TakenInstance(StepStory):
    """A stolen key of the cloud commands an instance and replaces a function."""

    name = "taken_instance"
    description = "Somebody outside sends an instance commands, and replaces a function"
    techniques = (
        TechniqueId("attack", "T1651"),
        TechniqueId("attack", "T1525"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
    )
    steps = (clouds.COMMANDED, clouds.REPLACED)
    actor = "eve"
    fitting = MappingProxyType({clouds.COMMANDED.name: (0, 1, 2), clouds.REPLACED.name: (0, 1, 2)})


STORY = TakenInstance()
