//! Eight elements of the field of secp256k1 at once, one in each 64-bit lane of AVX-512 registers.
//!
//! An element is five limbs of 52 bits, as the multiplier of AVX-512 IFMA takes them. It need not be the least residue:
//! any value below 2^260 will do, and what a function accepts and leaves is said in multiples of 2^256, its *size*. A
//! product has size 1 (and a 2^-40th part); sums and differences add up, and none here gets beyond 15.

use std::arch::x86_64::*;

pub const LANES: usize = 8;
pub const LIMBS: usize = 5;

/// Five limbs of each of eight elements.
#[derive(Clone, Copy)]
pub struct Field(pub [__m512i; LIMBS]);

/// Limbs that sums and differences have left out of their bounds, perhaps below zero.
#[derive(Clone, Copy)]
pub struct Loose([__m512i; LIMBS]);

const LIMB_BITS: u32 = 52;
const TOP_BITS: u32 = 48; // of the last limb, in what is below 2^256
const LIMB_MASK: i64 = (1 << LIMB_BITS) - 1;
const TOP_MASK: i64 = (1 << TOP_BITS) - 1;
const FOLD: i64 = 0x1_0000_03D1; // 2^256 modulo p
const HIGH_FOLD: i64 = FOLD << 4; // 2^260 modulo p
const P: [i64; LIMBS] = [LIMB_MASK - FOLD + 1, LIMB_MASK, LIMB_MASK, LIMB_MASK, TOP_MASK];

/// The limbs of a big-endian number.
pub fn limbs_of(bytes: &[u8; 32]) -> [u64; LIMBS] {
    let word = |at: usize| u64::from_be_bytes(std::array::from_fn(|i| bytes[at + i]));
    let (w3, w2, w1, w0) = (word(0), word(8), word(16), word(24));
    let mask = LIMB_MASK as u64;
    [
        w0 & mask,
        (w0 >> 52 | w1 << 12) & mask,
        (w1 >> 40 | w2 << 24) & mask,
        (w2 >> 28 | w3 << 36) & mask,
        w3 >> 16,
    ]
}

/// The big-endian number of limbs that are each within its bits.
pub fn bytes_of(limbs: [u64; LIMBS]) -> [u8; 32] {
    let [l0, l1, l2, l3, l4] = limbs;
    let words = [
        l4 << 16 | l3 >> 36,
        l3 << 28 | l2 >> 24,
        l2 << 40 | l1 >> 12,
        l1 << 52 | l0,
    ];
    let mut bytes = [0; 32];
    for (place, word) in bytes.chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    bytes
}

#[inline]
#[target_feature(enable = "avx512f")]
pub fn spread(number: i64) -> __m512i {
    _mm512_set1_epi64(number)
}

#[inline]
#[target_feature(enable = "avx512f")]
pub fn load(lanes: [u64; LANES]) -> __m512i {
    // SAFETY: both are 64 bytes without any structure.
    unsafe { std::mem::transmute(lanes) }
}

#[inline]
#[target_feature(enable = "avx512f")]
pub fn lanes_of(vector: __m512i) -> [u64; LANES] {
    // SAFETY: both are 64 bytes without any structure.
    unsafe { std::mem::transmute(vector) }
}

/// The low halves of the products of 52-bit limbs, added up.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn low(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_madd52lo_epu64(sum, a, b)
}

/// The high halves.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn high(sum: __m512i, a: __m512i, b: __m512i) -> __m512i {
    _mm512_madd52hi_epu64(sum, a, b)
}

