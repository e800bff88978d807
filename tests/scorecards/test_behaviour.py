"""The scorecard of behaviour on two tiny worlds: streams, refusal, figures, table and pictures."""

import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest
from bench import __main__ as bench_main
from bench.machinery import streams
from bench.machinery.behaviour_pictures import Line, Point, delays
from bench.machinery.evaders import Refusing as Used
from bench.machinery.others.judges import ALPHAS, OURS, judged
from bench.machinery.others.references import plugged
from bench.machinery.refusal import Refusing
from bench.machinery.streams import Outcome, Queries, Streams
from bench.scorecards import behaviour
from bench.scorecards.behaviour import World, draw, figures, table

from caponier.emulate.caller.oracle import RefusedError
from caponier.emulate.images import shots
from caponier.emulate.registry import campaigns
from caponier.emulate.simulation.population import assemble, simulate
from caponier.emulate.victims.digits import DigitsSplit, Pool, Victim

LEARNED, USERS = 56, 15
OTHERS = ("NearPairs", "Strangers")


def attackers(split: DigitsSplit, victim: Victim) -> list[streams.Attacker]:
    known = victim.understood(split.attackers)
    originals, own = Pool(known.images[:-20], known.labels[:-20]), known.images[-20:]
    ways = {way.kind: way for way in streams._ways(own)}
    found = [streams._on_image(ways[kind], victim, originals, 0, 1) for kind in ("hop_skip_jump", "simba in waves")]
    campaign = campaigns()["natural_extraction"]
    return [*found, streams._on_model(campaign, campaign.stage(split, 1, victim), 0, 1)]


@pytest.fixture(scope="module")
def worlds(digits: tuple[DigitsSplit, Victim], tmp_path_factory: pytest.TempPathFactory) -> list[World]:
    split, victim = digits
    benign = simulate(assemble(split.calibration.images, LEARNED, 1), victim.predict_proba, 200)
    users = simulate(assemble(split.test.images, USERS, 2), victim.predict_proba, 200)
    log = Streams("mlp", 1, split.train.images, benign, users, attackers(split, victim))
    makers = dict(map(plugged, ("bench.machinery.others.references:NearPairs", "bench.machinery.outsider:Strangers")))
    return [World(log, judged(log, tmp_path_factory.mktemp("world"), makers))]


class TestStreams:
    def test_repeats_by_the_same_caller_are_left_out_and_counted(self, worlds: list[World]) -> None:
        events = worlds[0].log.users
        queries = Queries.of(pa.concat_tables([events, events.slice(0, 50)]))
        assert len(queries) == len(Queries.of(events)) == USERS * 200
        for _, rows in queries.callers():
            assert len(np.unique(queries.inputs[rows], axis=0)) == len(rows) == 200
            assert (np.diff(queries.requests[rows]) >= 1).all()
            assert (np.diff(queries.times[rows]) >= 0).all()

    def test_some_of_them_can_be_taken(self, worlds: list[World]) -> None:
        queries = Queries.of(worlds[0].log.users)
        name = str(queries.who[0])
        own = queries.take(queries.who == name)
        assert [who for who, _ in own.callers()] == [name]
        assert len(own) == 200

    def test_the_trees_are_answered_as_scikit_learn_answers(self, digits: tuple[DigitsSplit, Victim]) -> None:
        from sklearn.ensemble import GradientBoostingClassifier

        split, _ = digits
        model = GradientBoostingClassifier(n_estimators=5, max_depth=streams.DEPTH, max_features=8, random_state=0)
        model.fit(split.train.images, split.train.labels)
        photos = shots(split.test.images, np.random.default_rng(0))
        predict = streams.forward(model)
        assert predict(photos) == pytest.approx(model.predict_proba(photos), abs=1e-6)
        assert predict(photos[:1]).shape == (1, 10)
        assert predict(photos).dtype == np.float32

    def test_attackers_of_either_sort_are_there(self) -> None:
        ways = list(streams._ways(np.zeros((20, 64), np.float32)))
        assert {way.kind for way in ways if not way.adaptive} == {"boundary", "hop_skip_jump", "nes", "simba", "square"}
        assert len([way for way in ways if way.adaptive]) >= 4


class TestRefusal:
    def test_it_answers_so_often_and_no_more(self) -> None:
        refusing = Refusing(lambda rows: rows + 1, 2)
        assert [refusing(1), refusing(2)] == [2, 3]
        with pytest.raises(RefusedError):
            refusing(3)
        assert Used is Refusing, "the scorecard of evasion refuses in the same way"

    def test_whoever_is_refused_at_once_fails_and_whoever_never_is_does_not(self, worlds: list[World]) -> None:
        for one in worlds[0].log.attackers:
            assert one.again(100_000) == one.free
            assert not one.again(1).success

    def test_a_copy_is_worth_what_was_answered(self, worlds: list[World]) -> None:
        copier = worlds[0].log.attackers[-1]
        few, more = copier.again(20), copier.again(400)
        assert few.agreement is not None
        assert more.agreement is not None
        assert few.agreement < more.agreement


