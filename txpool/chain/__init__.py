"""Chains that the pool follows: the embedded dev chain, and the protocol that every chain keeps."""
