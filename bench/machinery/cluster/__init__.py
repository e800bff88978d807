"""A Spark cluster on this machine, and what its processes cost."""
