//! Signers recovered eight at a time, where the processor has AVX-512 IFMA: about a quarter of the time of one by one.
//!
//! Q = r^-1 (s R - z G), as in SEC 1, 4.1.6. Nothing here is secret, so nothing takes care to take the same time. What
//! is out of the ordinary is left to the library that recovers one by one: it has the last word on every refusal.

mod field;
mod point;
mod scalar;

use std::arch::x86_64::*;
use std::iter::successors;
use std::sync::LazyLock;

use secp256k1::{PublicKey, Scalar, Secp256k1};

use crate::signer::{Address, Claim, keccak};
use field::{Field, LANES, LIMBS, limbs_of, load};
use point::{Affine, Jacobian, Multiples, known_at};
use scalar::{Half, WIDE_WINDOW, WIDE_WINDOWS, WINDOW, WINDOWS, Words};

pub fn can_run() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512ifma")
}

/// Points that do not depend on what is signed.
struct Known {
    /// 1 to 128 times G, and the same times 2^128.
    generator: [Box<[[[u64; LIMBS]; 2]]>; 2],
    /// The sum begins with a point of which nobody knows how it hangs together with any other, so that no addition
    /// meets the point at infinity; 2^128 times it is taken away at the end.
    start: [[u64; LIMBS]; 2],
    finish: [[u64; LIMBS]; 2],
}

static KNOWN: LazyLock<Known> = LazyLock::new(Known::new);

const BETA: [u8; 32] = [
    0x7A, 0xE9, 0x6A, 0x2B, 0x65, 0x7C, 0x07, 0x10, 0x6E, 0x64, 0x47, 0x9E, 0xAC, 0x34, 0x34, 0xE9, //
    0x9C, 0xF0, 0x49, 0x75, 0x12, 0xF5, 0x89, 0x95, 0xC1, 0x39, 0x6C, 0x28, 0x71, 0x95, 0x01, 0xEE,
];
const GENERATOR_X: [u8; 32] = [
    0x79, 0xBE, 0x66, 0x7E, 0xF9, 0xDC, 0xBB, 0xAC, 0x55, 0xA0, 0x62, 0x95, 0xCE, 0x87, 0x0B, 0x07, //
    0x02, 0x9B, 0xFC, 0xDB, 0x2D, 0xCE, 0x28, 0xD9, 0x59, 0xF2, 0x81, 0x5B, 0x16, 0xF8, 0x17, 0x98,
];

impl Known {
    fn new() -> Known {
        let curve = Secp256k1::verification_only();
        let far = |point: &PublicKey| point.mul_tweak(&curve, &FAR).expect("no multiple of the order");
        let generator = even_point(&GENERATOR_X).expect("the generator is on the curve");
        let start = (0..=u8::MAX).find_map(|count| even_point(&keccak(&[b"txpool", &[count]])));
        let start = start.expect("every other number is the x of a point");
        Known {
            generator: [generator, far(&generator)].map(|point| multiples(&point)),
            start: coordinates(&start),
            finish: coordinates(&far(&start).negate(&curve)),
        }
    }
}

/// 2^128, by which the second half of a factor counts.
static FAR: LazyLock<Scalar> = LazyLock::new(|| {
    let mut bytes = [0; 32];
    bytes[15] = 1;
    Scalar::from_be_bytes(bytes).expect("below the order")
});

/// 1 to 128 times the point.
fn multiples(point: &PublicKey) -> Box<[[[u64; LIMBS]; 2]]> {
    let next = |last: &PublicKey| last.combine(point).expect("fewer times than the order");
    let all = successors(Some(*point), |last| Some(next(last)));
    all.take(1 << (WIDE_WINDOW - 1))
        .map(|multiple| coordinates(&multiple))
        .collect()
}

/// The point with that x and an even y, where there is one.
fn even_point(x: &[u8; 32]) -> Option<PublicKey> {
    let mut bytes = [2; 33];
    bytes[1..].copy_from_slice(x);
    PublicKey::from_slice(&bytes).ok()
}

fn coordinates(point: &PublicKey) -> [[u64; LIMBS]; 2] {
    let bytes = point.serialize_uncompressed();
    [1, 33].map(|at| limbs_of(&std::array::from_fn(|i| bytes[at + i])))
}

