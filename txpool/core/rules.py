"""Which rules hold when: the forks in order, and a chain's schedule of them from its genesis file."""

from enum import IntEnum


class Fork(IntEnum):
    """The protocol's upgrades that change what a transaction may be, oldest first: later ones compare greater."""

    FRONTIER = 0
    HOMESTEAD = 1
    TANGERINE_WHISTLE = 2
    SPURIOUS_DRAGON = 3
    BYZANTIUM = 4
    CONSTANTINOPLE = 5
    PETERSBURG = 6
    ISTANBUL = 7
    BERLIN = 8
    LONDON = 9
    PARIS = 10
    SHANGHAI = 11
    CANCUN = 12
    PRAGUE = 13
    OSAKA = 14
    BPO1 = 15
    BPO2 = 16
    BPO3 = 17
    BPO4 = 18
    BPO5 = 19
    AMSTERDAM = 20
