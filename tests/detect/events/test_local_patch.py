from caponier.detect.enrichments.occlusion import enrichment
from caponier.detect.events.local_patch import detector
from detect.events.odd_images import OddImages


class TestLocalPatch(OddImages):
    detector = detector
    enrichment = enrichment
    fact = "carried"
    told = 0.9
