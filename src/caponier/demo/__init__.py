"""The whole story on real data, from a stolen account to a proven repair."""
