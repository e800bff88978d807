"""What an attacker may do so as not to stand out, whatever the attack: one way a file, put between attack and model."""
