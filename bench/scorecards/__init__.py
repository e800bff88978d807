"""Scorecards: `scripts/bench NAME` runs one."""
