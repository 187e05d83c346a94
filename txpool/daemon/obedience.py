"""What the stewards use to have their way: a change of the pool's restraint, and a word to whom it concerns."""

from collections.abc import Awaitable, Callable

from txpool.core.restraint import Restraint
from txpool.rpc.pool_governor import Moved

# Given what makes the new restraint out of the one in force; done when the pool obeys.
Restrain = Callable[[Callable[[Restraint], Restraint]], Awaitable[None]]
Tell = Callable[[Moved], None]
