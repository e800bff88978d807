"""A stolen account of two clouds uses what they offer for ML."""

from caponier.emulate.attack_steps import cloud_services
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class TakenServices(StepStory):
    """A stolen account of two clouds uses what they offer for ML."""

    name = "taken_services"
    description = "Somebody outside exports models, writes jobs, commands machines and takes keys in two clouds"
    techniques = (
        TechniqueId("attack", "T1525"),
        TechniqueId("attack", "T1530"),
        TechniqueId("attack", "T1651"),
        TechniqueId("attack", "T1552"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
    )
    steps = (
        cloud_services.CHANGED_GOOGLE,
        cloud_services.CHANGED_AZURE,
        cloud_services.TOLD_GOOGLE,
        cloud_services.TOLD_AZURE,
        cloud_services.KEYS_AZURE,
    )
    actor = "eve@example.org"


STORY = TakenServices()
