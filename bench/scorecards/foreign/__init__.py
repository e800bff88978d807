"""Worlds, users and logs that nothing was tuned on."""
