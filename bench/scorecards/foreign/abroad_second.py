"""The open worlds of the second set, whose callers change more between the two logs: both seeds that are published."""

from bench.scorecards.foreign import abroad

run = abroad.second
