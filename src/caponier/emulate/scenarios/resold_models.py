"""A stolen key of an account of ours asks language models of the cloud."""

from caponier.emulate.deeds import cloud_services
from caponier.emulate.deeds.story import DeedStory
from caponier.emulate.office import SYNC
from caponier.matrix.technique import TechniqueId


class ResoldModels(DeedStory):
    """A stolen key of an account of ours asks language models of the cloud."""

    name = "resold_models"
    description = "Somebody outside tries and uses a stolen key on language models of the cloud, at the owner's cost"
    techniques = (
        TechniqueId("attack", "T1496"),
        TechniqueId("attack", "T1078"),
        TechniqueId("amltm-2020", "AMLTM.INIT.02"),
    )
    deeds = (cloud_services.ASKED,)
    actor = SYNC


STORY = ResoldModels()
