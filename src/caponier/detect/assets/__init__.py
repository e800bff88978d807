"""Which assets of ML systems an event touches."""
