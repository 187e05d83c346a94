//! Numbers modulo the order of secp256k1, and how one is cut into digits for the multiplication of points.

/// A number below 2^256, the lowest word first.
pub type Words = [u64; 4];

/// The order of the curve.
pub const ORDER: Words = [
    0xBFD2_5E8C_D036_4141,
    0xBAAE_DCE6_AF48_A03B,
    0xFFFF_FFFF_FFFF_FFFE,
    u64::MAX,
];
/// 2^256 less the order.
const FOLD: [u64; 3] = [0x402D_A173_2FC9_BEBF, 0x4551_2319_50B7_5FC4, 1];

pub const WINDOW: usize = 4;
pub const WINDOWS: usize = 33; // 128 bits, and the carry out of the last of them
pub const WIDE_WINDOW: usize = 8;
pub const WIDE_WINDOWS: usize = 17;

pub fn words_of(bytes: &[u8; 32]) -> Words {
    std::array::from_fn(|i| u64::from_be_bytes(std::array::from_fn(|j| bytes[24 - 8 * i + j])))
}

fn is_below(a: &Words, b: &Words) -> bool {
    a.iter().rev().lt(b.iter().rev())
}

/// a + b, and the bit that is carried out.
fn sum(a: &Words, b: &Words) -> (Words, bool) {
    let mut carry = false;
    let words = std::array::from_fn(|i| {
        let (once, over) = a[i].overflowing_add(b[i]);
        let (twice, over_again) = once.overflowing_add(u64::from(carry));
        carry = over | over_again;
        twice
    });
    (words, carry)
}

/// a - b modulo 2^256.
fn difference(a: &Words, b: &Words) -> Words {
    let mut borrow = false;
    std::array::from_fn(|i| {
        let (once, under) = a[i].overflowing_sub(b[i]);
        let (twice, under_again) = once.overflowing_sub(u64::from(borrow));
        borrow = under | under_again;
        twice
    })
}

/// Brought below the order; the argument is below twice that.
pub fn reduced(a: Words) -> Words {
    if is_below(&a, &ORDER) {
        a
    } else {
        difference(&a, &ORDER)
    }
}

pub fn negative(a: &Words) -> Words {
    if *a == [0; 4] { *a } else { difference(&ORDER, a) }
}

/// The product of numbers of so many words.
fn product<const A: usize, const B: usize, const C: usize>(a: &[u64; A], b: &[u64; B]) -> [u64; C] {
    let mut words = [0; C];
    for (i, x) in a.iter().enumerate() {
        let mut carry = 0;
        for (j, y) in b.iter().enumerate() {
            let sum = u128::from(*x) * u128::from(*y) + u128::from(words[i + j]) + carry;
            words[i + j] = sum as u64;
            carry = sum >> 64;
        }
        words[i + B] = carry as u64;
    }
    words
}

/// The product modulo the order.
pub fn times(a: &Words, b: &Words) -> Words {
    let [w0, w1, w2, w3, high @ ..] = product::<4, 4, 8>(a, b);
    let mut low = [w0, w1, w2, w3];
    let mut rest: Words = high;
    // What is above 2^256 counts `FOLD` for each: 256 bits of it become 130, then 3, then none.
    while rest != [0; 4] {
        let [f0, f1, f2, f3, folded @ ..] = product::<4, 3, 7>(&rest, &FOLD);
        let (next, carry) = sum(&low, &[f0, f1, f2, f3]);
        low = next;
        rest = sum(&[folded[0], folded[1], folded[2], 0], &[u64::from(carry), 0, 0, 0]).0;
    }
    reduced(low)
}

fn is_even(a: &Words) -> bool {
    a[0] & 1 == 0
}

fn halved(a: &Words, top: bool) -> Words {
    let [w0, w1, w2, w3] = *a;
    [
        w0 >> 1 | w1 << 63,
        w1 >> 1 | w2 << 63,
        w2 >> 1 | w3 << 63,
        w3 >> 1 | u64::from(top) << 63,
    ]
}

/// Half of it modulo the order.
fn half(a: &Words) -> Words {
    if is_even(a) {
        return halved(a, false);
    }
    let (even, carry) = sum(a, &ORDER);
    halved(&even, carry)
}

