"""What a transaction does to the state, without an EVM.

Fees, nonces, plain transfers and set-code authorizations (EIP-7702) are exact. Where code would have to run, the
transaction fails: it uses its whole gas limit, pays the fee, raises the nonce and moves no value. So ends every
creation, and every call to an account with code, be that a delegation. Precompiled contracts have no code in the state:
what is sent there is a plain transfer.
"""

from enum import Enum, auto
from typing import Final

import msgspec

from txpool.chain.state import DELEGATION_PREFIX, AccountState, State
from txpool.core import rlp
from txpool.core.block import Receipt
from txpool.core.gas import floor_gas, intrinsic_gas
from txpool.core.keccak import keccak
from txpool.core.rules import Fork
from txpool.core.signature import authority_of
from txpool.core.stateless import TX_GAS_MAX, gas_fault
from txpool.core.tx import GAS_PER_BLOB, Authorization, Tx

NONCE_MAX: Final = 2**64 - 1
AUTHORIZATION_REFUND: Final = 12_500  # for a signer that is in the state already
REFUND_QUOTIENT: Final = 5  # EIP-3529: at most a fifth of the gas used comes back
NOBODY: Final = bytes(20)


class Context(msgspec.Struct, frozen=True, gc=False):
    """What a block says to the transactions in it; fees in wei a gas."""

    chain_id: int
    fork: Fork
    base_fee: int
    blob_base_fee: int
    fee_recipient: bytes


class Misfit(Enum):
    """Why a transaction cannot be in the block now."""

    NONCE_USED = auto()  # the sender's next one may fit
    NOT_YET = auto()  # nonce ahead, fees under the block's, funds short, too much gas: the sender has to wait


def misfit(tx: Tx, sender: bytes, state: State, context: Context) -> Misfit | None:
    """Why the transaction cannot run here; None when it can, and then `execute` cannot fail."""
    account = state.get(sender)
    if tx.nonce < account.nonce:
        return Misfit.NONCE_USED
    runs = (
        tx.nonce == account.nonce < NONCE_MAX
        and (not account.code or account.is_delegated)  # EIP-3607
        and tx.fee_cap >= context.base_fee
        and (not tx.blob_hashes or tx.blob_fee_cap >= context.blob_base_fee)
        and tx.cost <= account.balance
        and (tx.gas <= TX_GAS_MAX or not Fork.OSAKA <= context.fork < Fork.AMSTERDAM)
        and gas_fault(tx, sender, context.fork) is None
    )
    return None if runs else Misfit.NOT_YET


def execute(tx: Tx, sender: bytes, state: State, context: Context, gas_used_before: int) -> Receipt:
    """Run a transaction that fits. The base fee and the blob fee are burnt, the rest is the fee recipient's."""
    price = context.base_fee + tx.effective_tip(context.base_fee)
    blob_gas = len(tx.blob_hashes) * GAS_PER_BLOB
    _begin(sender, state, price * tx.gas + blob_gas * context.blob_base_fee)
    refund = sum([_authorize(item, state, context.chain_id) for item in tx.authorizations])
    done = tx.to is not None and not state.get(tx.to).code
    if done:
        _transfer(sender, tx.to or NOBODY, tx.value, state)
    spent = intrinsic_gas(tx, sender, context.fork) if done else tx.gas
    gas_used = max(spent - min(refund, spent // REFUND_QUOTIENT), floor_gas(tx, sender, context.fork))
    _pay(sender, (tx.gas - gas_used) * price, state)
    _pay(context.fee_recipient, gas_used * (price - context.base_fee), state)
    return Receipt(
        status=int(done),
        gas_used=gas_used,
        cumulative_gas_used=gas_used_before + gas_used,
        effective_gas_price=price,
        contract_address=None if tx.to else created_address(sender, tx.nonce),
        blob_gas_used=blob_gas,
        blob_gas_price=context.blob_base_fee if blob_gas else None,
    )


def created_address(sender: bytes, nonce: int) -> bytes:
    """Where a creation would put its contract."""
    return keccak(rlp.encode_list([rlp.encode_bytes(sender), rlp.encode_int(nonce)]))[12:]


def _begin(sender: bytes, state: State, prepaid: int) -> None:
    """Take the fee for the whole gas limit, and use up the nonce."""
    account = state.get(sender)
    state.put(sender, AccountState(account.nonce + 1, account.balance - prepaid, account.code))


def _authorize(item: Authorization, state: State, chain_id: int) -> int:
    """Apply one set-code authorization if it holds; the gas that comes back for it."""
    if item.chain_id not in {0, chain_id} or item.nonce >= NONCE_MAX:
        return 0
    signer = authority_of(item)
    if signer is None:
        return 0
    account = state.get(signer)
    if (account.code and not account.is_delegated) or account.nonce != item.nonce:
        return 0
    refund = AUTHORIZATION_REFUND if state.exists(signer) else 0
    code = b"" if item.address == NOBODY else DELEGATION_PREFIX + item.address
    state.put(signer, AccountState(item.nonce + 1, account.balance, code))
    return refund


def _transfer(sender: bytes, recipient: bytes, value: int, state: State) -> None:
    _pay(sender, -value, state)
    _pay(recipient, value, state)


def _pay(address: bytes, amount: int, state: State) -> None:
    account = state.get(address)
    state.put(address, AccountState(account.nonce, account.balance + amount, account.code))
