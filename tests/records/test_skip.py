"""What was not done is said part by part, and once a reason where many parts lack the same."""

from caponier.records.skip import Skip, in_words

WHY = "nobody is named; log a principal"
PARTS = ("novelty", "flood", "sponge", "a", "b", "c")


def test_parts_that_lack_the_same_stand_together() -> None:
    skipped = [Skip(f"m: {part}", WHY) for part in PARTS] + [Skip("n: flood", WHY), Skip("m: d", "no cost")]
    assert in_words(skipped) == [f"m: novelty, flood, sponge, a, b, c: {WHY}", f"n: flood: {WHY}", "m: d: no cost"]


def test_a_part_alone_and_whole_things_have_a_line_each() -> None:
    skipped = [Skip("m: novelty", WHY), Skip("m: flood", "no cost")] + [Skip(f"{part}.log", "empty") for part in PARTS]
    assert in_words(skipped) == list(map(str, skipped))


def test_a_whole_thing_keeps_its_line_beside_parts_of_it() -> None:
    assert in_words([Skip("m: a", WHY), Skip("m", WHY), Skip("m: b", WHY)]) == [f"m: {WHY}", f"m: a, b: {WHY}"]