class TestJudged:
    def test_everybody_speaks_at_every_share(self, worlds: list[World]) -> None:
        said = worlds[0].said
        assert set(said) == {OURS, *OTHERS}
        for judge in said.values():
            assert len(judge.at) == len(ALPHAS)
            caught = [len(sighting.attackers) for sighting in judge.at]
            assert caught == sorted(caught), "who lets more benign callers be flagged sees no fewer attackers"

    def test_a_search_from_noise_is_seen_and_ends_there(self, worlds: list[World]) -> None:
        ours, (search, *_) = worlds[0].said[OURS], worlds[0].log.attackers
        alarm = ours.run.attackers[search.principal]
        assert alarm.by
        assert alarm.queries <= alarm.requests < search.events.num_rows
        assert search.free.success
        assert not ours.refused[search.principal].success
        curve = ours.curves[search.principal]
        assert (np.diff(curve) >= 0).all()
        assert curve[-1] > 1

    def test_whoever_is_not_seen_is_not_refused(self, worlds: list[World]) -> None:
        for judge in worlds[0].said.values():
            for one in worlds[0].log.attackers:
                if one.principal not in judge.run.attackers:
                    assert judge.refused[one.principal] == one.free

    def test_the_others_count_different_queries(self, worlds: list[World]) -> None:
        sent = {one.principal: one.different for one in worlds[0].log.attackers}
        alarms = {who: alarm for name in OTHERS for who, alarm in worlds[0].said[name].at[-1].attackers.items()}
        assert alarms, "somebody is seen by somebody"
        for who, alarm in alarms.items():
            assert 1 <= alarm.queries <= alarm.requests
            assert alarm.queries <= sent[who]


class TestScorecard:
    def test_the_figures_are_of_everybody(self, worlds: list[World]) -> None:
        more = [*worlds, World(Streams("boosted", 1, *_rest(worlds[0].log)), worlds[0].said)]
        told = figures(more)
        assert told["attackers"] == 6
        assert told["benign_users"] == 2 * USERS
        assert told["evasion_flagged_share"] == 1.0
        assert told["mlp_attackers_flagged_share"] == told["boosted_attackers_flagged_share"]
        assert told["copies_agreement_median"] >= told["copies_agreement_though_refused_median"]
        assert told["benign_flagged_share_low"] <= told["benign_users_flagged"] / (2 * USERS)
        assert told["benign_flagged_share_high"] > told["benign_flagged_share_low"]
        for name in OTHERS:
            assert 0 <= told[f"{name}_attackers_flagged_share"] <= 1
            assert f"{name}_benign_flagged_share_high" in told

    def test_the_table_has_attacks_habits_and_shares(self, worlds: list[World]) -> None:
        rows = table(worlds)
        search = next(row for row in rows if row["who"] == "hop_skip_jump")
        assert (search["number"], search["flagged"], search["succeeded_though_refused"]) == (1, 1, 0)
        assert search["NearPairs"].endswith("succeed")
        habits = [row for row in rows if "interval" in row]
        assert sum(row["number"] for row in habits) == USERS
        assert all(row["interval"][0] <= row["flagged"] / row["number"] <= row["interval"][1] for row in habits)
        assert len([row for row in rows if "alpha" in row]) == 3 * len(ALPHAS)

    def test_the_pictures_are_drawn_with_what_they_say(self, worlds: list[World], tmp_path: Path) -> None:
        draw(worlds, tmp_path)
        for name in ("behaviour-delay.svg", "behaviour-suspicion.svg"):
            text = (tmp_path / name).read_text(encoding="utf-8")
            root = ElementTree.fromstring(text)
            assert root.tag.endswith("svg")
            assert "prefers-color-scheme: dark" in text
            assert "nan" not in text
        delay, curves = ((tmp_path / f"behaviour-{name}.svg").read_text() for name in ("delay", "suspicion"))
        assert "NearPairs: " in delay
        assert "(seed 1)" in delay
        assert "hop_skip_jump: above the threshold after" in curves
        assert "natural_extraction: never above the threshold" in curves

    def test_what_is_published_elsewhere_has_a_ring(self) -> None:
        line = Line("prada", [Point(0.0, 0.2, 100)], Point(0.3, 0.6, 50))
        assert "ring" in delays([line], [1, 2]).split("</style>")[1]
        assert 'class="ring' not in delays([Line("prada", line.points)], [1])

    @pytest.mark.parametrize("path", ["nosuch", "bench:Nope", "bench.machinery.outsider:Strange", "os:getcwd"])
    def test_what_is_no_detector_is_refused_without_a_traceback(
        self, path: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["bench", "behaviour", "--quick", "--with", path])
        with pytest.raises(SystemExit) as ended:
            bench_main.main()
        assert ended.value.code == 2
        assert repr(path) in capsys.readouterr().err

    def test_other_scorecards_take_nobody_else(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["bench", "loop", "--with", "bench.machinery.outsider:Strangers"])
        with pytest.raises(SystemExit):
            bench_main.main()
        assert "takes no other detectors" in capsys.readouterr().err

    def test_what_others_plug_in_is_shown_and_not_saved(
        self, worlds: list[World], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        more = World(Streams("boosted", 1, *_rest(worlds[0].log)), worlds[0].said)
        made = {"mlp": worlds[0], "boosted": more}
        monkeypatch.setattr(behaviour, "_world", lambda kind, *_: made[kind])
        monkeypatch.setattr(behaviour, "PICTURES", tmp_path)
        monkeypatch.setattr("bench.machinery.scorecard.RESULTS", tmp_path)
        command = ["bench", "behaviour", "--quick", "--with", "bench.machinery.outsider:Strangers"]
        monkeypatch.setattr(sys, "argv", command)
        bench_main.main()
        assert "Strangers_attackers_flagged_share" in capsys.readouterr().out
        assert not list(tmp_path.iterdir())


def _rest(log: Streams) -> tuple[object, ...]:
    return log.training, log.benign, log.users, log.attackers


def test_an_attack_that_makes_no_copy_has_no_agreement() -> None:
    assert Outcome(True).agreement is None
