"""Detectors score events; judging alone decides what becomes a finding."""
