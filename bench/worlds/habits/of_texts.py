"""Benign habits of callers of a model of texts: mails that people and programs have checked."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.worlds.habits.ground import Ground, Kind, repeated
from bench.worlds.traffic import Calls

Rng = np.random.Generator


def _array(texts: list[str]) -> NDArray[Any]:
    found = np.empty(len(texts), object)
    found[:] = texts
    return found


def newsletter(ground: Ground, rng: Rng, n: int) -> Calls:
    """A mailing tool: one mail to many, with another name and number in each."""
    size = int(rng.integers(10, 200))
    texts = repeated(ground.some(-(-n // size), rng), size, n)
    names = ground.some(n, rng)
    made = [f"dear {name.split()[0]} {name.split()[1]} {text} {number}"
            for text, name, number in zip(texts, names, rng.integers(1000, 99999, n), strict=True)]  # fmt: skip
    return Calls(_array(made), "burst")


def author(ground: Ground, rng: Rng, n: int) -> Calls:
    """Somebody who writes and has the draft checked after each sentence."""
    made: list[str] = []
    step = int(rng.integers(6, 20))
    for text in ground.some(n, rng):
        words = text.split()
        made += [" ".join(words[:end]) for end in range(step, len(words) + step, step)]
        if len(made) >= n:
            break
    return Calls(_array(made[:n]))


def editor(ground: Ground, rng: Rng, n: int) -> Calls:
    """Somebody whose own mails end as spam, and who puts other words until one passes, as a help page says."""
    tries = int(rng.integers(3, 15))
    texts = repeated(ground.some(-(-n // tries), rng), tries, n)
    words = " ".join(ground.some(40, rng)).split()
    made: list[str] = []
    for at, text in enumerate(texts):
        kept = text.split() if at % tries == 0 else made[-1].split()
        if at % tries:
            for place in rng.integers(0, len(kept), int(rng.integers(1, 4))):
                kept[place] = words[rng.integers(len(words))]
        made.append(" ".join(kept))
    return Calls(_array(made))


def thread(ground: Ground, rng: Rng, n: int) -> Calls:
    """A conversation: each mail quotes what came before."""
    made: list[str] = []
    length = int(rng.integers(3, 9))
    for at, text in enumerate(ground.some(n, rng)):
        short = " ".join(text.split()[:40])
        made.append(short if at % length == 0 else f"{short} wrote {made[-1]}"[:2_000])
    return Calls(_array(made))


def signature(ground: Ground, rng: Rng, n: int) -> Calls:
    """A company: the same thirty words of a disclaimer below everything."""
    foot = " ".join(ground.some(1, rng)[0].split()[:30])
    return Calls(_array([f"{text} {foot}" for text in ground.some(n, rng)]), "steady")


def invoices(ground: Ground, rng: Rng, n: int) -> Calls:
    """An accounting program: a template in which sums, dates and a firm differ."""
    words = ground.some(1, rng)[0].split()[:60]
    made = []
    for name in ground.some(n, rng):
        kept = list(words)
        for place in range(5, len(kept), 12):
            kept[place] = str(rng.integers(10, 9999))
        made.append(" ".join([*name.split()[:3], *kept]))
    return Calls(_array(made), "daily")


def preview(ground: Ground, rng: Rng, n: int) -> Calls:
    """A client that has the first lines checked, and then the whole."""
    texts = repeated(ground.some(-(-n // 2), rng), 2, n)
    return Calls(_array([" ".join(text.split()[:15]) if at % 2 == 0 else text for at, text in enumerate(texts)]))


def forwarder(ground: Ground, rng: Rng, n: int) -> Calls:
    """Mails that are passed on several times: each time a line more before it."""
    times = int(rng.integers(2, 6))
    texts = repeated(ground.some(-(-n // times), rng), times, n)
    return Calls(_array(["forwarded message from the list " * (at % times) + text for at, text in enumerate(texts)]))


def chatter(ground: Ground, rng: Rng, n: int) -> Calls:
    """A chat: short texts, many the same (yes, thanks, on my way)."""
    made = []
    for text in ground.some(n, rng):
        words = text.split()
        at = int(rng.integers(0, max(1, len(words) - 6)))
        made.append("yes thanks" if rng.random() < 0.15 else " ".join(words[at : at + int(rng.integers(1, 7))]))
    return Calls(_array(made))


def cleaner(ground: Ground, rng: Rng, n: int) -> Calls:
    """A data team that compares ways to clean a text: as it is, without short words, without doubles."""
    texts = repeated(ground.some(-(-n // 3), rng), 3, n)
    made = []
    for at, text in enumerate(texts):
        words = text.split()
        short, once = [word for word in words if len(word) > 4] or words, list(dict.fromkeys(words))
        made.append(" ".join((words, short, once)[at % 3]))
    return Calls(_array(made), "night")


def chunks(ground: Ground, rng: Rng, n: int) -> Calls:
    """A program that cuts long texts into windows which overlap by half."""
    made: list[str] = []
    for text in ground.some(n, rng):
        words = text.split()
        made += [" ".join(words[at : at + 40]) for at in range(0, max(1, len(words) - 20), 20)]
        if len(made) >= n:
            break
    return Calls(_array(made[:n]), "burst")


def typist(ground: Ground, rng: Rng, n: int) -> Calls:
    """Somebody who mistypes: the mail once with errors, once corrected."""
    made = []
    for at, text in enumerate(repeated(ground.some(-(-n // 2), rng), 2, n)):
        letters = list(text)
        for place in rng.integers(0, len(letters) - 1, 3 if at % 2 == 0 else 0):
            letters[place], letters[place + 1] = letters[place + 1], letters[place]
        made.append("".join(letters))
    return Calls(_array(made))


TEXTS: Final[Mapping[str, Kind]] = {
    "newsletter": Kind(newsletter, 4, 10), "author": Kind(author, 4, 1), "editor": Kind(editor, 3, 1),
    "thread": Kind(thread, 4, 2), "signature": Kind(signature, 3, 5), "invoices": Kind(invoices, 3, 4),
    "preview": Kind(preview, 3, 1), "forwarder": Kind(forwarder, 2, 1), "chatter": Kind(chatter, 3, 3),
    "cleaner": Kind(cleaner, 1, 1.5), "chunks": Kind(chunks, 2, 2), "typist": Kind(typist, 2, 1),
}  # fmt: skip
