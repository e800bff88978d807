"""What commands share: options, output, progress, and text that cannot do harm on a terminal."""
