"""What stands in the records of several clouds: paths of resources, and policies."""
