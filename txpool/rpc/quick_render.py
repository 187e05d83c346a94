"""Pooled transactions as JSON text, straight from their binary form: the same as `render` and `encode` give, faster.

A hex digit of the binary form is a hex digit of the answer, so numbers are cut out of it and never computed. What is
not of the common form, and set-code transactions, go the long way.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from txpool.core.access_list import read_entry
from txpool.core.address import checksum_addresses
from txpool.core.quick_rlp import Irregular, list_bounds, read_list
from txpool.core.tx import ACCESS_LIST, BLOB, DYNAMIC_FEE, Tx, decode, protected_chain_id
from txpool.rpc.envelope import encode
from txpool.rpc.render import CREATION, pooled_transaction

try:
    import txpool_kernel
except ImportError:
    txpool_kernel = None

# The lines of `inspected_texts`, None for what the twin should look at. None: not built, or not for this version.
native_lines: Final[Callable[[list[bytes]], list[str | None]] | None] = getattr(txpool_kernel, "inspected", None)

_SMALL: Final = (*(f"0x{number:x}" for number in range(0x80)), "0x0")  # by the byte that stands for it
_WIDEST: Final = 0xA0  # the header of 32 bytes
# By the first byte: where the list starts, and how many numbers stand before the price.
_LEADING: Final = ((0, 0), (1, 2), (1, 3), (1, 3), (1, 3), *((0, 1),) * 251)
_OPENING: Final = '{"blockHash":null,"blockNumber":null,"blockTimestamp":null,"from":"'


def transaction_text(raw: bytes, sender: str, tx_hash: str) -> str:
    """A pooled transaction; nothing of one that carries blobs. The hash comes without 0x."""
    first = raw[0]
    try:
        if first > 0x7F:
            return _legacy(raw, sender, tx_hash)
        if first <= DYNAMIC_FEE:
            return _typed(raw, sender, tx_hash)
    except (Irregular, IndexError):
        pass
    if first == BLOB:
        return ""
    return encode(pooled_transaction(_decoded(raw), bytes.fromhex(sender[2:]))).decode()


def inspected_texts(raws: list[bytes]) -> list[str]:
    """Pooled transactions in a line each; nothing of one that carries blobs. A few dozen, not thousands."""
    if native_lines is None:
        return twin_lines(raws)
    found = native_lines(raws)
    return [twin_lines([raw])[0] if text is None else text for raw, text in zip(raws, found, strict=True)]


def twin_lines(raws: Sequence[bytes]) -> list[str]:
    """What the native kernel has to say of each."""
    calls = [_call(raw) for raw in raws]
    names = checksum_addresses([to for to, *_ in calls if to])
    names.reverse()
    return [
        f'"{names.pop() if to else CREATION}: {value} wei + {gas} gas \N{MULTIPLICATION SIGN} {price} wei"'
        if to is None or to
        else ""
        for to, price, gas, value in calls
    ]


def _call(raw: bytes) -> tuple[bytes | None, int, int, int]:
    """Whom a transaction calls, at what gas price, with how much gas and wei; nobody for one that carries blobs."""
    first = raw[0]
    if first == BLOB:
        return b"", 0, 0, 0
    pos, skipped = _LEADING[first]
    head = raw[pos]
    pos += head - 0xF6 if head > 0xF7 else 1
    for _ in range(skipped):
        head = raw[pos]
        pos += head - 0x7F if head > 0x80 else 1
    price_head = raw[pos]
    if price_head > _WIDEST:
        return _called(_decoded(raw))
    gas_at = pos + price_head - 0x7F if price_head > 0x80 else pos + 1
    gas_head = raw[gas_at]
    to_at = gas_at + gas_head - 0x7F if gas_head > 0x80 else gas_at + 1
    value_at = to_at + 21 if raw[to_at] == 0x94 else to_at + 1
    value_head = raw[value_at]
    if value_head > _WIDEST:
        return _called(_decoded(raw))
    from_bytes = int.from_bytes
    return (
        raw[to_at + 1 : value_at] or None,
        from_bytes(raw[pos + 1 : gas_at]) if price_head > 0x80 else price_head & 0x7F,
        from_bytes(raw[gas_at + 1 : to_at]) if gas_head > 0x80 else gas_head & 0x7F,
        from_bytes(raw[value_at + 1 : value_at + value_head - 0x7F]) if value_head > 0x80 else value_head & 0x7F,
    )


def _called(tx: Tx) -> tuple[bytes | None, int, int, int]:
    return tx.to, tx.fee_cap, tx.gas, tx.value


def _decoded(raw: bytes) -> Tx:
    tx = decode(raw)
    assert isinstance(tx, Tx), "the pool holds what once was decoded"
    return tx


def _legacy(raw: bytes, sender: str, tx_hash: str) -> str:
    digits = raw.hex()
    pos, _ = list_bounds(raw, 0)
    numbers: list[str] = []
    pos = _quantities(raw, digits, pos, 3, numbers)
    to, pos = _address(raw, digits, pos)
    pos = _quantities(raw, digits, pos, 1, numbers)
    start, pos = _string_bounds(raw, pos)
    _quantities(raw, digits, pos, 3, numbers)
    nonce, price, gas, value, v, r, s = numbers
    return (
        f'{_OPENING}{sender}","gas":"{gas}","gasPrice":"{price}","hash":"0x{tx_hash}",'
        f'"input":"0x{digits[2 * start : 2 * pos]}","nonce":"{nonce}","to":{to},"transactionIndex":null,'
        f'"value":"{value}","type":"0x0"{_chain_of(v)},"v":"{v}","r":"{r}","s":"{s}"}}'
    )


def _typed(raw: bytes, sender: str, tx_hash: str) -> str:
    """Types 1 and 2, which differ in their fees."""
    digits = raw.hex()
    kind = raw[0]
    pos, _ = list_bounds(raw, 1)
    numbers: list[str] = []
    pos = _quantities(raw, digits, pos, 4 if kind == ACCESS_LIST else 5, numbers)
    to, pos = _address(raw, digits, pos)
    pos = _quantities(raw, digits, pos, 1, numbers)
    start, end = _string_bounds(raw, pos)
    access_list, pos = ("[]", end + 1) if raw[end] == 0xC0 else _access_list(raw, end)
    _quantities(raw, digits, pos, 3, numbers)
    if kind == ACCESS_LIST:
        chain, nonce, fee, gas, value, v, r, s = numbers
        fees = ""
    else:
        chain, nonce, tip, fee, gas, value, v, r, s = numbers
        fees = f'"maxFeePerGas":"{fee}","maxPriorityFeePerGas":"{tip}",'
    return (
        f'{_OPENING}{sender}","gas":"{gas}","gasPrice":"{fee}",{fees}"hash":"0x{tx_hash}",'
        f'"input":"0x{digits[2 * start : 2 * end]}","nonce":"{nonce}","to":{to},"transactionIndex":null,'
        f'"value":"{value}","type":"0x{kind}","accessList":{access_list},"chainId":"{chain}",'
        f'"v":"{v}","r":"{r}","s":"{s}","yParity":"{v}"}}'
    )


def _quantities(raw: bytes, digits: str, pos: int, count: int, into: list[str]) -> int:
    """Read so many integers of at most 32 bytes, and return where they end."""
    for _ in range(count):
        first = raw[pos]
        pos += 1
        if first <= 0x80:
            into.append(_SMALL[first])
        elif first <= _WIDEST:
            end = pos + first - 0x80
            into.append("0x" + digits[2 * pos : 2 * end].lstrip("0"))
            pos = end
        else:
            raise Irregular
    return pos


def _address(raw: bytes, digits: str, pos: int) -> tuple[str, int]:
    first = raw[pos]
    if first == 0x94:
        return f'"0x{digits[2 * pos + 2 : 2 * pos + 42]}"', pos + 21
    if first == 0x80:
        return "null", pos + 1
    raise Irregular


def _string_bounds(raw: bytes, pos: int) -> tuple[int, int]:
    """Where the bytes of a string start and end."""
    first = raw[pos]
    if first < 0x80:
        return pos, pos + 1
    if first < 0xB8:
        return pos + 1, pos + first - 0x7F
    if first >= 0xC0:
        raise Irregular
    start = pos + first - 0xB6
    return start, start + int.from_bytes(raw[pos + 1 : start], "big")


def _access_list(raw: bytes, pos: int) -> tuple[str, int]:
    entries, pos = read_list(raw, pos, read_entry)
    texts = []
    for address, keys in entries:
        shown = ",".join([f'"0x{key.hex()}"' for key in keys])
        texts.append(f'{{"address":"0x{address.hex()}","storageKeys":[{shown}]}}')
    return f"[{','.join(texts)}]", pos


@lru_cache(maxsize=256)
def _chain_of(v: str) -> str:
    """What a legacy signature says about its chain."""
    chain_id = protected_chain_id(int(v, 16))
    return "" if chain_id is None else f',"chainId":"{chain_id:#x}"'
