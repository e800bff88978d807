"""The detectors beside ours: held against plain readings of their descriptions, and how others are plugged in."""

import inspect
from hashlib import sha256

import numpy as np
import pytest
from bench.machinery.others.references import (
    MARGIN,
    REFERENCES,
    Blacklight,
    FineBlacklight,
    NearPairs,
    Prada,
    Scores,
    learned_threshold,
    maxima,
    nearest,
    plugged,
    scored,
)
from bench.machinery.outsider import Strangers
from bench.machinery.streams import Queries
from scipy.stats import shapiro

from caponier.errors import InputError


def asked(inputs: np.ndarray, who: list[str] | None = None, labels: np.ndarray | None = None) -> Queries:
    n = len(inputs)
    ordinal = np.arange(n)
    return Queries(
        np.array(who or ["a"] * n),
        inputs.astype(np.float32),
        np.zeros(n, np.int64) if labels is None else labels,
        ordinal * 1_000,
        ordinal + 1,
    )


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)


class TestNearPairs:
    @pytest.mark.parametrize("ring", [1, 3, 200])
    def test_the_nearest_is_among_so_many_before(self, rng: np.random.Generator, ring: int) -> None:
        inputs = rng.random((40, 6)).astype(np.float32)
        found = nearest(inputs, ring, lot=7)
        assert np.isinf(found[0])
        for at in range(1, 40):
            before = inputs[max(0, at - ring) : at]
            assert found[at] == pytest.approx(np.linalg.norm(before - inputs[at], axis=1).min(), abs=1e-5)

    def test_three_near_pairs_of_the_last_twenty_and_no_fewer(self, rng: np.random.Generator) -> None:
        inputs = rng.random((60, 64))
        inputs[[5, 10]] = inputs[[4, 9]] + 1e-3
        two = NearPairs().scores(asked(inputs))
        inputs[20] = inputs[19] + 1e-3
        three = NearPairs().scores(asked(inputs))
        assert np.flatnonzero(three > two.max() + 1).tolist() == [20, 21, 22, 23, 24], "until the first is too old"

    def test_callers_are_apart(self, rng: np.random.Generator) -> None:
        inputs = np.repeat(rng.random((30, 64)), 2, axis=0)
        assert NearPairs().scores(asked(inputs, ["a", "b"] * 30)).max() < NearPairs().scores(asked(inputs)).max()


class TestPrada:
    def read(self, inputs: np.ndarray, labels: np.ndarray) -> list[float]:
        """Return the statistics that a plain reading of the paper gives; 1 where there is no test yet."""
        members: dict[int, list[np.ndarray]] = {}
        away: dict[int, list[float]] = {}
        limit: dict[int, float] = {}
        every: list[float] = []
        told = []
        for row, label in zip(inputs.astype(np.float32).astype(np.float64), labels.tolist(), strict=True):
            if label not in members:
                members[label], away[label], limit[label] = [row], [0.0], 0.0
            else:
                least = min(float(np.linalg.norm(row - member)) for member in members[label])
                every.append(least)
                if least > limit[label]:
                    members[label].append(row)
                    away[label].append(least)
                    limit[label] = max(limit[label], np.mean(away[label]) - np.std(away[label]))
            known = np.array(every or [0.0])
            kept = known[np.abs(known - known.mean()) <= 3 * known.std()]
            told.append(shapiro(kept).statistic if len(every) > 100 else 1.0)
        return told

    def test_it_is_the_test_of_the_paper(self, rng: np.random.Generator) -> None:
        inputs, labels = rng.random((160, 8)), rng.integers(0, 3, 160)
        inputs[120:] = inputs[:40] + 0.01
        found = Prada().scores(asked(inputs, labels=labels))
        assert np.exp(-found) == pytest.approx(self.read(inputs, labels), abs=1e-6)
        assert not found[:103].any(), "three queries begin sets, and more than a hundred distances are needed"
        assert found[103] > 0

    def test_its_limit_is_delta(self) -> None:
        assert np.exp(-Prada.limit) == pytest.approx(0.95)

    def test_steps_of_one_size_are_no_normal_distribution(self, rng: np.random.Generator) -> None:
        inputs = np.zeros((150, 64))
        inputs[np.arange(150), np.arange(150) % 64] = 1 + np.arange(150) // 64
        assert Prada().scores(asked(inputs)).max() > Prada.limit


