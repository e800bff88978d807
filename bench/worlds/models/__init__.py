"""The models of the worlds, one a file, each trained by `trains(seed)`."""
