"""The world of the third set, in which sensors are missing: run once, and published as it is."""

from bench.scorecards.foreign import abroad

run = abroad.third
