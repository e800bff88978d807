"""Caponier: machine-learning detection and response around the Adversarial ML Threat Matrix."""

__version__ = "0.1.0"
