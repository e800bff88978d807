"""What a log means by the shape of what it holds, where no name tells."""