/// The inverse modulo the order, by Euclid's algorithm on halves; the argument is not 0 and below the order.
fn inverse(a: &Words) -> Words {
    const ONE: Words = [1, 0, 0, 0];
    let (mut u, mut v) = (*a, ORDER);
    let (mut x, mut y) = (ONE, [0; 4]); // a * x = u and a * y = v, modulo the order
    while u != ONE && v != ONE {
        while is_even(&u) {
            (u, x) = (halved(&u, false), half(&x));
        }
        while is_even(&v) {
            (v, y) = (halved(&v, false), half(&y));
        }
        if is_below(&u, &v) {
            (v, y) = (difference(&v, &u), less(&y, &x));
        } else {
            (u, x) = (difference(&u, &v), less(&x, &y));
        }
    }
    if u == ONE { x } else { y }
}

/// a - b modulo the order.
fn less(a: &Words, b: &Words) -> Words {
    reduced(if is_below(a, b) {
        sum(&difference(a, b), &ORDER).0
    } else {
        difference(a, b)
    })
}

/// The inverses of all, none of which is 0, by one inversion (Montgomery's trick).
pub fn inverses<const N: usize>(numbers: &[Words; N]) -> [Words; N] {
    let mut before = [[1, 0, 0, 0]; N]; // the product of those before
    let mut all: Words = [1, 0, 0, 0];
    for (place, number) in before.iter_mut().zip(numbers) {
        *place = all;
        all = times(&all, number);
    }
    let mut rest = inverse(&all);
    for i in (0..N).rev() {
        let one = times(&rest, &before[i]);
        rest = times(&rest, &numbers[i]);
        before[i] = one;
    }
    before
}

/// A number of up to 128 bits, and whether it counts negative.
#[derive(Clone, Copy)]
pub struct Half {
    pub magnitude: u128,
    pub negative: bool,
}

// The curve's endomorphism multiplies by lambda, and k = k1 + k2 * lambda with halves of 128 bits (Gallant, Lambert and
// Vanstone 2001). (A1, -B1) and (A2, A1) span the lattice of the pairs that give 0; G1 and G2 are 2^384 * A1 / order
// and 2^384 * B1 / order, rounded, by which the pair next to (k, 0) is found without a division.
const A1: [u64; 2] = [0xE86C_90E4_9284_EB15, 0x3086_D221_A7D4_6BCD];
const B1: [u64; 2] = [0x6F54_7FA9_0ABF_E4C3, 0xE443_7ED6_010E_8828];
const A2: [u64; 3] = [0x57C1_108D_9D44_CFD8, 0x14CA_50F7_A8E2_F3F6, 1];
const G1: Words = [
    0xE893_209A_45DB_B031,
    0x3DAA_8A14_71E8_CA7F,
    0xE86C_90E4_9284_EB15,
    0x3086_D221_A7D4_6BCD,
];
const G2: Words = [
    0x1571_B4AE_8AC4_7F71,
    0x2212_08AC_9DF5_06C6,
    0x6F54_7FA9_0ABF_E4C4,
    0xE443_7ED6_010E_8828,
];

/// a * b / 2^384, rounded.
fn scaled(a: &Words, b: &Words) -> [u64; 2] {
    let words = product::<4, 4, 8>(a, b);
    let high = u128::from(words[7]) << 64 | u128::from(words[6]);
    let rounded = high + u128::from(words[5] >> 63);
    [rounded as u64, (rounded >> 64) as u64]
}

/// Its halves by the endomorphism.
pub fn split(k: &Words) -> (Half, Half) {
    let (c1, c2) = (scaled(k, &G1), scaled(k, &G2));
    let first = difference(k, &product::<2, 2, 4>(&c1, &A1));
    let [s0, s1, s2, s3, _] = product::<2, 3, 5>(&c2, &A2);
    let first = difference(&first, &[s0, s1, s2, s3]);
    let second = difference(&product::<2, 2, 4>(&c1, &B1), &product::<2, 2, 4>(&c2, &A1));
    (signed(&first), signed(&second))
}

/// What is meant by a difference modulo 2^256.
fn signed(a: &Words) -> Half {
    let negative = a[3] >> 63 == 1;
    let [low, high, ..] = if negative { difference(&[0; 4], a) } else { *a };
    Half {
        magnitude: u128::from(high) << 64 | u128::from(low),
        negative,
    }
}

/// Digits of so many bits, the lowest first, from -2^(bits - 1) up to 2^(bits - 1).
pub fn digits<const N: usize>(number: u128, bits: usize) -> [i64; N] {
    let mut carry = 0;
    std::array::from_fn(|i| {
        let chunk = number.checked_shr((i * bits) as u32).unwrap_or(0) as i64 & ((1 << bits) - 1);
        let digit = chunk + carry;
        carry = i64::from(digit > 1 << (bits - 1));
        digit - (carry << bits)
    })
}
