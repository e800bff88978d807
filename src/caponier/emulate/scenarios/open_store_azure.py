"""A store of Azure that is open to everybody."""

from caponier.emulate.deeds import cloud_services
from caponier.emulate.deeds.story import DeedStory
from caponier.matrix.technique import TechniqueId


class OpenStoreAzure(DeedStory):
    """A store of Azure that is open to everybody."""

    name = "open_store_azure"
    description = "A store of models in Azure is read by somebody without an account"
    techniques = (
        TechniqueId("attack", "T1530"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
    )
    deeds = (cloud_services.ANONYMOUS_AZURE,)
    actor = "ml-models"


STORY = OpenStoreAzure()
