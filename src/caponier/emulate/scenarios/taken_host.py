"""The host of a model server in strange hands."""

from caponier.emulate.attack_steps import servers
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class TakenHost(StepStory):
    """The host of a model server in strange hands."""

    name = "taken_host"
    description = "An intruder on a host runs a strange model, stops the model server, and holds the models to ransom"
    techniques = (
        TechniqueId("attack", "T1204"),
        TechniqueId("attack", "T1489"),
        TechniqueId("attack", "T1486"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.03"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.06"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.04"),
    )
    steps = (servers.PULLED, servers.STOPPED, servers.ENCRYPTED)
    actor = "bob"


STORY = TakenHost()
