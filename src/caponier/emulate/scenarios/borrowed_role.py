"""The credentials of an instance used from elsewhere."""

from types import MappingProxyType

from caponier.emulate.attack_steps import clouds
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class BorrowedRole(StepStory):
    """The credentials of an instance used from elsewhere."""

    name = "borrowed_role"
    description = "Somebody outside uses the credentials that an instance gets from its metadata service"
    techniques = (
        TechniqueId("attack", "T1552.005"),
        TechniqueId("amltm-2020", "AMLTM.PERSIST.03"),
    )
    steps = (clouds.TAKEN_ROLE,)
    actor = "svc-model-sync/i-0123456789abcdef0"
    fitting = MappingProxyType({clouds.TAKEN_ROLE.name: (0, 1)})


STORY = BorrowedRole()
