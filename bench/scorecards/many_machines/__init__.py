"""Past one machine: a cluster, a stream, and many who write at once."""
