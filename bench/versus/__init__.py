"""Our daemon beside another node: the same transactions, the same harness, in alternating rounds of one run."""

from bench.versus.tournament import main

__all__ = ["main"]
