"""Records of products that nobody has described, and that are neither requests, connections nor audit records."""
