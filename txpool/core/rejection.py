"""Why the pool said no, or let something go: stable slugs, and geth's sentence for each refusal.

Wallets and libraries match on the sentences, so they are protocol: each equals go-ethereum's to the letter, but for
the last six of `SENTENCE`, which refuse what geth would take.
"""

from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec


class Reason(StrEnum):
    """A stable slug for metric labels, events and logs. New ones go to the end: events store the position."""

    # The bytes are no transaction.
    UNDECODABLE = "undecodable"
    # The gate of the RPC server, before the pool.
    TX_FEE_CAP = "tx_fee_cap"
    UNPROTECTED = "unprotected"
    # Stateless: wrong whatever the state, in geth's order of checks.
    ALREADY_KNOWN = "already_known"
    TYPE_BEFORE_FORK = "type_before_fork"
    OVERSIZED = "oversized"
    INITCODE_TOO_LARGE = "initcode_too_large"
    GAS_LIMIT_TOO_HIGH = "gas_limit_too_high"
    BLOCK_GAS_LIMIT = "block_gas_limit"
    FEE_CAP_TOO_WIDE = "fee_cap_too_wide"
    TIP_CAP_TOO_WIDE = "tip_cap_too_wide"
    TIP_ABOVE_FEE_CAP = "tip_above_fee_cap"
    INVALID_SENDER = "invalid_sender"
    NONCE_MAX = "nonce_max"
    VALUE_TOO_WIDE = "value_too_wide"
    INTRINSIC_GAS = "intrinsic_gas"
    FLOOR_GAS = "floor_gas"
    FLOOR_GAS_CAP = "floor_gas_cap"
    TIP_BELOW_MINIMUM = "tip_below_minimum"
    NO_AUTHORIZATIONS = "no_authorizations"
    # Stateful: wrong for the sender's account at the head.
    NONCE_TOO_LOW = "nonce_too_low"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    OVERDRAFT_REPLACEMENT = "overdraft_replacement"
    OVERDRAFT = "overdraft"
    DELEGATED_GAP = "delegated_gap"
    DELEGATED_IN_FLIGHT = "delegated_in_flight"
    AUTHORITY_RESERVED = "authority_reserved"
    # The pool's own limits.
    UNDERPRICED = "underpriced"
    POOL_FULL = "pool_full"
    FUTURE_REPLACES_PENDING = "future_replaces_pending"
    REPLACEMENT_UNDERPRICED = "replacement_underpriced"
    # Why a transaction that was in the pool has left it, or went back to the queue.
    REPLACED = "replaced"
    POOL_FULL_CHEAPEST = "pool_full_cheapest"
    PENDING_LIMIT = "pending_limit"
    ACCOUNT_QUEUE_LIMIT = "account_queue_limit"
    QUEUE_LIMIT = "queue_limit"
    LIFETIME = "lifetime"
    NONCE_PASSED = "nonce_passed"
    UNAFFORDABLE = "unaffordable"
    GAS_LIMIT_LOWERED = "gas_limit_lowered"
    PRICE_FLOOR_RAISED = "price_floor_raised"
    PREDECESSOR_LEFT = "predecessor_left"
    # Blob transactions: refused for what stands beside them, then for their account and what the pool has of it.
    BLOB_FEE_CAP_BELOW_MINIMUM = "blob_fee_cap_below_minimum"
    SIDECAR_MISSING = "sidecar_missing"
    COMMITMENT_COUNT = "commitment_count"
    BLOB_HASH_MISMATCH = "blob_hash_mismatch"
    TOO_MANY_BLOBS = "too_many_blobs"
    SIDECAR_VERSION = "sidecar_version"
    PROOF_COUNT = "proof_count"
    BLOB_NOT_CANONICAL = "blob_not_canonical"
    BLOBLESS = "blobless"
    BLOB_COUNT = "blob_count"
    KZG_PROOF = "kzg_proof"
    SIDECAR_CONVERSION = "sidecar_conversion"
    NONCE_TOO_HIGH = "nonce_too_high"
    ACCOUNT_LIMIT = "account_limit"
    ADDRESS_RESERVED = "address_reserved"
    BLOB_REPLACEMENT_NOT_HIGHER = "blob_replacement_not_higher"
    BLOB_REPLACEMENT_UNDERPRICED = "blob_replacement_underpriced"
    # Why one of them has left.
    BLOB_DATA_CAP = "blob_data_cap"
    NONCE_GAP = "nonce_gap"
    REFUSED_AFTER_WAITING = "refused_after_waiting"
    BLOBS_UNAVAILABLE = "blobs_unavailable"
    REMOVED_BY_OPERATOR = "removed_by_operator"
    # Protections that geth does not have; only where `pool.hardened` is on.
    OVERDRAFT_TOGETHER = "overdraft_together"
    CHAIN_UNDERPRICED = "chain_underpriced"
    ACCOUNT_OVER_SLOTS = "account_over_slots"
    EVICTION_QUOTA = "eviction_quota"
    UNAFFORDABLE_TOGETHER = "unaffordable_together"
    # While the process is short of memory or overloaded; only where the settings say so.
    MEMORY_LIMIT = "memory_limit"
    OVERLOADED_GAP = "overloaded_gap"


