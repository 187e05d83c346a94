"""The one-shot commands' side of JSON-RPC; imports little, so that a command starts at once."""
