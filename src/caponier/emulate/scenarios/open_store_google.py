"""A store of Google that is open to everybody."""

from caponier.emulate.attack_steps import clouds
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class OpenStoreGoogle(StepStory):
    """A store of Google that is open to everybody."""

    name = "open_store_google"
    description = "A store of models in Google Cloud is read by somebody without an account"
    techniques = (
        TechniqueId("attack", "T1530"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
    )
    steps = (clouds.ANONYMOUS_GOOGLE,)
    actor = "ml-models"


STORY = OpenStoreGoogle()
