"""Models in binary forms that hold values and nothing to call."""
