"""What an emulation and its control prove of a detector, by kind of detector."""
