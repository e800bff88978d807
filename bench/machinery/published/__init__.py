"""What is published of all scorecards on one page, with pictures."""
