import pytest

from caponier import plugins
from caponier.detect import dataset_registry
from caponier.detect.datasets.label_noise import LabelNoise
from caponier.errors import CaponierError


class Renamed(LabelNoise):
    name = "other"


class Entry:
    value, dist = "strangers:thing", None

    def __init__(self, name: str, detector: object) -> None:
        self.name, self._detector = name, detector

    def load(self) -> object:
        return self._detector


@pytest.fixture(autouse=True)
def _fresh() -> None:
    dataset_registry.dataset_detectors.cache_clear()


def plugged(monkeypatch: pytest.MonkeyPatch, *entries: Entry) -> None:
    monkeypatch.setattr(plugins, "entry_points", lambda group: entries)


def test_somebody_elses_detector_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    plugged(monkeypatch, Entry("other", Renamed()))
    assert list(dataset_registry.dataset_detectors()) == ["label_noise", "other"]
    dataset_registry.dataset_detectors.cache_clear()


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        (Entry("other", object()), "no data-set detector"),
        (Entry("misnamed", Renamed()), "another name"),
        (Entry("label_noise", LabelNoise()), "two detectors"),
    ],
)
def test_a_wrong_one_is_an_error_and_no_skip(monkeypatch: pytest.MonkeyPatch, entry: Entry, complaint: str) -> None:
    plugged(monkeypatch, entry)
    with pytest.raises(CaponierError, match=complaint):
        dataset_registry.dataset_detectors()
