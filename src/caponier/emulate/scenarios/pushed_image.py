"""Somebody outside pushes an image to the registry that models are served from."""

from caponier.emulate.deeds import hosts
from caponier.emulate.deeds.attack_step import THIEF
from caponier.emulate.deeds.story import DeedStory
from caponier.matrix.technique import TechniqueId


class PushedImage(DeedStory):
    """Somebody outside pushes an image to the registry that models are served from."""

    name = "pushed_image"
    description = "Somebody outside pushes an image under a name that model servers start from"
    techniques = (TechniqueId("attack", "T1525"), TechniqueId("amltm-2020", "AMLTM.PERSIST.03"))
    deeds = (hosts.PUSHED,)
    actor = THIEF


STORY = PushedImage()
