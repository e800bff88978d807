"""Which inputs a model is asked about beforehand."""
