"""Which queries are rows of the training set, or nearly, without keeping the rows."""
