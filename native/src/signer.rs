//! Who signed: hashes, and addresses recovered from signatures on secp256k1.
//!
//! The rules are those of geth's latest signer: low s only (EIP-2), chain ids (EIP-155). `None` means that there is no
//! signer; why, the careful way says.

use std::sync::LazyLock;

use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};
use tiny_keccak::{Hasher, Keccak};

use crate::rlp::{as_word, header, put_int};
use crate::tx::{Authorization, Tx};

pub type Hash = [u8; 32];
pub type Address = [u8; 20];

static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

/// Half the curve's order: of the two values of s that fit a signature, the lower one (EIP-2).
const S_MAX: Hash = [
    0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, //
    0x5D, 0x57, 0x6E, 0x73, 0x57, 0xA4, 0x50, 0x1D, 0xDF, 0xE9, 0x2F, 0x46, 0x68, 0x1B, 0x20, 0xA0,
];

pub fn keccak(pieces: &[&[u8]]) -> Hash {
    let mut hasher = Keccak::v256();
    for piece in pieces {
        hasher.update(piece);
    }
    let mut hash = [0; 32];
    hasher.finalize(&mut hash);
    hash
}

pub fn hash(tx: &Tx<'_>) -> Hash {
    if tx.kind == 0 {
        keccak(&[tx.body])
    } else {
        keccak(&[&[tx.kind], tx.body])
    }
}

/// The sender, who must have signed for this chain or, with a legacy transaction, for none.
pub fn sender(tx: &Tx<'_>, chain_id: u64) -> Option<Address> {
    let v = as_word(tx.v)?;
    let parity = match (tx.chain_id, tx.legacy_chain_id) {
        (Some(signed_for), _) if as_word(signed_for) == Some(chain_id) => v,
        (None, Some(signed_for)) if signed_for == chain_id => {
            v.checked_sub(chain_id.checked_mul(2)?.checked_add(35)?)?
        }
        (None, None) => v.checked_sub(27)?,
        _ => return None,
    };
    recover(&signing_hash(tx), parity, tx.r, tx.s)
}

fn signing_hash(tx: &Tx<'_>) -> Hash {
    let mut head = Vec::with_capacity(10);
    if tx.kind != 0 {
        head.push(tx.kind);
        header(0xC0, tx.signed.len(), &mut head);
        return keccak(&[&head, tx.signed]);
    }
    let mut tail = Vec::with_capacity(11);
    if let Some(chain_id) = tx.legacy_chain_id {
        let bytes = chain_id.to_be_bytes();
        put_int(&bytes[chain_id.leading_zeros() as usize / 8..], &mut tail);
        tail.extend_from_slice(&[0x80, 0x80]);
    }
    header(0xC0, tx.signed.len() + tail.len(), &mut head);
    keccak(&[&head, tx.signed, &tail])
}

/// Who signed the authorizations, without repeats, in order of first appearance; a bad one counts for nobody.
pub fn authorities(tx: &Tx<'_>) -> Vec<Address> {
    let mut found = Vec::new();
    for address in tx.authorizations.iter().filter_map(authority) {
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

fn authority(signed: &Authorization<'_>) -> Option<Address> {
    let mut payload = Vec::with_capacity(66);
    put_int(signed.chain_id, &mut payload);
    put_int(signed.address, &mut payload);
    let nonce = signed.nonce.to_be_bytes();
    put_int(&nonce[signed.nonce.leading_zeros() as usize / 8..], &mut payload);
    let mut head = vec![0x05];
    header(0xC0, payload.len(), &mut head);
    recover(
        &keccak(&[&head, &payload]),
        u64::from(signed.y_parity),
        signed.r,
        signed.s,
    )
}

fn recover(digest: &Hash, parity: u64, r: &[u8], s: &[u8]) -> Option<Address> {
    let recovery_id = RecoveryId::try_from(i32::try_from(parity).ok().filter(|parity| *parity <= 1)?).ok()?;
    let mut compact = [0; 64];
    compact[32 - r.len()..32].copy_from_slice(r);
    compact[64 - s.len()..].copy_from_slice(s);
    if compact[32..] > S_MAX[..] {
        return None;
    }
    // r beyond the curve's order is refused here, a zero in the recovery
    let signature = RecoverableSignature::from_compact(&compact, recovery_id).ok()?;
    let key = CURVE.recover_ecdsa(Message::from_digest(*digest), &signature).ok()?;
    let hash = keccak(&[&key.serialize_uncompressed()[1..]]);
    hash[12..].try_into().ok()
}
