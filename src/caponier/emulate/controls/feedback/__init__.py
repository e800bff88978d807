"""Sources of feedback, one a file: those that steer or flood it, and harmless ones that look similar."""
