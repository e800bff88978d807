"""`python -m caponier` is the same program as `caponier`."""

from caponier.cli import main

main()