/// The signers of up to eight claims; `None` for one to be looked at on its own.
pub fn recover(claims: &[&Claim]) -> Vec<Option<Address>> {
    assert!(
        can_run() && claims.len() <= LANES,
        "eight lanes, and a processor that has them"
    );
    // SAFETY: the processor has what the function is compiled for.
    let found = unsafe { recover_all(&std::array::from_fn(|lane| claims[lane.min(claims.len() - 1)])) };
    found.into_iter().take(claims.len()).collect()
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn recover_all(claims: &[&Claim; LANES]) -> [Option<Address>; LANES] {
    let (of_generator, of_point) = factors(claims);
    let (nonce_point, on_curve) = nonce_points(claims);
    let sum = combined(&nonce_point, &of_point, &of_generator);
    let inverse = sum.z.inverse();
    let square = inverse.squared();
    let found = Affine {
        x: sum.x.times(&square),
        y: sum.y.times(&square.times(&inverse)),
    };
    // A slip in the arithmetic would hardly end on the curve.
    let good = on_curve & !sum.z.zeros() & is_on_curve(&found);
    let (x, y) = (found.x.write(), found.y.write());
    std::array::from_fn(|lane| {
        let whole = good >> lane & 1 == 1 && claims[lane].is_ordinary();
        whole.then(|| keccak(&[&x[lane], &y[lane]])[12..].try_into().expect("20 of 32 bytes"))
    })
}

/// What G and R are multiplied by: -z / r and s / r.
fn factors(claims: &[&Claim; LANES]) -> ([Words; LANES], [Words; LANES]) {
    const ONE: Words = [1, 0, 0, 0];
    let r = claims.map(|claim| {
        if claim.is_ordinary() {
            scalar::words_of(&claim.r)
        } else {
            ONE
        }
    });
    let inverses = scalar::inverses(&r);
    let digest = |lane: usize| scalar::reduced(scalar::words_of(&claims[lane].digest));
    let s = |lane: usize| scalar::words_of(&claims[lane].s);
    (
        std::array::from_fn(|lane| scalar::negative(&scalar::times(&digest(lane), &inverses[lane]))),
        std::array::from_fn(|lane| scalar::times(&s(lane), &inverses[lane])),
    )
}

/// The points whose x is r, and where there is such a point.
#[target_feature(enable = "avx512f,avx512ifma")]
fn nonce_points(claims: &[&Claim; LANES]) -> (Affine, __mmask8) {
    let x = Field::read(&claims.map(|claim| claim.r));
    let y = right_side(&x).root();
    let on_curve = is_on_curve(&Affine { x, y });
    let wanted = (0..LANES).fold(0, |mask, lane| mask | u8::from(claims[lane].odd) << lane);
    let y = y.negated_where(y.odds() ^ wanted, 1);
    (Affine { x, y }, on_curve)
}

/// x^3 + 7, which has size 2.
#[target_feature(enable = "avx512f,avx512ifma")]
fn right_side(x: &Field) -> Field {
    let seven = Field::all([7, 0, 0, 0, 0]);
    x.squared().times(x).plus(&seven).settle(0)
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn is_on_curve(point: &Affine) -> __mmask8 {
    point.y.squared().minus(&right_side(&point.x)).settle(3).zeros()
}

/// One window of digits of all lanes, the lowest first.
type Digits<const N: usize> = [__m512i; N];

#[target_feature(enable = "avx512f")]
fn digits_of<const N: usize>(numbers: [u128; LANES], bits: usize) -> Digits<N> {
    let lanes: [[i64; N]; LANES] = numbers.map(|number| scalar::digits(number, bits));
    std::array::from_fn(|i| load(std::array::from_fn(|lane| lanes[lane][i] as u64)))
}

fn signs(halves: [Half; LANES]) -> __mmask8 {
    (0..LANES).fold(0, |mask, lane| mask | u8::from(halves[lane].negative) << lane)
}

/// The sum of the points times the first factors and of G times the second (Strauss and Shamir's way, by windows).
#[target_feature(enable = "avx512f,avx512ifma")]
fn combined(points: &Affine, of_points: &[Words; LANES], of_generator: &[Words; LANES]) -> Jacobian {
    let known = &*KNOWN;
    let one = Field::all([1, 0, 0, 0, 0]);
    let table = Multiples::of(points, &one, &Field::all(limbs_of(&BETA)));
    let halves = of_points.map(|factor| scalar::split(&factor));
    let halves = [halves.map(|pair| pair.0), halves.map(|pair| pair.1)];
    let negative = halves.map(signs);
    let narrow: [Digits<WINDOWS>; 2] = halves.map(|half| digits_of(half.map(|each| each.magnitude), WINDOW));
    let wide: [Digits<WIDE_WINDOWS>; 2] =
        [0, 2].map(|at| digits_of(of_generator.map(|factor| u128_at(&factor, at)), WIDE_WINDOW));
    let mut sum = beginning(known, &table.z, &one);
    for i in (0..WINDOWS).rev() {
        if i + 1 < WINDOWS {
            for _ in 0..WINDOW {
                sum = sum.doubled();
            }
        }
        for half in 0..2 {
            let digits = narrow[half][i];
            let entry = table.at(digits, half == 1);
            sum = added(&sum, &entry, digits, negative[half], &sum.z);
        }
        if i % (WIDE_WINDOW / WINDOW) == 0 {
            for (all, multiples) in wide.iter().zip(&known.generator) {
                let digits = all[i / (WIDE_WINDOW / WINDOW)];
                let entry = known_at(multiples, digits);
                sum = added(&sum, &entry, digits, 0, &sum.z.times(&table.z));
            }
        }
    }
    let finish = affine(&known.finish);
    let (mut sum, _) = sum.plus_at(&finish, &sum.z.times(&table.z));
    sum.z = sum.z.times(&table.z);
    sum
}

fn u128_at(words: &Words, at: usize) -> u128 {
    u128::from(words[at + 1]) << 64 | u128::from(words[at])
}

#[target_feature(enable = "avx512f")]
fn affine(point: &[[u64; LIMBS]; 2]) -> Affine {
    Affine {
        x: Field::all(point[0]),
        y: Field::all(point[1]),
    }
}

/// The point to begin with, on the curve on which the multiples are affine.
#[target_feature(enable = "avx512f,avx512ifma")]
fn beginning(known: &Known, z: &Field, one: &Field) -> Jacobian {
    let start = affine(&known.start);
    let square = z.squared();
    Jacobian {
        x: start.x.times(&square),
        y: start.y.times(&square.times(z)),
        z: *one,
    }
}

/// With the entry where its digit is not 0, negated where it is below or the whole factor is, but not both.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn added(sum: &Jacobian, entry: &Affine, digits: __m512i, negative: __mmask8, z: &Field) -> Jacobian {
    let below = _mm512_cmplt_epi64_mask(digits, _mm512_setzero_si512());
    let entry = Affine {
        x: entry.x,
        y: entry.y.negated_where(below ^ negative, 3),
    };
    let (next, _) = sum.plus_at(&entry, z);
    sum.or_where(_mm512_test_epi64_mask(digits, digits), &next)
}
