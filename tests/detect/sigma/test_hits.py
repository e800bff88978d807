import orjson

from caponier.detect.assets.scope import Asset
from caponier.detect.log import LogHit
from caponier.detect.sigma.hits import Hits, Matched, waiting_of


def matched(time: int, id_: str, *rules: str) -> Matched:
    assets = (Asset("digits", "host", "gpu-01"),)
    hit = LogHit(time, id_, "ann", None, "10.0.0.1", assets, "auth.jsonl", 7)
    return Matched(hit, rules or ("r",), {"user": "ann", "n": 5})


def test_what_goes_in_comes_out() -> None:
    hits = Hits()
    hits.add([matched(5, "e-1", "r", "s")])
    assert list(hits.moments(None)) == [(5, [matched(5, "e-1", "r", "s")])]


def test_in_order_of_time_and_id_however_they_came() -> None:
    hits = Hits()
    hits.add([matched(9, "e-3"), matched(5, "e-2")])
    hits.add([matched(5, "e-1")])
    assert [(time, [one.hit.event_id for one in group]) for time, group in hits.moments(None)] == [
        (5, ["e-1", "e-2"]),
        (9, ["e-3"]),
    ]


def test_an_event_is_kept_once() -> None:
    hits = Hits()
    hits.add([matched(5, "e-1"), matched(5, "e-1")])
    hits.add([matched(5, "e-1")])
    assert [len(group) for _, group in hits.moments(None)] == [1]
    assert hits.repeated == 2


def test_what_was_taken_is_gone() -> None:
    hits = Hits()
    hits.add([matched(5, "e-1"), matched(6, "e-2"), matched(7, "e-3")])
    assert [time for time, _ in hits.moments(6)] == [5]
    assert [time for time, _ in hits.moments(None)] == [6, 7]
    assert list(hits.moments(None)) == []
    hits.close()


def test_what_is_left_to_a_later_run_is_what_it_reads_again() -> None:
    one = matched(5, "e-1", "r", "s")
    left = waiting_of(one)
    assert left.document == orjson.loads(orjson.dumps(left.document))
    hits = Hits()
    assert hits.resume([left]) == {"e-1"}
    assert list(hits.moments(None)) == [(5, [one])]
