"""A model, its code, its labels and its secrets in strange hands."""

from types import MappingProxyType

from caponier.emulate.attack_steps import hosts, taken
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class ExchangedModel(StepStory):
    """A model, its code, its labels and its secrets in strange hands."""

    name = "exchanged_model"
    description = (
        "Somebody opens the code's repository, takes secrets and models from outside, leaves a container, exchanges a "
        "model and edits labels"
    )
    techniques = (
        TechniqueId("attack", "T1213.003"),
        TechniqueId("attack", "T1195.002"),
        TechniqueId("attack", "T1098.001"),
        TechniqueId("attack", "T1555.006"),
        TechniqueId("attack", "T1530"),
        TechniqueId("attack", "T1611"),
        TechniqueId("attack", "T1098.004"),
        TechniqueId("attack", "T1222.002"),
        TechniqueId("attack", "T1565.001"),
        TechniqueId("amltm-2020", "AMLTM.INIT.02"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
        TechniqueId("amltm-2020", "AMLTM.EXEC.03"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
    )
    steps = (
        hosts.OPENED,
        hosts.OPENED_GITLAB,
        taken.SECRET,
        taken.WEIGHTS,
        taken.ESCAPE,
        taken.LOOSENED,
        taken.REPLACED,
        taken.EDITED,
        taken.ADDED,
    )
    fitting = MappingProxyType({taken.ADDED.name: (2,)})
    actor = "eve"


STORY = ExchangedModel()
