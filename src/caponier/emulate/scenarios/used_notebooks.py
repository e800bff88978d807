"""A stolen account changes what trains and serves in SageMaker."""

from caponier.emulate.attack_steps import cloud_services
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class UsedNotebooks(StepStory):
    """A stolen account changes what trains and serves in SageMaker."""

    name = "used_notebooks"
    description = (
        "Somebody outside opens a notebook, or changes what an endpoint serves, with a stolen account, and opens a port"
    )
    techniques = (
        TechniqueId("attack", "T1525"),
        TechniqueId("attack", "T1578"),
        TechniqueId("attack", "T1133"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
    )
    steps = (cloud_services.CHANGED, cloud_services.NETWORK)
    actor = "eve"


STORY = UsedNotebooks()
