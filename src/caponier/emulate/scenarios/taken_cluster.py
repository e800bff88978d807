"""The workloads of a cluster in strange hands."""

from types import MappingProxyType

from caponier.emulate.attack_steps import cluster
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class TakenCluster(StepStory):
    """The workloads of a cluster in strange hands."""

    name = "taken_cluster"
    description = (
        "A stolen account reads a cluster's secrets, binds rights in it, runs commands, sets an image, and stops model "
        "servers"
    )
    techniques = (
        TechniqueId("attack", "T1552.007"),
        TechniqueId("attack", "T1098"),
        TechniqueId("attack", "T1609"),
        TechniqueId("attack", "T1525"),
        TechniqueId("attack", "T1489"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.06"),
    )
    steps = tuple(cluster.STEPS.values())
    actor = "eve@example.org"
    fitting = MappingProxyType({cluster.STRANGER.name: (0, 1)})


STORY = TakenCluster()
