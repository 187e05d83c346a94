"""Who signed: signing hashes, senders recovered from signatures on secp256k1, and signing itself.

The rules are those of geth's latest signer, whatever the fork of the head: low s only (EIP-2), chain ids (EIP-155).
"""

from typing import Final

from coincurve import PrivateKey, PublicKey

from txpool.core import rlp
from txpool.core.decimal_text import decimal_text
from txpool.core.keccak import keccak
from txpool.core.rejection import Reason, Rejected
from txpool.core.tx import Authorization, Tx
from txpool.core.unsigned import Unsigned, authorization_payload, seal, signing_payload

__all__ = [
    "address_of",
    "authority_of",
    "keccak",
    "recover",
    "sender_of",
    "sign",
    "sign_authorization",
    "signing_hash",
]

CURVE_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
S_MAX: Final = CURVE_ORDER // 2  # of the two values of s that fit a signature, the lower one (EIP-2)

_BAD_VALUES: Final = Rejected(Reason.INVALID_SENDER, {"cause": "invalid transaction v, r, s values"})
_NOT_RECOVERED: Final = Rejected(Reason.INVALID_SENDER, {"cause": "recovery failed"})


def sender_of(tx: Tx, chain_id: int) -> bytes | Rejected:
    """Recover the 20-byte address that signed, or say with geth why there is none.

    Args:
        tx: a decoded transaction; its signature may be anything.
        chain_id: that of the chain; a legacy transaction may also name none.
    """
    parity = tx.v
    if tx.chain_id is None:
        parity -= 27
    else:
        if tx.chain_id != chain_id:
            cause = f"invalid chain id for signer: have {decimal_text(tx.chain_id)} want {chain_id}"
            return Rejected(Reason.INVALID_SENDER, {"cause": cause})
        if not tx.type:
            parity -= 35 + 2 * chain_id
    if not (0 <= parity <= 1 and 0 < tx.r < CURVE_ORDER and 0 < tx.s <= S_MAX):
        return _BAD_VALUES
    return recover(signing_hash(tx), parity, tx.r, tx.s) or _NOT_RECOVERED


def authority_of(authorization: Authorization) -> bytes | None:
    """Recover who signed an EIP-7702 tuple; None where its signature gives nobody."""
    signed = authorization
    if not (signed.y_parity <= 1 and 0 < signed.r < CURVE_ORDER and 0 < signed.s <= S_MAX):
        return None
    digest = keccak(authorization_payload(signed.chain_id, signed.address, signed.nonce))
    return recover(digest, signed.y_parity, signed.r, signed.s)


def recover(digest: bytes, parity: int, r: int, s: int) -> bytes | None:
    """Recover the address whose key signed a digest; None where no key fits.

    Args:
        digest: 32 bytes.
        parity: 0 or 1, that of the y coordinate of the signature's point.
        r: 1 to the curve's order - 1.
        s: the same.
    """
    signature = (r << 264 | s << 8 | parity).to_bytes(65, "big")
    try:
        point = PublicKey.from_signature_and_message(signature, digest, hasher=None).format(compressed=False)
    except ValueError:  # no curve point has this x coordinate, or the key would be the point at infinity
        return None
    return keccak(point[1:])[12:]


def signing_hash(tx: Tx) -> bytes:
    """Hash what the sender signed: all fields before the signature, with replay protection also the chain id.

    The signed fields lie side by side in the raw transaction: only the list's header differs.
    """
    raw = tx.raw
    start = 1 if tx.type else 0
    first = raw[start]
    start += 1 if first < 0xF8 else first - 0xF6
    end = len(raw) - _encoded_size(tx.v)
    end -= 66 if tx.r >> 248 and tx.s >> 248 else _encoded_size(tx.r) + _encoded_size(tx.s)
    signed = raw[start:end]
    if tx.type:
        return keccak(raw[:1] + rlp.header(0xC0, len(signed)) + signed)
    if tx.chain_id is not None:
        signed += rlp.encode_int(tx.chain_id) + b"\x80\x80"
    return keccak(rlp.header(0xC0, len(signed)) + signed)


def _encoded_size(number: int) -> int:
    if number < 0x80:
        return 1
    size = (number.bit_length() + 7) // 8
    return size + len(rlp.header(0x80, size))


def sign(unsigned: Unsigned, private_key: bytes) -> bytes:
    """Sign a transaction of any type: deterministic (RFC 6979), low s. The binary form, ready to send."""
    return seal(unsigned, *_sign_digest(keccak(signing_payload(unsigned)), private_key))


def sign_authorization(chain_id: int, address: bytes, nonce: int, private_key: bytes) -> Authorization:
    """Sign an EIP-7702 tuple that lends the key's account the code at `address`."""
    digest = keccak(authorization_payload(chain_id, address, nonce))
    return Authorization(chain_id, address, nonce, *_sign_digest(digest, private_key))


def _sign_digest(digest: bytes, private_key: bytes) -> tuple[int, int, int]:
    signature = PrivateKey(private_key).sign_recoverable(digest, hasher=None)
    return signature[64], int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")


def address_of(private_key: bytes) -> bytes:
    """Derive the address that a 32-byte private key controls."""
    return keccak(PrivateKey(private_key).public_key.format(compressed=False)[1:])[12:]