/// Twice ten sums of the products of 52-bit limbs (each below 2^57), brought down to size 1.
#[inline]
#[target_feature(enable = "avx512f,avx512ifma")]
fn reduce(mut c: [__m512i; 2 * LIMBS]) -> Field {
    let mask = spread(LIMB_MASK);
    for k in LIMBS..2 * LIMBS - 1 {
        c[k + 1] = _mm512_add_epi64(c[k + 1], _mm512_srli_epi64::<LIMB_BITS>(c[k]));
        c[k] = _mm512_and_si512(c[k], mask);
    }
    let fold = spread(HIGH_FOLD);
    let mut rest = spread(0);
    for k in 0..LIMBS {
        c[k] = low(c[k], c[LIMBS + k], fold);
        if k + 1 < LIMBS {
            c[k + 1] = high(c[k + 1], c[LIMBS + k], fold);
        } else {
            rest = high(rest, c[LIMBS + k], fold);
        }
    }
    c[0] = low(c[0], rest, fold);
    c[1] = high(c[1], rest, fold);
    let over = _mm512_srli_epi64::<TOP_BITS>(c[4]);
    c[4] = _mm512_and_si512(c[4], spread(TOP_MASK));
    c[0] = low(c[0], over, spread(FOLD));
    for k in 0..LIMBS - 1 {
        c[k + 1] = _mm512_add_epi64(c[k + 1], _mm512_srli_epi64::<LIMB_BITS>(c[k]));
        c[k] = _mm512_and_si512(c[k], mask);
    }
    Field([c[0], c[1], c[2], c[3], c[4]])
}

impl Field {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn all(limbs: [u64; LIMBS]) -> Field {
        Field(limbs.map(|limb| _mm512_set1_epi64(limb as i64)))
    }

    /// Eight numbers of 32 bytes, big-endian.
    #[target_feature(enable = "avx512f")]
    pub fn read(numbers: &[[u8; 32]; LANES]) -> Field {
        let limbs = numbers.each_ref().map(limbs_of);
        Field(std::array::from_fn(|i| {
            load(std::array::from_fn(|lane| limbs[lane][i]))
        }))
    }

