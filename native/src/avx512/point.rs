//! Eight points of the curve at once, in Jacobian coordinates: (x / z^2, y / z^3).
//!
//! The sum of a point and itself, of a point and its negative, or with the point at infinity is not foreseen. Such a sum
//! has z = 0, and so has all that comes of it: who looks at the last z has not missed one.

use super::field::{Field, LANES, lanes_of, load};
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub struct Affine {
    pub x: Field,
    pub y: Field,
}

/// Sizes: x up to 10, y up to 10, z up to 2.
#[derive(Clone, Copy)]
pub struct Jacobian {
    pub x: Field,
    pub y: Field,
    pub z: Field,
}

impl Jacobian {
    /// Twice the point (dbl-2009-l and its like, for a = 0).
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn doubled(&self) -> Jacobian {
        let xx = self.x.squared();
        let yy = self.y.squared();
        let slope = xx.plus(&xx).plus(&xx).settle(0); // size 3
        let fourfold = self.x.times(&yy).loose().shifted::<2>().settle(0); // 4
        let x = slope.squared().minus(&fourfold).minus(&fourfold).settle(9); // 10
        let eightfold = yy.squared().loose().shifted::<3>().settle(0); // 8
        let rise = fourfold.minus(&x).settle(11); // 15
        let y = slope.times(&rise).minus(&eightfold).settle(9); // 10
        let z = self.y.times(&self.z).loose().shifted::<1>().settle(0); // 2
        Jacobian { x, y, z }
    }

    /// The sum with a point of affine coordinates, and by how much z grew.
    #[inline]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn plus(&self, other: &Affine) -> (Jacobian, Field) {
        self.plus_at(other, &self.z)
    }

    /// The same where this point's z is really another: it then lies on another curve than the affine point, one that
    /// is mapped onto that point's by a factor in z.
    #[inline(never)]
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn plus_at(&self, other: &Affine, z: &Field) -> (Jacobian, Field) {
        let zz = z.squared();
        let run = other.x.times(&zz).minus(&self.x).settle(11); // 12
        let rise = other.y.times(&zz.times(z)).minus(&self.y).settle(11); // 12
        let square = run.squared();
        let cube = square.times(&run);
        let level = self.x.times(&square);
        let x = rise.squared().minus(&cube).minus(&level).minus(&level).settle(4); // 5
        let fall = level.minus(&x).settle(6); // 7
        let y = rise.times(&fall).minus(&self.y.times(&cube)).settle(2); // 3
        let z = self.z.times(&run);
        (Jacobian { x, y, z }, run)
    }

    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn or_where(&self, mask: __mmask8, other: &Jacobian) -> Jacobian {
        Jacobian {
            x: self.x.or_where(mask, &other.x),
            y: self.y.or_where(mask, &other.y),
            z: self.z.or_where(mask, &other.z),
        }
    }
}

const ENTRIES: usize = 8;

/// 1 to 8 times a point, and the same by the endomorphism, which multiplies x by beta.
///
/// They are affine on a curve of their own: with `z` for their common z they are on the right one.
pub struct Multiples {
    x: [Field; ENTRIES],
    beta_x: [Field; ENTRIES],
    y: [Field; ENTRIES],
    pub z: Field,
}

impl Multiples {
    #[target_feature(enable = "avx512f,avx512ifma")]
    pub fn of(point: &Affine, one: &Field, beta: &Field) -> Multiples {
        let first = Jacobian {
            x: point.x,
            y: point.y,
            z: *one,
        };
        let mut points = [first; ENTRIES];
        let mut growth = [*one; ENTRIES];
        points[1] = first.doubled();
        growth[1] = points[1].z;
        for i in 2..ENTRIES {
            (points[i], growth[i]) = points[i - 1].plus(point);
        }
        let (mut x, mut y) = (points.map(|each| each.x), points.map(|each| each.y));
        let mut behind = growth[ENTRIES - 1]; // by how much z grew after the entry
        for i in (0..ENTRIES - 1).rev() {
            let square = behind.squared();
            x[i] = x[i].times(&square);
            y[i] = y[i].times(&square.times(&behind));
            behind = behind.times(&growth[i]);
        }
        Multiples {
            x,
            beta_x: x.map(|each| each.times(beta)),
            y,
            z: points[ENTRIES - 1].z,
        }
    }

    /// The entry for each lane's digit; what stands in a lane whose digit is 0 has no meaning.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn at(&self, digits: __m512i, by_beta: bool) -> Affine {
        let column = if by_beta { &self.beta_x } else { &self.x };
        let magnitudes = _mm512_abs_epi64(digits);
        let mut found = Affine {
            x: column[0],
            y: self.y[0],
        };
        for (magnitude, (x, y)) in (1..).zip(column.iter().zip(&self.y)).skip(1) {
            let here = _mm512_cmpeq_epi64_mask(magnitudes, _mm512_set1_epi64(magnitude));
            found.x = found.x.or_where(here, x);
            found.y = found.y.or_where(here, y);
        }
        found
    }
}

/// Multiples of a point that is known beforehand: limbs of x and y.
pub type Known = [[[u64; 5]; 2]];

/// The entry for each lane's digit, the first being 1 times the point; one whose digit is 0 has no meaning.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn known_at(table: &Known, digits: __m512i) -> Affine {
    let rows = lanes_of(_mm512_abs_epi64(digits)).map(|magnitude| &table[(magnitude as usize).saturating_sub(1)]);
    let limbs = |coordinate: usize| -> [[u64; LANES]; 5] {
        std::array::from_fn(|i| std::array::from_fn(|lane| rows[lane][coordinate][i]))
    };
    Affine {
        x: Field(limbs(0).map(|limb| load(limb))),
        y: Field(limbs(1).map(|limb| load(limb))),
    }
}
