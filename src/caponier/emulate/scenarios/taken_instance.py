"""A stolen key of the cloud commands an instance and replaces a function."""

from types import MappingProxyType

from caponier.emulate.deeds import clouds
from caponier.emulate.deeds.story import DeedStory
from caponier.matrix.technique import TechniqueId


class TakenInstance(DeedStory):
    """A stolen key of the cloud commands an instance and replaces a function."""

    name = "taken_instance"
    description = "Somebody outside sends an instance commands, and replaces a function"
    techniques = (
        TechniqueId("attack", "T1651"),
        TechniqueId("attack", "T1525"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
    )
    deeds = (clouds.COMMANDED, clouds.REPLACED)
    actor = "eve"
    fitting = MappingProxyType({clouds.COMMANDED.name: (0, 1, 2), clouds.REPLACED.name: (0, 1, 2)})


STORY = TakenInstance()
