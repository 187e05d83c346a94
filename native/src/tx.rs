//! Transactions of all five types, in their regular forms.

use crate::rlp::{Cursor, as_word};

pub const BLOB_BYTES: usize = 131_072;
pub const POINT_BYTES: usize = 48; // a commitment or a proof

pub struct Authorization<'a> {
    pub chain_id: &'a [u8],
    pub address: &'a [u8],
    pub nonce: u64,
    pub y_parity: u8,
    pub r: &'a [u8],
    pub s: &'a [u8],
}

pub struct Sidecar<'a> {
    pub version: u8,
    pub blobs: Vec<&'a [u8]>,
    pub commitments: Vec<&'a [u8]>,
    pub proofs: Vec<&'a [u8]>,
}

/// One signed transaction. Integers are big-endian without leading zeros; slices are of the input.
pub struct Tx<'a> {
    pub kind: u8,
    pub chain_id: Option<&'a [u8]>,   // of a typed one
    pub legacy_chain_id: Option<u64>, // of a legacy one with replay protection
    pub nonce: u64,
    pub tip_cap: &'a [u8],
    pub fee_cap: &'a [u8],
    pub gas: u64,
    pub to: Option<&'a [u8]>,
    pub value: &'a [u8],
    pub data: &'a [u8],
    pub access_addresses: usize,
    pub access_keys: usize,
    pub access_list: &'a [u8],
    pub authorizations: Vec<Authorization<'a>>,
    pub blob_fee_cap: &'a [u8],
    pub blob_hashes: Vec<&'a [u8]>,
    pub v: &'a [u8],
    pub r: &'a [u8],
    pub s: &'a [u8],
    pub signed: &'a [u8], // the fields that the signature covers
    pub body: &'a [u8],   // the canonical form, for a typed one without the byte of its type
    pub sidecar: Option<Sidecar<'a>>,
}

/// Read a transaction in binary form, a blob transaction also with its sidecar; None where it is not regular.
pub fn decode(raw: &[u8]) -> Option<Tx<'_>> {
    match *raw.first()? {
        kind @ 1..=4 => typed(kind, &raw[1..]),
        0x80.. => legacy(raw),
        _ => None,
    }
}

fn legacy(raw: &[u8]) -> Option<Tx<'_>> {
    let mut outside = Cursor::new(raw);
    let mut cursor = outside.list()?;
    let start = cursor.pos;
    let nonce = cursor.word()?;
    let price = cursor.int()?;
    let gas = cursor.word()?;
    let to = recipient(&mut cursor)?;
    let value = cursor.int()?;
    let data = cursor.string()?;
    let signed = cursor.since(start);
    let (v, r, s) = (cursor.int()?, cursor.int()?, cursor.int()?);
    if !cursor.at_end() || !outside.at_end() {
        return None;
    }
    Some(Tx {
        kind: 0,
        chain_id: None,
        legacy_chain_id: protected_chain_id(as_word(v)?),
        nonce,
        tip_cap: price,
        fee_cap: price,
        gas,
        to,
        value,
        data,
        access_addresses: 0,
        access_keys: 0,
        access_list: &[],
        authorizations: Vec::new(),
        blob_fee_cap: &[],
        blob_hashes: Vec::new(),
        v,
        r,
        s,
        signed,
        body: raw,
        sidecar: None,
    })
}

