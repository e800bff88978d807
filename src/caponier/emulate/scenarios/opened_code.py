"""A stolen account opens the repository of what trains and serves."""

from caponier.emulate.attack_steps import hosts
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class OpenedCode(StepStory):
    """A stolen account opens the repository of what trains and serves."""

    name = "opened_code"
    description = "A repository of code is made public, or gets a key, a machine that builds, or loses its protection"
    techniques = (
        TechniqueId("attack", "T1213.003"),
        TechniqueId("attack", "T1195.002"),
        TechniqueId("attack", "T1098.001"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
    )
    steps = (hosts.OPENED, hosts.OPENED_GITLAB)
    actor = "eve"


STORY = OpenedCode()
