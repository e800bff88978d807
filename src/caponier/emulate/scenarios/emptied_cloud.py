"""An account of a cloud in strange hands, slowly."""

from caponier.emulate.attack_steps import clouds
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class EmptiedCloud(StepStory):
    """An account of a cloud in strange hands, slowly."""

    name = "emptied_cloud"
    description = "A stolen account carries the models away slowly, holds the store to ransom, and stops the endpoint"
    techniques = (
        TechniqueId("attack", "T1530"),
        TechniqueId("attack", "T1486"),
        TechniqueId("attack", "T1489"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.04"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.06"),
    )
    steps = (clouds.STOPPED, clouds.HELD, clouds.SLOW)
    actor = "eve"


STORY = EmptiedCloud()
