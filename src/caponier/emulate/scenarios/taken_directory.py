"""A directory in strange hands."""

from caponier.emulate.attack_steps import clouds, people
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class TakenDirectory(StepStory):
    """A directory in strange hands."""

    name = "taken_directory"
    description = "An account used from two countries grants rights in directories, and stops what serves in two clouds"
    techniques = (
        TechniqueId("attack", "T1078"),
        TechniqueId("attack", "T1098"),
        TechniqueId("attack", "T1530"),
        TechniqueId("attack", "T1489"),
        TechniqueId("amltm-2020", "AMLTM.INIT.02"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.02"),
        TechniqueId("amltm-2020", "AMLTM.EXFIL.03"),
        TechniqueId("amltm-2020", "AMLTM.IMPACT.06"),
    )
    steps = (
        people.COUNTRIES,
        people.OKTA,
        people.DIRECTORY,
        clouds.RIGHTS_GOOGLE,
        clouds.STOPPED_GOOGLE,
        clouds.STOPPED_AZURE,
    )
    actor = "eve@example.org"


STORY = TakenDirectory()