class TestBlacklight:
    def read(self, inputs: np.ndarray, detector: Blacklight) -> list[int]:
        """Return the largest number of hashes in common with an earlier query, by sets."""
        prints = []
        for row in inputs.astype(np.float32):
            levels = np.round(row * 255 / detector.step).astype(int) * detector.step
            hidden = bytes(((levels + detector._salt) % 256).tolist())
            parts = [hidden[at : at + detector.window] for at in range(len(row) - detector.window + 1)]
            hashes = {sha256(part).digest()[:8] for part in parts}
            prints.append(set(sorted(hashes, reverse=True)[: detector.kept]))
        return [max((len(own & other) for other in prints[:at]), default=0) for at, own in enumerate(prints)]

    @pytest.mark.parametrize("size", [64, 120, 800])
    def test_it_counts_hashes_in_common(self, rng: np.random.Generator, size: int) -> None:
        inputs = rng.random((30, size))
        inputs[10:20] = inputs[:10]
        inputs[10:20, :15] = rng.random((10, 15))
        detector = Blacklight()
        detector.fit(asked(inputs))
        found = detector.scores(asked(inputs, ["a", "b", "c"] * 10))
        assert found.tolist() == self.read(inputs, detector)
        assert found[10:20].min() > detector.limit, "whoever sent it"

    def test_half_of_the_fingerprint_is_the_limit(self) -> None:
        for size, window, limit in ((64, 20, 22), (784, 50, 25)):
            detector = Blacklight()
            detector.fit(asked(np.zeros((1, size))))
            assert (detector.window, detector.limit) == (window, limit)

    def test_nothing_is_in_common_with_nothing(self) -> None:
        assert Blacklight().scores(asked(np.zeros((0, 64)))).tolist() == []

    def test_the_fine_one_holds_nobody_to_the_queries_of_others(self, rng: np.random.Generator) -> None:
        inputs = np.repeat(rng.random((10, 64)), 2, axis=0)
        log = asked(inputs, ["a", "b"] * 10)
        assert Blacklight().scores(log).max() == 45
        assert FineBlacklight().scores(log).max() < 5


class Larger:
    """Scores a query by its first value, and remembers whom it learned from."""

    learned: list[set[str]]

    def __init__(self) -> None:
        self.learned = []

    def fit(self, benign: Queries) -> None:
        self.learned.append(set(benign.who.tolist()))

    def scores(self, log: Queries) -> Scores:
        if self.learned:
            assert not (self.learned[-1] & set(log.who.tolist())), "nobody is scored by what was learned from them"
        return log.inputs[:, 0].astype(np.float64)


class TestThreshold:
    def test_it_lies_a_quarter_beyond_the_highest_benign_score(self, rng: np.random.Generator) -> None:
        who = [f"user-{at % 60}" for at in range(600)]
        log, detector = asked(rng.random((600, 4)), who), Larger()
        assert learned_threshold(detector, log) == pytest.approx(MARGIN * log.inputs[:, 0].max())
        assert [len(names) for names in detector.learned] == [30, 30, 60]

    def test_where_no_benign_user_scores_anything_is_an_alarm(self) -> None:
        assert learned_threshold(Larger(), asked(np.zeros((20, 4)), [f"user-{at}" for at in range(20)])) == 0.0

    def test_scores_that_do_not_fit_are_an_error(self) -> None:
        class Wrong(Larger):
            def scores(self, log: Queries) -> Scores:
                return np.full(len(log), self.value)

            value = np.nan

        with pytest.raises(InputError, match="Wrong gave no score"):
            scored(asked(np.zeros((3, 4))), Wrong())
        Wrong.value = -1.0
        with pytest.raises(InputError):
            maxima(asked(np.zeros((3, 4))), Wrong())


class TestPlugged:
    def test_the_example_has_forty_lines_at_most(self) -> None:
        module = inspect.getmodule(Strangers)
        assert module is not None
        assert len(inspect.getsource(module).splitlines()) <= 40

    def test_it_is_found_by_module_and_class(self) -> None:
        name, make = plugged("bench.machinery.outsider:Strangers")
        assert (name, make) == ("Strangers", Strangers)

    def test_it_finds_noise_among_photos(self, rng: np.random.Generator) -> None:
        photos = np.clip(rng.normal(0.2, 0.05, (300, 64)), 0, 1)
        detector = Strangers()
        detector.fit(asked(photos, ["a", "b", "c"] * 100))
        usual = scored(asked(photos[:30]), detector)
        strange = scored(asked(np.concatenate([photos[:3], rng.random((5, 64)), photos[3:6]])), detector)
        assert np.flatnonzero(strange > 2 * usual.max()).tolist() == [5, 6, 7], "one strange query is not enough"

    @pytest.mark.parametrize(
        "path", ["bench.machinery.outsider", "bench.machinery.outsider:Nobody", "no.such.module:Class", ":"]
    )
    def test_what_is_not_there_is_an_error(self, path: str) -> None:
        with pytest.raises(InputError, match="there is no detector"):
            plugged(path)

    def test_what_is_no_detector_is_an_error(self) -> None:
        with pytest.raises(InputError, match="no method fit and no scores"):
            plugged("pathlib:Path")

    def test_every_reference_has_the_two_methods(self) -> None:
        for make in REFERENCES.values():
            detector = make()
            assert callable(detector.fit)
            assert callable(detector.scores)
