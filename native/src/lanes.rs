//! Signers recovered several at a time, where the processor can: so far one with AVX-512 IFMA.

use crate::signer::{Address, Claim};

/// So many at a time.
pub const LANES: usize = 8;

/// Fewer than so many are recovered faster one by one.
pub const WORTHWHILE: usize = 3;

#[cfg(target_arch = "x86_64")]
pub use crate::avx512::are_there;

/// Make what is needed once, before it is needed.
pub fn prepare() {
    #[cfg(target_arch = "x86_64")]
    if are_there() {
        crate::avx512::prepare();
    }
}

/// The signers of up to eight claims; `None` for one to be looked at on its own.
#[cfg(target_arch = "x86_64")]
pub fn recover(claims: &[&Claim]) -> Vec<Option<Address>> {
    crate::avx512::recover(claims)
}

#[cfg(not(target_arch = "x86_64"))]
pub fn are_there() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
pub fn recover(claims: &[&Claim]) -> Vec<Option<Address>> {
    claims.iter().map(|_| None).collect()
}
