"""What can be seen of the running process: pauses, lag, memory, and the page that shows it all."""
