//! Arithmetic and sorting.

use super::{gives, noise, refuses, words, xorshift};

fn fold(words: impl IntoIterator<Item = u32>, checksum: u32) -> u32 {
    let add = |sum: u32, word| sum.rotate_left(5).wrapping_add(word);
    words.into_iter().fold(checksum, add)
}

#[test]
fn sort() {
    let generated = std::iter::successors(Some(2_463_534_242), |&x| Some(xorshift(x)));
    let generated: Vec<u32> = generated.skip(1).take(1024).collect();
    let inputs = [
        vec![],
        vec![5],
        vec![3, u32::MAX, 0, 3, 1 << 31],
        (0..500).rev().collect(),
    ];
    for input in inputs {
        let mut sorted = if input.is_empty() {
            generated.clone()
        } else {
            input.clone()
        };
        sorted.sort_unstable();
        let (len, sum) = (sorted.len() as u32, fold(sorted, 0));
        gives("sort", &words(input), &words([sum, len]));
    }
}

#[test]
fn spin() {
    for rounds in [0, 1, 700] {
        let (mut table, mut x) = ([0u32; 256], 1);
        for _ in 0..rounds {
            x = xorshift(x);
            let slot = &mut table[x as usize / 4 % 256];
            *slot = slot.wrapping_add(x);
        }
        let sum = fold(table, x);
        gives("spin", rounds.to_string().as_bytes(), &words([sum]));
    }
    refuses("spin", b"no number");
}

/// Moduli of 64 bits, whose products fit this test's arithmetic.
#[test]
fn modexp() {
    fn power(base: u64, mut exponent: u64, modulus: u64) -> u64 {
        let product = |a, b| (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64;
        let (mut square, mut power) = (base % modulus, 1 % modulus);
        while exponent > 0 {
            if exponent % 2 == 1 {
                power = product(power, square);
            }
            square = product(square, square);
            exponent /= 2;
        }
        power
    }
    let number = |number: u64| [&number.to_le_bytes()[..], &[0; 24]].concat();
    for (base, exponent, modulus) in [
        (3, 0, 7),
        (0, 5, 1),
        (u64::MAX, 65537, u64::MAX - 58),
        (0x0123_4567_89ab_cdef, 0xffff, 1 << 63),
    ] {
        let input = [number(base), number(exponent), number(modulus)].concat();
        gives("modexp", &input, &number(power(base, exponent, modulus)));
    }
    refuses("modexp", &[0; 96]);
}

#[test]
fn sieve() {
    let is_prime = |n: &u32| {
        *n > 1
            && (2..)
                .take_while(|d| d * d <= *n)
                .all(|d| !n.is_multiple_of(d))
    };
    for limit in [0, 1, 2, 3, 4, 9, 25, 100, 7919, 20_000] {
        let primes: Vec<u32> = (0..=limit).filter(is_prime).collect();
        let largest = primes.last().copied().unwrap_or(0);
        let input = format!("{limit}\n");
        gives(
            "sieve",
            input.as_bytes(),
            &words([primes.len() as u32, largest]),
        );
    }
    for refused in ["", "\n", "12x", "-3", "8000001", "12345678"] {
        refuses("sieve", refused.as_bytes());
    }
}

#[test]
fn matrix() {
    for (rows, inner, columns) in [(0, 3, 2), (2, 0, 2), (1, 1, 1), (3, 5, 4), (16, 16, 16)] {
        let elements = |len: usize| -> Vec<u32> {
            let bytes = noise(4 * len);
            let words = bytes
                .chunks(4)
                .map(|word| u32::from_le_bytes(word.try_into().unwrap()));
            words.collect()
        };
        let (left, right) = (elements(rows * inner), elements(inner * columns));
        let element = |at: usize| {
            let (row, column) = (at / columns, at % columns);
            let products =
                (0..inner).map(|i| left[row * inner + i].wrapping_mul(right[i * columns + column]));
            products.fold(0, u32::wrapping_add)
        };
        let product: Vec<_> = (0..rows * columns).map(element).collect();
        let input = postcard::to_allocvec(&(rows, inner, columns, &left, &right)).unwrap();
        gives("matrix", &input, &words(product));
        refuses("matrix", &[&input[..], b"x"].concat());
    }
    let short = postcard::to_allocvec(&(2, 2, 2, [1, 2, 3].as_slice(), [0; 4].as_slice()));
    refuses("matrix", &short.unwrap());
    refuses("matrix", b"");
}

/// Scripts, and what other arithmetic says of them.
#[test]
fn calc() {
    let factorials = ": factorial dup 2 < if drop 1 else dup 1 - factorial * then ; \
        0 begin dup factorial . 1 + dup 14 = until drop";
    let expected = (0..14).map(|n| (1..=n).fold(1i32, |product, i| product.wrapping_mul(i)));
    let lines = |numbers: Vec<i32>| numbers.iter().map(|n| format!("{n}\n")).collect::<String>();
    gives(
        "calc",
        factorials.as_bytes(),
        lines(expected.collect()).as_bytes(),
    );

    let collatz = "27 begin dup 1 = 0 = while dup 2 mod if 3 * 1 + else 2 / then dup . repeat drop";
    let next = |&n: &i32| (n != 1).then_some(if n % 2 == 1 { 3 * n + 1 } else { n / 2 });
    let steps = std::iter::successors(next(&27), next).collect();
    gives("calc", collatz.as_bytes(), lines(steps).as_bytes());

    gives(
        "calc",
        b"7 -2 / . -7 2 mod . 2147483647 1 + . 3 9 over - - .\n",
        b"-3\n-1\n-2147483648\n-3\n",
    );
    for refused in [
        "1 0 /",
        "+",
        "nonsense",
        ": a 1",
        "if",
        "1 then",
        ": a : b ;",
        ";",
    ] {
        refuses("calc", refused.as_bytes());
    }
    refuses("calc", b": endless 1 endless ; endless");
}
