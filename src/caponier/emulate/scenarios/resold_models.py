"""A stolen key of an account of ours asks language models of the cloud."""

from caponier.emulate.attack_steps import cloud_services
from caponier.emulate.attack_steps.story import StepStory
from caponier.emulate.office import SYNC
from caponier.matrix.technique import TechniqueId


class ResoldModels(StepStory):
    """A stolen key of an account of ours asks language models of the cloud."""

    name = "resold_models"
    description = "Somebody outside tries and uses a stolen key on language models of the cloud, at the owner's cost"
    techniques = (
        TechniqueId("attack", "T1496"),
        TechniqueId("attack", "T1078"),
        TechniqueId("amltm-2020", "AMLTM.INIT.02"),
    )
    steps = (cloud_services.ASKED,)
    actor = SYNC


STORY = ResoldModels()
