"""Neural networks read out of model files as numbers, and computed here: no file is ever loaded for it."""