fn typed(kind: u8, payload: &[u8]) -> Option<Tx<'_>> {
    let mut outside = Cursor::new(payload);
    let mut cursor = outside.list()?;
    if !outside.at_end() {
        return None;
    }
    let mut body = payload;
    let mut sidecar = None;
    if kind == 3 && cursor.peek()? >= 0xC0 {
        let mut wrapper = cursor;
        let start = wrapper.pos;
        cursor = wrapper.list()?;
        body = wrapper.since(start);
        sidecar = Some(read_sidecar(&mut wrapper)?);
    }
    let start = cursor.pos;
    let chain_id = cursor.int()?;
    let nonce = cursor.word()?;
    let tip_cap = cursor.int()?;
    let fee_cap = if kind == 1 { tip_cap } else { cursor.int()? };
    let gas = cursor.word()?;
    let to = recipient(&mut cursor)?;
    if kind > 2 && to.is_none() {
        return None;
    }
    let value = cursor.int()?;
    let data = cursor.string()?;
    let list_start = cursor.pos;
    let (access_addresses, access_keys) = count_entries(&mut cursor)?;
    let access_list = cursor.since(list_start);
    let (mut blob_fee_cap, mut blob_hashes): (&[u8], _) = (&[], Vec::new());
    let mut authorizations = Vec::new();
    match kind {
        3 => {
            blob_fee_cap = cursor.int()?;
            blob_hashes = cursor.fixed_list(32)?;
        }
        4 => authorizations = read_authorizations(&mut cursor)?,
        _ => (),
    }
    let signed = cursor.since(start);
    let (v, r, s) = (cursor.int()?, cursor.int()?, cursor.int()?);
    if !cursor.at_end() {
        return None;
    }
    Some(Tx {
        kind,
        chain_id: Some(chain_id),
        legacy_chain_id: None,
        nonce,
        tip_cap,
        fee_cap,
        gas,
        to,
        value,
        data,
        access_addresses,
        access_keys,
        access_list,
        authorizations,
        blob_fee_cap,
        blob_hashes,
        v,
        r,
        s,
        signed,
        body,
        sidecar,
    })
}

/// 20 bytes, or none for a creation.
fn recipient<'a>(cursor: &mut Cursor<'a>) -> Option<Option<&'a [u8]>> {
    let bytes = cursor.string()?;
    match bytes.len() {
        20 => Some(Some(bytes)),
        0 => Some(None),
        _ => None,
    }
}

/// Check an access list's shape, and count its addresses and storage keys.
fn count_entries(cursor: &mut Cursor<'_>) -> Option<(usize, usize)> {
    let mut entries = cursor.list()?;
    let (mut addresses, mut keys) = (0, 0);
    while !entries.at_end() {
        let mut entry = entries.list()?;
        entry.fixed(20)?;
        let mut inside = entry.list()?;
        if !entry.at_end() {
            return None;
        }
        while !inside.at_end() {
            inside.fixed(32)?;
            keys += 1;
        }
        addresses += 1;
    }
    Some((addresses, keys))
}

fn read_authorizations<'a>(cursor: &mut Cursor<'a>) -> Option<Vec<Authorization<'a>>> {
    let mut inside = cursor.list()?;
    let mut found = Vec::new();
    while !inside.at_end() {
        let mut one = inside.list()?;
        found.push(Authorization {
            chain_id: one.int()?,
            address: one.fixed(20)?,
            nonce: one.word()?,
            y_parity: u8::try_from(one.word()?).ok()?,
            r: one.int()?,
            s: one.int()?,
        });
        if !one.at_end() {
            return None;
        }
    }
    Some(found)
}

fn read_sidecar<'a>(cursor: &mut Cursor<'a>) -> Option<Sidecar<'a>> {
    let mut version = 0;
    if cursor.peek()? == 1 {
        version = 1;
        cursor.skip(1)?;
    }
    let sidecar = Sidecar {
        version,
        blobs: cursor.fixed_list(BLOB_BYTES)?,
        commitments: cursor.fixed_list(POINT_BYTES)?,
        proofs: cursor.fixed_list(POINT_BYTES)?,
    };
    cursor.at_end().then_some(sidecar)
}

/// For which chain a legacy signature is (EIP-155); none without replay protection.
///
/// A `v` under 35 that means neither wraps around in 64 bits, as in geth.
fn protected_chain_id(v: u64) -> Option<u64> {
    match v {
        0 | 1 | 27 | 28 => None,
        _ => Some(v.wrapping_sub(35) / 2),
    }
}