    /// The eight least residues.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn write(&self) -> [[u8; 32]; LANES] {
        let limbs = self.least().0.map(|limb| lanes_of(limb));
        std::array::from_fn(|lane| bytes_of(limbs.map(|limb| limb[lane])))
    }

    /// Both below size 16; the product has size 1.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn times(&self, other: &Field) -> Field {
        let mut c = [spread(0); 2 * LIMBS];
        for i in 0..LIMBS {
            for j in 0..LIMBS {
                c[i + j] = low(c[i + j], self.0[i], other.0[j]);
                c[i + j + 1] = high(c[i + j + 1], self.0[i], other.0[j]);
            }
        }
        reduce(c)
    }

    /// Below size 16; the square has size 1.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn squared(&self) -> Field {
        let a = &self.0;
        let mut c = [spread(0); 2 * LIMBS];
        for i in 0..LIMBS {
            for j in i + 1..LIMBS {
                c[i + j] = low(c[i + j], a[i], a[j]);
                c[i + j + 1] = high(c[i + j + 1], a[i], a[j]);
            }
        }
        for sum in &mut c {
            *sum = _mm512_add_epi64(*sum, *sum);
        }
        for i in 0..LIMBS {
            c[2 * i] = low(c[2 * i], a[i], a[i]);
            c[2 * i + 1] = high(c[2 * i + 1], a[i], a[i]);
        }
        reduce(c)
    }

    /// Squared so many times over.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn squared_often(&self, times: usize) -> Field {
        let mut power = *self;
        for _ in 0..times {
            power = power.squared();
        }
        power
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn plus(&self, other: &Field) -> Loose {
        self.loose().plus(other)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn minus(&self, other: &Field) -> Loose {
        self.loose().minus(other)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn loose(&self) -> Loose {
        Loose(self.0)
    }

    /// Where the mask says so the negative, which has size `size` + 1, else as it is.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn negated_where(&self, mask: __mmask8, size: i64) -> Field {
        let negative = Loose([spread(0); LIMBS]).minus(self).settle(size + 1);
        self.or_where(mask, &negative)
    }

    /// Where the mask says so the other, else this.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn or_where(&self, mask: __mmask8, other: &Field) -> Field {
        Field(std::array::from_fn(|i| {
            _mm512_mask_mov_epi64(self.0[i], mask, other.0[i])
        }))
    }

    /// The least residue. Any size below 16.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn least(&self) -> Field {
        let mut once = self.0;
        let over = _mm512_srli_epi64::<TOP_BITS>(once[4]);
        once[4] = _mm512_and_si512(once[4], spread(TOP_MASK));
        once[0] = low(once[0], over, spread(FOLD));
        let once = Loose(once).carried();
        let mut less = once; // by p, and 2^256 too much where that leaves something
        less.0[0] = _mm512_add_epi64(less.0[0], spread(FOLD));
        let less = Loose(less.0).carried();
        let fits = _mm512_cmpge_epi64_mask(less.0[4], spread(1 << TOP_BITS));
        let mut found = once.or_where(fits, &less);
        found.0[4] = _mm512_and_si512(found.0[4], spread(TOP_MASK));
        found
    }

    /// Which are multiples of p. Any size below 16.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn zeros(&self) -> __mmask8 {
        let limbs = self.least().0;
        let any = limbs[1..]
            .iter()
            .fold(limbs[0], |any, limb| _mm512_or_si512(any, *limb));
        _mm512_testn_epi64_mask(any, any)
    }

    /// Which have an odd least residue.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn odds(&self) -> __mmask8 {
        _mm512_test_epi64_mask(self.least().0[0], spread(1))
    }

    /// Raised to 2^223 - 1, with the powers 2^22 - 1 and 2^2 - 1 met on the way: with them the next two begin.
    #[target_feature(enable = "avx512f,avx512ifma")]
    fn ladder(&self) -> (Field, Field, Field) {
        let x2 = self.squared().times(self);
        let x3 = x2.squared().times(self);
        let x6 = x3.squared_often(3).times(&x3);
        let x9 = x6.squared_often(3).times(&x3);
        let x11 = x9.squared_often(2).times(&x2);
        let x22 = x11.squared_often(11).times(&x11);
        let x44 = x22.squared_often(22).times(&x22);
        let x88 = x44.squared_often(44).times(&x44);
        let x176 = x88.squared_often(88).times(&x88);
        let x220 = x176.squared_often(44).times(&x44);
        (x220.squared_often(3).times(&x3), x22, x2)
    }

    /// Raised to (p + 1) / 4: a square root, where there is one.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn root(&self) -> Field {
        let (x223, x22, x2) = self.ladder();
        x223.squared_often(23)
            .times(&x22)
            .squared_often(6)
            .times(&x2)
            .squared_often(2)
    }

    /// Raised to p - 2: the inverse; of 0 it is 0.
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn inverse(&self) -> Field {
        let (x223, x22, x2) = self.ladder();
        let begun = x223.squared_often(23).times(&x22).squared_often(5).times(self);
        begun.squared_often(3).times(&x2).squared_often(2).times(self)
    }
}

impl Loose {
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn plus(self, other: &Field) -> Loose {
        Loose(std::array::from_fn(|i| _mm512_add_epi64(self.0[i], other.0[i])))
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn minus(self, other: &Field) -> Loose {
        Loose(std::array::from_fn(|i| _mm512_sub_epi64(self.0[i], other.0[i])))
    }

    /// Times 2^`BITS`.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn shifted<const BITS: u32>(self) -> Loose {
        Loose(self.0.map(|limb| _mm512_slli_epi64::<BITS>(limb)))
    }

    /// Limbs within their bits again, after adding `lift` times p, which must make up for all that was subtracted.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn settle(self, lift: i64) -> Field {
        Loose(std::array::from_fn(|i| {
            _mm512_add_epi64(self.0[i], _mm512_set1_epi64(P[i] * lift))
        }))
        .carried()
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn carried(self) -> Field {
        let mut c = self.0;
        for k in 0..LIMBS - 1 {
            c[k + 1] = _mm512_add_epi64(c[k + 1], _mm512_srai_epi64::<LIMB_BITS>(c[k]));
            c[k] = _mm512_and_si512(c[k], spread(LIMB_MASK));
        }
        Field(c)
    }
}
