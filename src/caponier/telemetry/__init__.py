"""From the logs that a user has to events in order: readers, features, digests, principals and the recorder."""

from caponier.telemetry.recorder import EventLog, Recorder

__all__ = ["EventLog", "Recorder"]
