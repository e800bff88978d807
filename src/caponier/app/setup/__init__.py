"""First steps: a workspace that a log suggests, and what can be seen in one that is there."""
