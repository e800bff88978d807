"""A store of Azure that is open to everybody."""

from caponier.emulate.attack_steps import cloud_services
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class OpenStoreAzure(StepStory):
    """A store of Azure that is open to everybody."""

    name = "open_store_azure"
    description = "A store of models in Azure is read by somebody without an account"
    techniques = (
        TechniqueId("attack", "T1530"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
    )
    steps = (cloud_services.ANONYMOUS_AZURE,)
    actor = "ml-models"


STORY = OpenStoreAzure()
