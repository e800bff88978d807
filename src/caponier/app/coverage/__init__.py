"""What is covered, by which detectors and emulations, and what is not."""
