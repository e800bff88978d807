"""A sensor on a host of models raises an alarm."""

from caponier.emulate.attack_steps import hosts, planted
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class AlarmedHost(StepStory):
    """A sensor on a host of models raises an alarm."""

    name = "alarmed_host"
    description = "Somebody opens a shell in a container of models, or plants a service; only the host says so"
    techniques = (
        TechniqueId("attack", "T1059"),
        TechniqueId("attack", "T1609"),
        TechniqueId("attack", "T1543.003"),
        TechniqueId("attack", "T1136.001"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.03"),
    )
    steps = (hosts.ALARMED, planted.SERVICE, planted.PLANTED, planted.THROUGH)
    actor = "gpu-01.ml.example.org"


STORY = AlarmedHost()
