"""From scores to triggers: what benign callers reach, kept in a baseline."""
