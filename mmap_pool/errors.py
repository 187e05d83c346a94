"""What can be wrong with a handle or a payload. Each of these is a bug of the caller; a full pool is none."""


class HandleError(LookupError):
    """A handle that opens nothing."""


class OutOfRangeError(HandleError):
    """The pool never issued this handle."""


class StaleHandleError(HandleError):
    """The handle was good once; its slot has been freed since."""


class DoubleFreeError(StaleHandleError):
    """The slot was freed already, and nobody has it now."""


class OversizedError(ValueError):
    """The payload is larger than the largest size class: no slot could ever hold it."""
