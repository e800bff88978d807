"""One campaign a file; the file's `CAMPAIGN` is the campaign, and its name is the file's."""
