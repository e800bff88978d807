"""How callers of a model ask, summed up, and whether that has drifted."""
