"""One file a format; each yields chunks of raw rows with their line numbers, and rejections for what it cannot read."""