_FUNDS: Final = "insufficient funds for gas * price + value"
_TOO_CHEAP: Final = "transaction gas price below minimum: "
_FORMAT: Final = "Wrong sidecar format: "
_REPLACEMENT: Final = "replacement transaction underpriced: "

# `{name}` is filled from the facts of the refusal.
SENTENCE: Final = MappingProxyType(
    {
        Reason.UNDECODABLE: "{cause}",
        Reason.TX_FEE_CAP: "tx fee ({fee} ether) exceeds the configured cap ({cap} ether)",
        Reason.UNPROTECTED: "only replay-protected (EIP-155) transactions allowed over RPC",
        Reason.ALREADY_KNOWN: "already known",
        Reason.TYPE_BEFORE_FORK: "transaction type not supported: type {type} rejected, pool not yet in {fork}",
        Reason.OVERSIZED: "oversized data: transaction size {size}, limit {limit}",
        Reason.INITCODE_TOO_LARGE: "max initcode size exceeded: code size {size} limit {limit}",
        Reason.GAS_LIMIT_TOO_HIGH: "transaction gas limit too high (cap: {cap}, tx: {gas})",
        Reason.BLOCK_GAS_LIMIT: "exceeds block gas limit",
        Reason.FEE_CAP_TOO_WIDE: "max fee per gas higher than 2^256-1",
        Reason.TIP_CAP_TOO_WIDE: "max priority fee per gas higher than 2^256-1",
        Reason.TIP_ABOVE_FEE_CAP: "max priority fee per gas higher than max fee per gas",
        Reason.INVALID_SENDER: "invalid sender: {cause}",
        Reason.NONCE_MAX: "nonce has max value",
        Reason.VALUE_TOO_WIDE: _FUNDS,
        Reason.INTRINSIC_GAS: "intrinsic gas too low: gas {gas}, minimum needed {needed}",
        Reason.FLOOR_GAS: "insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}",
        Reason.FLOOR_GAS_CAP: "insufficient gas for floor data gas cost: intrinsic cost {intrinsic}, floor: {floor}",
        Reason.TIP_BELOW_MINIMUM: _TOO_CHEAP + "gas tip cap {tip}, minimum needed {needed}",
        Reason.NO_AUTHORIZATIONS: "set code tx must have at least one authorization tuple",
        Reason.NONCE_TOO_LOW: "nonce too low: next nonce {next}, tx nonce {nonce}",
        Reason.INSUFFICIENT_FUNDS: _FUNDS + ": balance {balance}, tx cost {cost}, overshot {overshot}",
        Reason.OVERDRAFT_REPLACEMENT: _FUNDS
        + ": balance {balance}, queued cost {spent}, tx bumped {bump}, overshot {overshot}",
        Reason.OVERDRAFT: _FUNDS + ": balance {balance}, queued cost {spent}, tx cost {cost}, overshot {overshot}",
        Reason.DELEGATED_GAP: "gapped-nonce tx from delegated accounts",
        Reason.DELEGATED_IN_FLIGHT: "in-flight transaction limit reached for delegated accounts",
        Reason.AUTHORITY_RESERVED: "authority already reserved",
        Reason.UNDERPRICED: "transaction underpriced",
        Reason.POOL_FULL: "txpool is full",
        Reason.FUTURE_REPLACES_PENDING: "future transaction tries to replace pending",
        Reason.REPLACEMENT_UNDERPRICED: "replacement transaction underpriced",
        Reason.BLOB_FEE_CAP_BELOW_MINIMUM: _TOO_CHEAP + "blob fee cap {fee}, minimum needed {needed}",
        Reason.SIDECAR_MISSING: "missing sidecar in blob transaction",
        Reason.COMMITMENT_COUNT: "invalid number of {commitments} blob commitments compared to {hashes} blob hashes",
        Reason.BLOB_HASH_MISMATCH: "blob {index}: computed hash {computed} mismatches transaction one {hash}",
        Reason.TOO_MANY_BLOBS: "transaction blob limit exceeded: blob count {count}, limit {limit}",
        Reason.SIDECAR_VERSION: _FORMAT + "unexpected sidecar version, want: {wanted}, got: {version}",
        Reason.PROOF_COUNT: _FORMAT + "invalid number of {proofs} blob proofs expected {needed}",
        Reason.BLOB_NOT_CANONICAL: "{cause}",
        Reason.BLOBLESS: "blobless blob transaction",
        Reason.BLOB_COUNT: "invalid number of {blobs} blobs compared to {commitments} commitments",
        Reason.KZG_PROOF: "KZG verification error: {cause}",
        Reason.SIDECAR_CONVERSION: "blob sidecar conversion failed: {cause}",
        Reason.NONCE_TOO_HIGH: "nonce too high: tx nonce {nonce}, gapped nonce {gap}",
        Reason.ACCOUNT_LIMIT: "account limit exceeded: pooled {count} txs",
        Reason.ADDRESS_RESERVED: "address already reserved",
        Reason.BLOB_REPLACEMENT_NOT_HIGHER: _REPLACEMENT + "new tx {fee} {new} <= {old} queued",
        Reason.BLOB_REPLACEMENT_UNDERPRICED: _REPLACEMENT
        + "new tx {fee} {new} < {old} queued + {bump}% replacement penalty",
        Reason.OVERDRAFT_TOGETHER: _FUNDS
        + ": balance {balance}, pooled cost {spent}, tx cost {cost}, overshot {overshot}",
        Reason.CHAIN_UNDERPRICED: "transaction underpriced: worth no more than nonce {nonce} of its account, which is "
        "too cheap for a full pool",
        Reason.ACCOUNT_OVER_SLOTS: "txpool is full: account has {pending} pending transactions, {limit} are guaranteed",
        Reason.EVICTION_QUOTA: "txpool is full: {evicted} pending transactions have made way since the last block, "
        "limit {limit}",
        Reason.MEMORY_LIMIT: "txpool is at its memory limit, try again later",
        Reason.OVERLOADED_GAP: "nonce gap refused while txpool is overloaded: next nonce {next}, tx nonce {nonce}",
    }
)


# Why a submission may be refused, and why something pooled may be let go: closed sets, for labels.
REFUSALS: Final = tuple(SENTENCE)
REMOVALS: Final = (
    *(reason for reason in Reason if reason not in SENTENCE),
    Reason.GAS_LIMIT_TOO_HIGH,
    Reason.ACCOUNT_LIMIT,
)


class Rejected(msgspec.Struct, frozen=True, gc=False):
    """A refusal, as a value: its reason, and the facts that its sentence names."""

    reason: Reason
    facts: dict[str, int | str] = {}

    def __str__(self) -> str:
        """Say it in geth's words."""
        return SENTENCE[self.reason].format_map(self.facts)
