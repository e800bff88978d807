"""Scorecards: one file each, named like the scorecard; `scripts/bench NAME` runs one."""
