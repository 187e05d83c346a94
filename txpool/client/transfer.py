"""Sign a transfer of ether: what the chain has to say of it is asked in one request."""

import stat
from pathlib import Path
from typing import Final

import msgspec

from txpool.client.errors import RpcError
from txpool.client.jsonrpc import Call, Json, RpcClient, quantity
from txpool.core.signature import CURVE_ORDER, address_of, sign
from txpool.core.tx import DYNAMIC_FEE, LEGACY
from txpool.core.unsigned import Unsigned

KEY_BYTES: Final = 32


class Order(msgspec.Struct, frozen=True):
    """What to send. What is None is asked of the server."""

    to: bytes
    value: int
    data: bytes = b""
    nonce: int | None = None
    gas: int | None = None
    fee_cap: int | None = None
    tip_cap: int | None = None


def read_key(path: str) -> bytes:
    """Read a private key: 64 hexadecimal digits, alone in its file.

    Raises:
        ValueError: the file cannot be read or holds no key.
    """
    try:
        text = Path(path).read_text(encoding="ascii").strip()
        key = bytes.fromhex(text.removeprefix("0x"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES or not 0 < int.from_bytes(key, "big") < CURVE_ORDER:
        raise ValueError(f"{path} holds no private key: 64 hexadecimal digits are one")
    return key


def readable_by_others(path: str) -> bool:
    """Whether more people than its owner may read a file."""
    return bool(Path(path).stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))


def signed(rpc: RpcClient, key: bytes, order: Order) -> bytes:
    """Ask for chain id, nonce, gas and fees in one batch, and sign.

    Raises:
        RpcError: the server refuses a question whose answer is needed.
    """
    sender = "0x" + address_of(key).hex()
    chain_id, nonce, gas, tip, head = rpc.batch(_questions(sender, order))
    base_fee = _base_fee(head)
    tip_cap = _chosen(order.tip_cap, tip)
    fee_cap = 2 * (base_fee or 0) + tip_cap if order.fee_cap is None else order.fee_cap
    unsigned = Unsigned(
        type=LEGACY if base_fee is None else DYNAMIC_FEE,
        chain_id=_chosen(None, chain_id),
        nonce=_chosen(order.nonce, nonce),
        fee_cap=fee_cap,
        tip_cap=min(tip_cap, fee_cap) if order.tip_cap is None else tip_cap,
        gas=_chosen(order.gas, gas),
        to=order.to,
        value=order.value,
        data=order.data,
    )
    return sign(unsigned, key)


def _questions(sender: str, order: Order) -> list[Call]:
    transfer: dict[str, Json] = {
        "from": sender,
        "to": "0x" + order.to.hex(),
        "value": hex(order.value),
        "data": "0x" + order.data.hex(),
    }
    return [
        ("eth_chainId", []),
        ("eth_getTransactionCount", [sender, "pending"]),
        ("eth_estimateGas", [transfer]),
        ("eth_maxPriorityFeePerGas", []),
        ("eth_getBlockByNumber", ["latest", False]),
    ]


def _chosen(given: int | None, answer: Json | RpcError) -> int:
    if given is not None:
        return given
    if isinstance(answer, RpcError):
        raise answer
    return quantity(answer)


def _base_fee(head: Json | RpcError) -> int | None:
    """Wei a gas; None before London."""
    if isinstance(head, RpcError):
        raise head
    fee = head.get("baseFeePerGas") if isinstance(head, dict) else None
    return None if fee is None else quantity(fee)
