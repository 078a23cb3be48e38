//! A ring that counts degrees.
//!
//! An element is the degree of an expression in the trace polynomials and, when the expression is a
//! constant, its value: constants fold exactly where p3-air's symbolic expressions fold them, so
//! degrees, and with them the number of quotient chunks, come out as Plonky3's. They saturate, far
//! above the largest that a plan takes.

use core::iter::{Product, Sum};
use core::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use p3_air::WindowAccess;
use p3_field::{Algebra, InjectiveMonomial, PrimeCharacteristicRing};

use crate::F;

/// Widest main or preprocessed trace, in columns.
pub const MAX_WIDTH: usize = 1 << 12;

/// Traces whose next rows take part in something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct NextRows {
    /// The main trace.
    pub main: bool,
    /// The preprocessed trace.
    pub preprocessed: bool,
}

impl NextRows {
    /// None.
    pub const NONE: Self = Self {
        main: false,
        preprocessed: false,
    };

    /// Those of either.
    pub const fn or(self, other: Self) -> Self {
        Self {
            main: self.main || other.main,
            preprocessed: self.preprocessed || other.preprocessed,
        }
    }
}

/// The degree of an expression, and its value when it is a constant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Degree {
    /// Degree in units of the trace height.
    pub degree: u32,
    /// `Some` for a constant.
    pub constant: Option<F>,
    /// The next rows whose columns take part.
    pub next: NextRows,
}

impl Degree {
    /// An expression of degree `degree` that is no constant.
    pub const fn of(degree: u32) -> Self {
        Self {
            degree,
            constant: None,
            next: NextRows::NONE,
        }
    }

    /// An expression of degree `degree` in two, that is no constant.
    const fn of_both(degree: u32, a: Self, b: Self) -> Self {
        Self {
            degree,
            constant: None,
            next: a.next.or(b.next),
        }
    }

    /// Whether the expression is the constant zero.
    pub fn is_zero(&self) -> bool {
        self.constant == Some(F::ZERO)
    }
}

/// A trace column: degree 1.
///
/// It has a size because AIRs view a slice of columns as their column struct, which needs one.
#[derive(Clone, Copy, Debug, Default)]
pub struct Column(NextRow);

/// The next row that a column is of, in a byte: a device has statics of thousands of columns.
#[derive(Clone, Copy, Debug, Default)]
#[repr(u8)]
enum NextRow {
    #[default]
    None,
    Main,
    Preprocessed,
}

impl From<Column> for Degree {
    fn from(column: Column) -> Self {
        let next = NextRows {
            main: matches!(column.0, NextRow::Main),
            preprocessed: matches!(column.0, NextRow::Preprocessed),
        };
        Self {
            next,
            ..Self::of(1)
        }
    }
}

impl From<F> for Degree {
    fn from(value: F) -> Self {
        Self {
            degree: 0,
            constant: Some(value),
            next: NextRows::NONE,
        }
    }
}

impl<T: Into<Self>> Add<T> for Degree {
    type Output = Self;
    fn add(self, rhs: T) -> Self {
        let rhs = rhs.into();
        match (self.constant, rhs.constant) {
            (Some(a), Some(b)) => (a + b).into(),
            _ if self.is_zero() => rhs,
            _ if rhs.is_zero() => self,
            _ => Self::of_both(self.degree.max(rhs.degree), self, rhs),
        }
    }
}

impl<T: Into<Self>> Sub<T> for Degree {
    type Output = Self;
    fn sub(self, rhs: T) -> Self {
        let rhs = rhs.into();
        match (self.constant, rhs.constant) {
            (Some(a), Some(b)) => (a - b).into(),
            _ if self.is_zero() => -rhs,
            _ if rhs.is_zero() => self,
            _ => Self::of_both(self.degree.max(rhs.degree), self, rhs),
        }
    }
}

impl Neg for Degree {
    type Output = Self;
    fn neg(self) -> Self {
        Self {
            constant: self.constant.map(|c| -c),
            ..self
        }
    }
}

impl<T: Into<Self>> Mul<T> for Degree {
    type Output = Self;
    fn mul(self, rhs: T) -> Self {
        let rhs = rhs.into();
        match (self.constant, rhs.constant) {
            (Some(a), Some(b)) => (a * b).into(),
            _ if self.is_zero() || rhs.is_zero() => F::ZERO.into(),
            (Some(F::ONE), _) => rhs,
            (_, Some(F::ONE)) => self,
            _ => Self::of_both(self.degree.saturating_add(rhs.degree), self, rhs),
        }
    }
}

impl<T: Into<Self>> AddAssign<T> for Degree {
    fn add_assign(&mut self, rhs: T) {
        *self = *self + rhs;
    }
}

impl<T: Into<Self>> SubAssign<T> for Degree {
    fn sub_assign(&mut self, rhs: T) {
        *self = *self - rhs;
    }
}

