"""What was answered, and where a log has it."""
