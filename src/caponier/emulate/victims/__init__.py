"""Models to attack: trained on the spot, served on the loopback address, and asked through a client."""
