"""Coverage: which techniques were seen to be detected, which are only meant to be, and which are not, and why."""
