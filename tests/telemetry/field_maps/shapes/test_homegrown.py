"""Home-grown logs that are generated are read whole and right: most of a small sample."""

from pathlib import Path

from bench.machinery.homegrown.judged import judge
from bench.machinery.homegrown.logs import generate

SAMPLE = 20


def test_most_of_a_sample_is_read_whole_and_right(tmp_path: Path) -> None:
    told = [judge(generate(seed), tmp_path).kind for seed in range(SAMPLE)]
    assert told.count("right") >= 0.85 * SAMPLE
