"""One page for management and analysts, with a table-top exercise."""
