from caponier.detect.enrichments.overlay_entropy import enrichment
from caponier.detect.events.trigger_probe import detector
from detect.events.odd_images import OddImages


class TestTriggerProbe(OddImages):
    detector = detector
    enrichment = enrichment
    fact = "entropy"
    told = 0.1
