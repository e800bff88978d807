"""Instances and functions of the cloud in strange hands."""

from types import MappingProxyType

from caponier.emulate.deeds import clouds
from caponier.emulate.deeds.attack_step import THIEF
from caponier.emulate.deeds.story import DeedStory
from caponier.matrix.technique import TechniqueId


class TakenInstance(DeedStory):
    """Instances and functions of the cloud in strange hands."""

    name = "taken_instance"
    description = "Somebody outside reads secrets, sends an instance commands, uses its role, and replaces a function"
    techniques = (
        TechniqueId("attack", "T1555.006"),
        TechniqueId("attack", "T1651"),
        TechniqueId("attack", "T1552.005"),
        TechniqueId("attack", "T1525"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
    )
    deeds = (clouds.SECRETS, clouds.COMMANDED, clouds.TAKEN_ROLE, clouds.REPLACED)
    actor = THIEF
    fitting = MappingProxyType({clouds.REPLACED.name: (0, 1, 2)})


STORY = TakenInstance()
