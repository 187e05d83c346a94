//! Who signed: hashes, and addresses recovered from signatures on secp256k1.
//!
//! The rules are those of geth's latest signer: low s only (EIP-2), chain ids (EIP-155). `None` means that there is no
//! signer; why, the careful way says.

use std::sync::LazyLock;

use secp256k1::ecdsa::{RecoverableSignature, RecoveryId};
use secp256k1::{Message, Secp256k1, VerifyOnly};
use tiny_keccak::{Hasher, Keccak};

use crate::lanes;
use crate::rlp::{as_word, header, put_int};
use crate::tx::{Authorization, Tx};

pub type Hash = [u8; 32];
pub type Address = [u8; 20];

static CURVE: LazyLock<Secp256k1<VerifyOnly>> = LazyLock::new(Secp256k1::verification_only);

const ORDER: Hash = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFE, //
    0xBA, 0xAE, 0xDC, 0xE6, 0xAF, 0x48, 0xA0, 0x3B, 0xBF, 0xD2, 0x5E, 0x8C, 0xD0, 0x36, 0x41, 0x41,
];

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

/// A signature over a digest, whose signer is asked for.
pub struct Claim {
    pub digest: Hash,
    pub r: [u8; 32],
    pub s: [u8; 32],
    pub odd: bool, // the y of the point whose x is r
}

impl Claim {
    fn new(digest: Hash, parity: u64, r: &[u8], s: &[u8]) -> Option<Claim> {
        let claim = Claim {
            digest,
            r: padded(r)?,
            s: padded(s)?,
            odd: parity == 1,
        };
        (parity <= 1 && claim.s <= S_MAX).then_some(claim)
    }

    /// One of which nobody knows who made it; about every other one has a signer.
    pub fn example(number: u8) -> Claim {
        let mut s = keccak(&[b"s", &[number]]);
        s[0] >>= 1;
        Claim {
            digest: keccak(&[b"digest", &[number]]),
            r: keccak(&[b"r", &[number]]),
            s,
            odd: number % 2 == 1,
        }
    }

    /// Whether r and s are in their ranges; else there is no signer.
    pub fn is_ordinary(&self) -> bool {
        const ZERO: [u8; 32] = [0; 32];
        self.r != ZERO && self.s != ZERO && self.r < ORDER
    }

    /// Who signed, by the library.
    pub fn signer(&self) -> Option<Address> {
        let mut compact = [0; 64];
        compact[..32].copy_from_slice(&self.r);
        compact[32..].copy_from_slice(&self.s);
        let recovery_id = RecoveryId::try_from(i32::from(self.odd)).ok()?;
        let signature = RecoverableSignature::from_compact(&compact, recovery_id).ok()?;
        let key = CURVE
            .recover_ecdsa(Message::from_digest(self.digest), &signature)
            .ok()?;
        keccak(&[&key.serialize_uncompressed()[1..]])[12..].try_into().ok()
    }
}

fn padded(number: &[u8]) -> Option<[u8; 32]> {
    let mut padded = [0; 32];
    padded[32usize.checked_sub(number.len())?..].copy_from_slice(number);
    Some(padded)
}

/// Who signed each: several at a time, where the processor can.
pub fn signers(claims: &[&Claim]) -> Vec<Option<Address>> {
    let mut found = Vec::with_capacity(claims.len());
    for some in claims.chunks(lanes::LANES) {
        if some.len() >= lanes::WORTHWHILE && lanes::are_there() {
            let quick = lanes::recover(some);
            found.extend(
                some.iter()
                    .zip(quick)
                    .map(|(claim, signer)| signer.or_else(|| claim.signer())),
            );
        } else {
            found.extend(some.iter().map(|claim| claim.signer()));
        }
    }
    found
}

/// What says who the sender is, who must have signed for this chain or, with a legacy transaction, for none.
pub fn sender(tx: &Tx<'_>, chain_id: u64) -> Option<Claim> {
    let v = as_word(tx.v)?;
    let parity = match (tx.chain_id, tx.legacy_chain_id) {
        (Some(signed_for), _) if as_word(signed_for) == Some(chain_id) => v,
        (None, Some(signed_for)) if signed_for == chain_id => {
            v.checked_sub(chain_id.checked_mul(2)?.checked_add(35)?)?
        }
        (None, None) => v.checked_sub(27)?,
        _ => return None,
    };
    Claim::new(signing_hash(tx), parity, tx.r, tx.s)
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

/// What says who signed the authorization; None where nobody can have.
pub fn authority(signed: &Authorization<'_>) -> Option<Claim> {
    let mut payload = Vec::with_capacity(66);
    put_int(signed.chain_id, &mut payload);
    put_int(signed.address, &mut payload);
    let nonce = signed.nonce.to_be_bytes();
    put_int(&nonce[signed.nonce.leading_zeros() as usize / 8..], &mut payload);
    let mut head = vec![0x05];
    header(0xC0, payload.len(), &mut head);
    let digest = keccak(&[&head, &payload]);
    Claim::new(digest, u64::from(signed.y_parity), signed.r, signed.s)
}
