"""Somebody outside pushes an image to the registry that models are served from."""

from caponier.emulate.attack_steps import hosts
from caponier.emulate.attack_steps.attack_step import THIEF
from caponier.emulate.attack_steps.story import StepStory
from caponier.matrix.technique import TechniqueId


class PushedImage(StepStory):
    """Somebody outside pushes an image to the registry that models are served from."""

    name = "pushed_image"
    description = "Somebody outside pushes an image under a name that model servers start from"
    techniques = (TechniqueId("attack", "T1525"), TechniqueId("amltm-2020", "AMLTM.PERSIST.03"))
    steps = (hosts.PUSHED,)
    actor = THIEF


STORY = PushedImage()
