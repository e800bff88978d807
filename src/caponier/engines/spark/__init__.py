"""The same scan on Apache Spark: for logs that one machine takes too long for."""
