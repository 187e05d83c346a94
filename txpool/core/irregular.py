"""The signal by which the fast reader hands a transaction to the careful one. It never leaves `tx.py`."""


class Irregular(Exception):  # noqa: N818 - no error: the careful reader may find it valid
    """These bytes are not of the common form."""
