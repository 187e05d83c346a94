"""Which transactions a corpus consists of, before anything is signed: a stream of orders from a seed.

Three steps, each a generator: what senders do in nonce order, that shuffled a little, and then what competes with it,
comes twice or is wrong.
"""

import math
import random
from collections.abc import Iterator
from enum import IntEnum
from itertools import accumulate, count, islice
from typing import Final

import msgspec

from loadtest.scenario import Recipe

GWEI: Final = 10**9
BALANCE: Final = 10**24
BLOB_TYPE: Final = 3
SET_CODE_TYPE: Final = 4
BLOBS_A_SENDER: Final = 8  # pools take 16 of one sender
GAS_BASE: Final = 21_000
GAS_A_BYTE: Final = 40  # the floor of EIP-7623, above what calldata costs otherwise
GAS_OF_TYPE: Final = (0, 4_300, 0, 0, 25_000)  # an access list of one address and key, an authorization
REMEMBERED: Final = 4096  # orders that a replacement may pick from
_DRAWN_AT_ONCE: Final = 4096


class Kind(IntEnum):
    """What an order is for; what a pool should answer follows from it."""

    REGULAR = 0
    REPLACEMENT = 1
    CANCEL = 2
    UNDERPRICED = 3
    DUPLICATE = 4
    BAD_SIGNATURE = 5
    WRONG_CHAIN = 6
    LOW_GAS = 7
    OVERDRAFT = 8


ACCEPTED: Final = frozenset({Kind.REGULAR, Kind.REPLACEMENT, Kind.CANCEL})


