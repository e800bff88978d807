"""What people do with an ML system, for ill and for good, as the logs of its products tell it."""
