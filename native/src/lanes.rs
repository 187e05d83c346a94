//! Signers recovered several at a time, where the processor can: so far one with AVX-512 IFMA.

use std::sync::LazyLock;

use crate::signer::Claim;

/// So many at a time.
pub const LANES: usize = 8;

/// Fewer than so many are recovered faster one by one.
pub const WORTHWHILE: usize = 3;

/// Whether they can be used here. To find out takes some milliseconds, once.
pub fn are_there() -> bool {
    static THERE: LazyLock<bool> = LazyLock::new(|| can_run() && agree());
    *THERE
}

/// Whether all lanes find what the library finds: a processor, or a compiler, that does not do what it should is not
/// used for this.
fn agree() -> bool {
    let claims: Vec<Claim> = (1..=64).map(Claim::example).collect();
    claims.chunks(LANES).all(|some| {
        let quick = recover(&some.iter().collect::<Vec<_>>());
        some.iter().zip(quick).all(|(claim, found)| found == claim.signer())
    })
}

#[cfg(target_arch = "x86_64")]
use crate::avx512::can_run;
/// The signers of up to eight claims; `None` for one to be looked at on its own.
#[cfg(target_arch = "x86_64")]
pub use crate::avx512::recover;

#[cfg(not(target_arch = "x86_64"))]
fn can_run() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
pub fn recover(claims: &[&Claim]) -> Vec<Option<crate::signer::Address>> {
    claims.iter().map(|_| None).collect()
}
