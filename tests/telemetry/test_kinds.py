"""Rows with categories, and texts, on the one small scale."""

import numpy as np
import pytest
from numpy.typing import NDArray

from caponier.errors import InputError
from caponier.records.inventory import TEXT_SIZE, FeatureSpec
from caponier.telemetry.features import CODES, LEVELS, MATCHED, MAX_FEATURES, TWICE, Encoder
from caponier.telemetry.raw_inputs import counts_of

RNG = np.random.default_rng(5)
MIXED = FeatureSpec(kind="categorical", shape=(3,), categories=(1,))
SAMPLE = np.column_stack([np.exp(RNG.normal(0, 3, 600)), RNG.choice([7.0, 9.0, 11.0], 600), RNG.random(600)]).astype(
    np.float32
)


def squared(encoder: Encoder, *rows: list[float]) -> int:
    first, second = encoder.encode(np.array(rows, np.float32)).astype(int)
    return int(((first - second) ** 2).sum())


class TestCategories:
    @pytest.fixture
    def encoder(self) -> Encoder:
        return Encoder.fit(MIXED, SAMPLE)

    def test_a_category_becomes_a_column_for_each_usual_one_and_one_for_the_rest(self, encoder: Encoder) -> None:
        assert encoder.width == 2 + TWICE * (3 + 1)
        assert encoder.encode(SAMPLE).shape == (600, encoder.width)
        assert encoder.encode(SAMPLE).max() <= LEVELS

    def test_all_changes_of_a_category_count_the_same(self, encoder: Encoder) -> None:
        near, far = squared(encoder, [1, 7, 0], [1, 9, 0]), squared(encoder, [1, 7, 0], [1, 11, 0])
        assert near == far == squared(encoder, [1, 7, 0], [1, -400, 0]) == (2 * MATCHED) ** 2
        assert squared(encoder, [1, 7, 0], [1, 7, 0]) == 0

    def test_a_change_counts_as_much_as_the_whole_range_of_a_number(self, encoder: Encoder) -> None:
        low, high = float(SAMPLE[:, 0].min()), float(SAMPLE[:, 0].max())
        assert squared(encoder, [1, 7, 0], [1, 9, 0]) == pytest.approx(
            squared(encoder, [low, 7, 0], [high, 7, 0]), rel=0.02
        )

    def test_categories_never_seen_are_all_one(self, encoder: Encoder) -> None:
        assert squared(encoder, [1, -5, 0], [1, 400, 0]) == 0

    def test_the_numbers_beside_them_use_the_whole_range(self, encoder: Encoder) -> None:
        assert abs(np.median(encoder.encode(SAMPLE)[:, 0]) - LEVELS / 2) < 2

    def test_the_usual_ones_are_the_commonest(self) -> None:
        codes = np.repeat(np.arange(40, dtype=np.float32), np.arange(1, 41))[:, None]
        encoder = Encoder.fit(FeatureSpec(kind="categorical", shape=(1,)), codes)
        assert encoder.width == TWICE * (CODES + 1)
        usual = encoder.knots[np.isfinite(encoder.knots)]
        assert sorted(usual.tolist()) == list(range(40 - CODES, 40))

    def test_without_names_all_columns_are_categories(self) -> None:
        rows = RNG.integers(0, 2, (50, 4)).astype(np.float32)
        assert Encoder.fit(FeatureSpec(kind="categorical", shape=(4,)), rows).width == TWICE * 4 * 3

    def test_many_columns_share_the_room(self) -> None:
        rows = RNG.integers(0, 30, (900, 130)).astype(np.float32)
        encoder = Encoder.fit(FeatureSpec(kind="categorical", shape=(130,)), rows)
        assert encoder.width <= MAX_FEATURES
        assert encoder.encode(rows[:3]).shape == (3, encoder.width)

    def test_more_than_fit_are_refused(self) -> None:
        wide = np.zeros((2, MAX_FEATURES + 1), np.float32)
        with pytest.raises(InputError, match="4,164 features"):
            Encoder.fit(FeatureSpec(kind="categorical", shape=(MAX_FEATURES + 1,)), wide)

    def test_encoding_does_not_depend_on_the_batch(self, encoder: Encoder) -> None:
        alone = np.concatenate([encoder.encode(SAMPLE[row : row + 1]) for row in range(50)])
        assert (alone == encoder.encode(SAMPLE)[:50]).all()

    def test_the_order_of_a_log_does_not_count(self, encoder: Encoder) -> None:
        again = Encoder.fit(MIXED, SAMPLE[::-1].copy())
        assert np.array_equal(again.knots, encoder.knots, equal_nan=True)


class TestTexts:
    spec = FeatureSpec(kind="text")

    def encoded(self, *texts: str) -> NDArray[np.int64]:
        encoder = Encoder.fit(self.spec, np.zeros((0, TEXT_SIZE), np.float32))
        return encoder.encode(np.stack([counts_of(text) for text in texts])).astype(np.int64)

    def test_one_other_word_is_a_small_step(self) -> None:
        mail = " ".join(f"word{n}" for n in range(60))
        other = " ".join(f"term{n}" for n in range(60))
        one, near, far = self.encoded(mail, mail.replace("word30", "viagra"), other)
        assert 0 < ((one - near) ** 2).sum() < ((one - far) ** 2).sum() / 10

    def test_the_first_of_a_kind_says_most(self) -> None:
        rows = Encoder.fit(self.spec, np.zeros((0, TEXT_SIZE), np.float32)).encode(
            np.array([[0.0, 1.0, 2.0, 1e9] + [0.0] * 252], np.float32)
        )
        assert rows[0, :4].tolist() == [0, 64, 85, 127]

    def test_the_width_is_known_without_a_sample(self) -> None:
        assert Encoder.fit(self.spec, np.zeros((0, TEXT_SIZE), np.float32)).width == TEXT_SIZE


class TestSpecification:
    def test_digests_from_before_there_were_categories_hold(self) -> None:
        assert FeatureSpec(kind="image", shape=(8, 8), minimum=0.0, maximum=1.0).digest() == (
            "af9e86f6cf60a63bf1525dee15fcd1837f30d8c3ae0259a3d31139f7e519ea43"
        )
        assert MIXED.digest() != FeatureSpec(kind="categorical", shape=(3,)).digest()

    @pytest.mark.parametrize(
        ("given", "what"),
        [
            ({"kind": "numeric", "shape": (3,), "categories": (1,)}, "only a row"),
            ({"kind": "categorical", "shape": (3,), "categories": (3,)}, "beyond the shape"),
            ({"kind": "text", "shape": (3,)}, "a text has no shape"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, given: dict[str, object], what: str) -> None:
        with pytest.raises(ValueError, match=what):
            FeatureSpec.model_validate(given)

    def test_a_text_has_a_size_of_its_own(self) -> None:
        assert FeatureSpec(kind="text").size == FeatureSpec(kind="text", shape=(TEXT_SIZE,)).size == TEXT_SIZE
