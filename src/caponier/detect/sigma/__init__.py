"""Detections over ordinary security logs, for the techniques that come from ATT&CK Enterprise."""
