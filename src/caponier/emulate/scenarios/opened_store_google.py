"""A store of Google that somebody opens to everybody."""

from caponier.emulate.attack_steps import clouds
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class OpenedStoreGoogle(StepStory):
    """A store of Google that somebody opens to everybody."""

    name = "opened_store_google"
    description = "A stolen account opens a store of models in Google Cloud to everybody"
    techniques = (
        TechniqueId("attack", "T1530"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
    )
    steps = (clouds.PUBLIC_GOOGLE,)
    actor = "eve@example.org"


STORY = OpenedStoreGoogle()
