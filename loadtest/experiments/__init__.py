"""Experiments on the memory of a living pool: what is varied, what is claimed, what was measured, and what follows."""
