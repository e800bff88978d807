"""What leaves before detection has looked at it, and what does not."""
