"""Controls: what looks like an attack and is none."""
