"""How often a transaction finds room that another has left."""

from typing import NamedTuple


class Reuse(NamedTuple):
    """Puts since the store was made, and those among them that took a slot or buffer which had been used before."""

    puts: int
    reused: int
