"""What scorecards share."""
