"""Files of models, read by our own readers and never loaded."""
