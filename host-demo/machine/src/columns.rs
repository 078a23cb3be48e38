//! Columns by name and size: a table declares each once, in order, and its number follows.

use core::fmt;

/// Columns that share a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The name.
    pub name: &'static str,
    /// How many there are.
    pub size: usize,
}

/// The number of a table's columns.
pub const fn width(columns: &[Column]) -> usize {
    let (mut width, mut i) = (0, 0);
    while i < columns.len() {
        width += columns[i].size;
        i += 1;
    }
    width
}

/// The first column of a name.
pub(crate) const fn first(columns: &[Column], name: &str) -> usize {
    let (mut place, mut i) = (0, 0);
    while !equal(columns[i].name, name) {
        place += columns[i].size;
        i += 1;
    }
    place
}

/// All columns of a name.
pub(crate) const fn all<const N: usize>(columns: &[Column], name: &str) -> [usize; N] {
    let (start, mut all, mut i) = (first(columns, name), [0; N], 0);
    while i < N {
        all[i] = start + i;
        i += 1;
    }
    all
}

/// Whether two names are equal, in constants.
const fn equal(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

/// A column as checks and errors name it: `PC`, `W_LOW[1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnName {
    group: Column,
    index: usize,
}

impl ColumnName {
    /// The name of column `place` of a table; `None` when there is no such column.
    pub fn of(columns: &[Column], place: usize) -> Option<Self> {
        let mut index = place;
        for &group in columns {
            if index < group.size {
                return Some(Self { group, index });
            }
            index -= group.size;
        }
        None
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, index } = self;
        f.write_str(group.name)?;
        if group.size > 1 {
            write!(f, "[{index}]")?;
        }
        Ok(())
    }
}

/// Declares the columns of a table, in order, and a constant for each name: `NAME` is a column, `NAME[3]`
/// are three.
macro_rules! columns {
    (@group $name:ident) => {
        columns!(@group $name [1])
    };
    (@group $name:ident [$size:expr]) => {
        $crate::columns::Column { name: stringify!($name), size: $size }
    };
    (@place $(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub const $name: usize = $crate::columns::first(COLUMNS, stringify!($name));
    };
    (@place $(#[$doc:meta])* $name:ident [$size:expr]) => {
        $(#[$doc])*
        pub const $name: [usize; $size] = $crate::columns::all(COLUMNS, stringify!($name));
    };
    ($($(#[$doc:meta])* $name:ident $([$($size:tt)+])?),* $(,)?) => {
        /// The columns, in order.
        pub const COLUMNS: &[$crate::columns::Column] =
            &[$($crate::columns::columns!(@group $name $([$($size)+])?)),*];
        $($crate::columns::columns!(@place $(#[$doc])* $name $([$($size)+])?);)*
    };
}
pub(crate) use columns;

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;

    use super::*;

    columns! {
        /// One.
        ONE,
        /// Two.
        TWO[2],
        /// One more.
        LAST,
        /// Three more.
        MORE[3],
    }

    #[test]
    fn places_follow_from_the_order() {
        assert_eq!((ONE, TWO, LAST, MORE), (0, [1, 2], 3, [4, 5, 6]));
        assert_eq!(width(COLUMNS), 7);
    }

    #[test]
    fn every_column_has_a_name() {
        let name = |place| ColumnName::of(COLUMNS, place).map(|name| name.to_string());
        let names: [_; 5] = [0, 1, 2, 3, 6].map(|place| name(place).expect("a column"));
        assert_eq!(names, ["ONE", "TWO[0]", "TWO[1]", "LAST", "MORE[2]"]);
        assert_eq!(name(7), None);
    }
}
