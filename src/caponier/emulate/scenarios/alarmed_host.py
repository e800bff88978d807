"""A sensor on a host of models raises an alarm."""

from caponier.emulate.deeds import hosts
from caponier.emulate.deeds.story import DeedStory
from caponier.matrix.technique import TechniqueId


class AlarmedHost(DeedStory):
    """A sensor on a host of models raises an alarm."""

    name = "alarmed_host"
    description = "Somebody opens a shell in a container of models, or runs what was not in its image; Falco says so"
    techniques = (
        TechniqueId("attack", "T1059"),
        TechniqueId("attack", "T1609"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.03"),
    )
    deeds = (hosts.ALARMED,)
    actor = "gpu-01.ml.example.org"


STORY = AlarmedHost()
