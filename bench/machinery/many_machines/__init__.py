"""What a cluster, a stream, and many who write at once are measured with."""
