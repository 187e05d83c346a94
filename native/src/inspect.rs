//! Pooled transactions in a line each, as `txpool_inspect` shows them, and addresses as people read them.

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::guarded;
use crate::rlp::{Cursor, as_word};
use crate::signer::keccak;

const HEX: &[u8; 16] = b"0123456789abcdef";
const BLOB: u8 = 3;
const TEN_TO_THE_19: u64 = 10_000_000_000_000_000_000;

/// A line of JSON each; nothing of one that carries blobs, `None` for one that the twin should look at.
#[pyfunction]
pub fn inspected<'py>(py: Python<'py>, raws: Vec<Bound<'py, PyBytes>>) -> PyResult<Bound<'py, PyList>> {
    let found = PyList::empty(py);
    guarded(|| {
        let mut text = String::new();
        for raw in &raws {
            text.clear();
            match line(raw.as_bytes(), &mut text) {
                Some(()) => found.append(PyString::new(py, &text))?,
                None => found.append(py.None())?,
            }
        }
        Ok(found)
    })?
}

fn line(raw: &[u8], text: &mut String) -> Option<()> {
    let (payload, leading) = match *raw.first()? {
        BLOB => return Some(()),
        1 => (&raw[1..], 2),
        2 | 4 => (&raw[1..], 3),
        0xC0.. => (raw, 1),
        _ => return None,
    };
    let mut cursor = Cursor::new(payload).list()?;
    for _ in 0..leading {
        cursor.int()?;
    }
    let (price, gas) = (cursor.int()?, cursor.int()?);
    let to = cursor.string()?;
    let value = cursor.int()?;
    text.push('"');
    match to.try_into() {
        Ok(address) => put_address(address, text),
        Err(_) if to.is_empty() => text.push_str("contract creation"),
        Err(_) => return None,
    }
    text.push_str(": ");
    put_decimal(value, text);
    text.push_str(" wei + ");
    put_decimal(gas, text);
    text.push_str(" gas × ");
    put_decimal(price, text);
    text.push_str(" wei\"");
    Some(())
}

/// With its checksum in the case of its letters (EIP-55).
fn put_address(address: &[u8; 20], text: &mut String) {
    let mut digits = [0; 40];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(address) {
        pair[0] = HEX[usize::from(byte >> 4)];
        pair[1] = HEX[usize::from(byte & 15)];
    }
    let digest = keccak(&[&digits]);
    text.push_str("0x");
    for (place, digit) in digits.iter().enumerate() {
        let nibble = digest[place / 2] >> (4 * (1 - place % 2)) & 15;
        let spelled = if nibble > 7 { digit.to_ascii_uppercase() } else { *digit };
        text.push(char::from(spelled));
    }
}

/// An integer of at most 32 bytes.
fn put_decimal(int: &[u8], text: &mut String) {
    if let Some(word) = as_word(int) {
        text.push_str(&word.to_string());
        return;
    }
    let mut wide = [0; 32];
    wide[32 - int.len()..].copy_from_slice(int);
    let mut words = [0u64; 4];
    for (word, bytes) in words.iter_mut().zip(wide.chunks_exact(8)) {
        *word = bytes.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    }
    let mut groups = Vec::with_capacity(5); // of 19 digits, the last ones first
    while words != [0; 4] {
        let mut rest = 0;
        for word in &mut words {
            let here = u128::from(rest) << 64 | u128::from(*word);
            *word = (here / u128::from(TEN_TO_THE_19)) as u64;
            rest = (here % u128::from(TEN_TO_THE_19)) as u64;
        }
        groups.push(rest);
    }
    for (place, group) in groups.iter().rev().enumerate() {
        text.push_str(&if place == 0 {
            group.to_string()
        } else {
            format!("{group:019}")
        });
    }
}
