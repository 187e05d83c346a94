"""What decides how the daemon goes on: the degradation governor and the limit on memory."""
