"""How a caller reaches a model: one request after the other, counted."""
