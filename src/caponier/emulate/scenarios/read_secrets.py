"""Secrets of the cloud read in bulk from outside."""

from types import MappingProxyType

from caponier.emulate.attack_steps import cloud_services, clouds
from caponier.emulate.attack_steps.story import StepStory
from caponier.emulate.office import SYNC
from caponier.matrix.technique import TechniqueId


class ReadSecrets(StepStory):
    """Secrets of the cloud read in bulk from outside."""

    name = "read_secrets"
    description = "A stolen key reads one secret after the other from outside, to log in as others next"
    techniques = (
        TechniqueId("attack", "T1555.006"),
        TechniqueId("attack", "T1078"),
        TechniqueId("amltm-2020", "AMLTM.INIT.02"),
    )
    steps = (clouds.SECRETS, cloud_services.TAKEN)
    actor = SYNC
    fitting = MappingProxyType({clouds.SECRETS.name: (0, 1), cloud_services.TAKEN.name: (2, 3)})


STORY = ReadSecrets()
