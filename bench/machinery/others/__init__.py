"""Detectors and scanners of others, on the same inputs."""
