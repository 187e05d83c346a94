"""What went in and what came of it: the input log, its replay, and digests of event streams."""
