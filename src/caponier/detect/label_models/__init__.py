"""Models of labels, to find labels that do not fit."""