impl<T: Into<Self>> MulAssign<T> for Degree {
    fn mul_assign(&mut self, rhs: T) {
        *self = *self * rhs;
    }
}

impl<T: Into<Self>> Sum<T> for Degree {
    fn sum<I: Iterator<Item = T>>(iter: I) -> Self {
        iter.map(Into::into)
            .reduce(|a, b| a + b)
            .unwrap_or(Self::ZERO)
    }
}

impl<T: Into<Self>> Product<T> for Degree {
    fn product<I: Iterator<Item = T>>(iter: I) -> Self {
        iter.map(Into::into)
            .reduce(|a, b| a * b)
            .unwrap_or(Self::ONE)
    }
}

impl PrimeCharacteristicRing for Degree {
    type PrimeSubfield = F;

    const ZERO: Self = Self {
        degree: 0,
        constant: Some(F::ZERO),
        next: NextRows::NONE,
    };
    const ONE: Self = Self {
        degree: 0,
        constant: Some(F::ONE),
        next: NextRows::NONE,
    };
    const TWO: Self = Self {
        degree: 0,
        constant: Some(F::TWO),
        next: NextRows::NONE,
    };
    const NEG_ONE: Self = Self {
        degree: 0,
        constant: Some(F::NEG_ONE),
        next: NextRows::NONE,
    };

    fn from_prime_subfield(f: F) -> Self {
        f.into()
    }
}

impl Algebra<F> for Degree {}
impl Algebra<Column> for Degree {}
impl<const N: u64> InjectiveMonomial<N> for Degree where F: InjectiveMonomial<N> {}

impl<T: Into<Degree>> Add<T> for Column {
    type Output = Degree;
    fn add(self, rhs: T) -> Degree {
        Degree::from(self) + rhs
    }
}

impl<T: Into<Degree>> Sub<T> for Column {
    type Output = Degree;
    fn sub(self, rhs: T) -> Degree {
        Degree::from(self) - rhs
    }
}

impl<T: Into<Degree>> Mul<T> for Column {
    type Output = Degree;
    fn mul(self, rhs: T) -> Degree {
        Degree::from(self) * rhs
    }
}

/// A public value: degree 0, but no constant.
#[derive(Clone, Copy, Debug)]
pub struct Public;

impl From<Public> for Degree {
    fn from(_: Public) -> Self {
        Self::of(0)
    }
}

/// Two rows of trace columns: all columns of a row are alike, so any width is a static slice.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    current: &'static [Column],
    next: &'static [Column],
}

impl Columns {
    /// Rows of `width` columns, [`MAX_WIDTH`] at most.
    pub(super) fn new(width: usize, next: &'static [Column; MAX_WIDTH]) -> Self {
        Self {
            current: &CURRENT[..width],
            next: &next[..width],
        }
    }
}

static CURRENT: [Column; MAX_WIDTH] = [Column(NextRow::None); MAX_WIDTH];
pub(super) static NEXT_MAIN: [Column; MAX_WIDTH] = [Column(NextRow::Main); MAX_WIDTH];
pub(super) static NEXT_PREPROCESSED: [Column; MAX_WIDTH] =
    [Column(NextRow::Preprocessed); MAX_WIDTH];
pub(super) static PUBLIC: [Public; MAX_WIDTH] = [Public; MAX_WIDTH];

impl WindowAccess<Column> for Columns {
    fn current_slice(&self) -> &[Column] {
        self.current
    }

    fn next_slice(&self) -> &[Column] {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_fold_as_plonky3_folds_them() {
        let x = Degree::from(Column::default());
        assert_eq!((x * F::ONE).degree, 1);
        assert!((x * F::ZERO).is_zero());
        assert_eq!((x * x * Degree::TWO).degree, 2);
        assert_eq!((x + F::ZERO).degree, 1);
        assert_eq!(Degree::TWO * Degree::TWO, Degree::from(F::new(4)));
        assert_eq!((Degree::from(Public) * x).degree, 1);
    }

    #[test]
    fn the_next_rows_show_in_what_they_take_part_in() {
        let [now, main, preprocessed] = [NextRow::None, NextRow::Main, NextRow::Preprocessed]
            .map(|row| Degree::from(Column(row)));
        assert_eq!((now * now + F::ONE).next, NextRows::NONE);
        let (of_main, of_both) = (main.next, main.next.or(preprocessed.next));
        assert!(of_main.main && !of_main.preprocessed && of_both.main && of_both.preprocessed);
        for read in [
            main,
            -main,
            now + main,
            main - now,
            now * main,
            main * F::ONE,
        ] {
            assert_eq!(read.next, of_main);
            assert_eq!((read * preprocessed).next, of_both);
            assert_eq!((preprocessed - read).next, of_both);
        }
        assert_eq!((now + main * F::ZERO).next, NextRows::NONE);
    }
}
