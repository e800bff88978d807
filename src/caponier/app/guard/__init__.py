"""The guard at work: recording, detecting and responding beside the requests."""
