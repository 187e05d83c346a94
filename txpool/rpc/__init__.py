"""JSON-RPC: the envelope, the methods by namespace, and the servers that carry them."""
