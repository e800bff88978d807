"""From one version or matrix to another: crosswalks, successions and differences."""
