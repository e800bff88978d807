"""Those who find out what a model is, one a file."""
