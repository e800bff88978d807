"""Scans of what is not an inference log: model files, data sets and security logs."""
