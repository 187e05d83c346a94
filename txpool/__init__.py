"""A standalone Ethereum transaction pool."""
