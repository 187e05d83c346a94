"""Long work in steps, so that whoever drives it decides how much is done at a time.

A step is the work up to the next `yield`: tens of microseconds, whatever the pool holds. No step knows of a clock; that
is the driver's. Taking all at once gives the same as taking them one by one, as long as nobody changes meanwhile what
the steps work on.
"""

from collections.abc import Callable, Generator, Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias, TypeVar

T = TypeVar("T")
V = TypeVar("V")

Steps: TypeAlias = Generator[None, None, T]

MANY: Final = 32  # things of a few microseconds each that one step may do


def finish(steps: Steps[T]) -> T:
    """Take all steps at once; what they come to."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def do_each(things: Iterable[V], act: Callable[[V], None]) -> Steps[None]:
    """Do the same to all, to some in each step."""
    for number, thing in enumerate(things, start=1):
        act(thing)
        if not number % MANY:
            yield


def portions(things: Iterable[V], size: int = MANY) -> Iterator[tuple[V, ...]]:
    """The same in order, some at a time."""
    rest = iter(things)
    while some := tuple(islice(rest, size)):
        yield some
