from caponier.detect.artifact import Judgement, Limits, Verdict


def test_unknown_is_worse_than_clean_and_better_than_unsafe() -> None:
    assert max(Verdict, key=lambda verdict: verdict.rank) is Verdict.UNSAFE
    assert min(Verdict, key=lambda verdict: verdict.rank) is Verdict.CLEAN


def test_the_budget_grows_with_the_file() -> None:
    limits = Limits(expanded_bytes=100, expansion=10)
    assert (limits.budget(0), limits.budget(7)) == (100, 170)


def test_reasons_stand_on_one_line() -> None:
    assert Judgement(Verdict.UNKNOWN, "zip", ("a", "b")).reason == "a; b"
    assert Judgement(Verdict.CLEAN, "zip").reason == ""
