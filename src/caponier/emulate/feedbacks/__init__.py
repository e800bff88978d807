"""Users of a model who send back what its answers should have been, in good faith or not."""
