"""Engines run the detectors over logs; all of them give the same findings."""
