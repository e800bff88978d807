"""A store of Google that somebody opens to everybody."""

from caponier.emulate.deeds import clouds
from caponier.emulate.deeds.story import DeedStory
from caponier.matrix.technique import TechniqueId


class OpenedStoreGoogle(DeedStory):
    """A store of Google that somebody opens to everybody."""

    name = "opened_store_google"
    description = "A stolen account opens a store of models in Google Cloud to everybody"
    techniques = (
        TechniqueId("attack", "T1530"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
    )
    deeds = (clouds.PUBLIC_GOOGLE,)
    actor = "eve@example.org"


STORY = OpenedStoreGoogle()
