"""A month of an ordinary organisation that runs ML, in the native forms of its logs, with attacks planted on demand."""
