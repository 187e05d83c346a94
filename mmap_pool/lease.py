"""A counted loan of a slot's bytes.

A view of a slot that is on its way to a socket outlives the call that made it. Until the lease is released the slot
is not handed out again, even when its payload has been freed meanwhile: late readers see old bytes, never a
stranger's.
"""

from collections.abc import Callable

from mmap_pool.handle import Handle


class Lease:
    """One loan; several of the same slot count one by one. Also a context manager that gives the view."""

    __slots__ = ("_end", "_handle", "_released", "view")

    def __init__(self, view: memoryview, handle: Handle, end: Callable[[Handle], None]) -> None:
        self.view = view
        self._handle = handle
        self._end = end
        self._released = False

    def release(self) -> None:
        """End the loan. A second call does nothing, as with `memoryview.release`.

        Raises:
            BufferError: something, a transport for one, still holds the view; the loan goes on. Views cut from it
                are not noticed: let go of them first.
        """
        if self._released:
            return
        self.view.release()
        self._released = True
        self._end(self._handle)

    def __enter__(self) -> memoryview:
        """Borrow for the length of a `with` block."""
        return self.view

    def __exit__(self, *exc: object) -> None:
        """Give back."""
        self.release()
