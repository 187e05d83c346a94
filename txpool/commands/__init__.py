"""What `txpool` can be asked to do, a file a subject; `cli.py` knows where each command is.

A file here is read when one of its commands is asked for, or listed; a command imports what it works with when it runs.
"""