class Order(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A transaction to sign. Calldata and recipient follow from `salt`."""

    kind: int
    sender: int
    nonce: int
    type: int
    tip_cap: int
    fee_cap: int
    gas: int
    value: int
    data_size: int
    salt: int


def blob_senders(recipe: Recipe, transactions: int) -> int:
    """How many accounts beside the senders send blob transactions and nothing else."""
    weights = recipe.types.weights()
    share = weights[BLOB_TYPE] / sum(weights)
    return math.ceil(transactions * share * 1.2 / BLOBS_A_SENDER) + 1 if share else 0


def orders(recipe: Recipe, transactions: int) -> Iterator[Order]:
    """So many orders, always the same for a recipe."""
    chance = random.Random(f"txpool load {recipe.seed}")
    regular = _shuffled(_regular(recipe, transactions, chance), recipe.nonces.shuffle_window, chance)
    return islice(_spiced(regular, recipe, chance), transactions)


def _regular(recipe: Recipe, transactions: int, chance: random.Random) -> Iterator[Order]:
    nonces = [0] * (recipe.senders + blob_senders(recipe, transactions))
    next_blob_sender = count()
    senders, fees, sizes = _senders(recipe, chance), _fees(recipe, chance), _sizes(recipe, chance)
    for salt, type_ in enumerate(_types(recipe, chance)):
        sender = next(senders)
        if type_ == BLOB_TYPE:
            sender = recipe.senders + next(next_blob_sender) % (len(nonces) - recipe.senders)
        elif recipe.nonces.gap_share and chance.random() < recipe.nonces.gap_share:
            nonces[sender] += 1
        tip_cap, fee_cap = next(fees)
        size = next(sizes)
        gas = GAS_BASE + GAS_A_BYTE * size + GAS_OF_TYPE[type_]
        yield Order(Kind.REGULAR, sender, nonces[sender], type_, tip_cap, fee_cap, gas, 1, size, salt)
        nonces[sender] += 1


def _senders(recipe: Recipe, chance: random.Random) -> Iterator[int]:
    if recipe.order == "rounds":
        while True:
            yield from range(recipe.senders)
    activity = list(accumulate((rank + 1) ** -recipe.zipf for rank in range(recipe.senders)))
    while True:
        yield from chance.choices(range(recipe.senders), cum_weights=activity, k=_DRAWN_AT_ONCE)


def _types(recipe: Recipe, chance: random.Random) -> Iterator[int]:
    weights = recipe.types.weights()
    while True:
        yield from chance.choices(range(len(weights)), weights, k=_DRAWN_AT_ONCE)


def _sizes(recipe: Recipe, chance: random.Random) -> Iterator[int]:
    weights = [share.weight for share in recipe.calldata]
    while True:
        for share in chance.choices(recipe.calldata, weights, k=_DRAWN_AT_ONCE):
            fixed = share.bytes_min == share.bytes_max
            yield share.bytes_min if fixed else chance.randint(share.bytes_min, share.bytes_max)


def _fees(recipe: Recipe, chance: random.Random) -> Iterator[tuple[int, int]]:
    """Tip and fee cap in wei; the base fee takes a step of at most `base_walk` every thousand."""
    fees, base = recipe.fees, recipe.fees.base_gwei * GWEI
    middle = math.log(fees.tip_gwei * GWEI)
    while True:
        for _ in range(1000):
            tip_cap = int(chance.lognormvariate(middle, fees.tip_sigma)) or 1
            yield tip_cap, int(base * fees.headroom) + tip_cap
        base = max(base * (1 + chance.uniform(-fees.base_walk, fees.base_walk)), GWEI)


def _shuffled(stream: Iterator[Order], window: int, chance: random.Random) -> Iterator[Order]:
    if window < 2:
        yield from stream
        return
    waiting = list(islice(stream, window))
    for order in stream:
        place = chance.randrange(window)
        waiting[place], out = order, waiting[place]
        yield out


def _spiced(regular: Iterator[Order], recipe: Recipe, chance: random.Random) -> Iterator[Order]:
    """Put between the regular orders what competes with them, comes twice or is wrong."""
    competing, wrong = recipe.replacements, recipe.invalid
    shares = {
        Kind.REPLACEMENT: competing.share,
        Kind.CANCEL: competing.cancel_share,
        Kind.UNDERPRICED: competing.underpriced_share,
        Kind.DUPLICATE: recipe.nonces.duplicate_share,
        Kind.BAD_SIGNATURE: wrong.signature_share,
        Kind.WRONG_CHAIN: wrong.chain_share,
        Kind.LOW_GAS: wrong.gas_share,
        Kind.OVERDRAFT: wrong.overdraft_share,
    }
    kinds, weights = [Kind.REGULAR, *shares], [max(0.0, 1 - sum(shares.values())), *shares.values()]
    if weights[0] == 1:
        yield from regular
        return
    recent: list[Order] = []
    while True:
        for kind in chance.choices(kinds, weights, k=_DRAWN_AT_ONCE):
            yield _next(kind if recent else Kind.REGULAR, regular, recent, recipe, chance)


def _next(kind: Kind, regular: Iterator[Order], recent: list[Order], recipe: Recipe, chance: random.Random) -> Order:
    """One order of a kind; `recent` are those that it may refer to."""
    if kind is Kind.REGULAR:
        order = next(regular)
        if order.type < BLOB_TYPE:
            _remember(order, recent, chance)
        return order
    place = chance.randrange(len(recent))
    if kind in ACCEPTED:
        bumped = _bumped(recent[place], kind, 100 + recipe.replacements.bump_percent)
        recent[place] = bumped
        return bumped
    return _refused(kind, recent[place], recipe)


def _remember(order: Order, recent: list[Order], chance: random.Random) -> None:
    if len(recent) < REMEMBERED:
        recent.append(order)
    else:
        recent[chance.randrange(REMEMBERED)] = order


def _bumped(order: Order, kind: Kind, percent: int) -> Order:
    """Raise an order's fees, a wei more than it takes; a cancellation carries nothing to its own sender."""
    tip_cap, fee_cap = (fee * percent // 100 + 1 for fee in (order.tip_cap, order.fee_cap))
    if kind is Kind.CANCEL:
        fields = {"data_size": 0, "value": 0, "gas": GAS_BASE + GAS_OF_TYPE[order.type]}
        return msgspec.structs.replace(order, kind=kind, tip_cap=tip_cap, fee_cap=fee_cap, **fields)
    return msgspec.structs.replace(order, kind=kind, tip_cap=tip_cap, fee_cap=fee_cap)


def _refused(kind: Kind, order: Order, recipe: Recipe) -> Order:
    """Spoil an order in the way its kind says."""
    match kind:
        case Kind.UNDERPRICED:
            half = 100 + recipe.replacements.bump_percent // 2
            return _bumped(order, kind, half)
        case Kind.LOW_GAS:
            return msgspec.structs.replace(order, kind=kind, gas=GAS_BASE - 1, salt=~order.salt)
        case Kind.DUPLICATE:
            # The kind of an order decides its signature's bytes only where that is wrong: so these are the same bytes.
            return msgspec.structs.replace(order, kind=Kind.DUPLICATE)
        case _:
            return msgspec.structs.replace(order, kind=kind, salt=~order.salt)
