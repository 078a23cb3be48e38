//! Input that is read whole.

use alloc::vec::Vec;

use crate::calls::Input;

/// Bytes that the first read asks for; each later one asks for as many as there are.
const FIRST_BYTES: usize = 1024;

/// The rest of the input. It is private: no proof says what it was.
pub fn read_to_vec() -> Vec<u8> {
    rest(Input::Private)
}

/// The rest of the public input, which is part of what is proved.
pub fn public_to_vec() -> Vec<u8> {
    rest(Input::Public)
}

fn rest(of: Input) -> Vec<u8> {
    let mut input = Vec::with_capacity(FIRST_BYTES);
    loop {
        if input.len() == input.capacity() {
            input.reserve(input.len());
        }
        let got = of.read_uninit(input.spare_capacity_mut());
        if got == 0 {
            return input;
        }
        // SAFETY: the call has written so many bytes behind the first `len`.
        unsafe { input.set_len(input.len() + got) };
    }
}

/// The rest of the input as a value in postcard's encoding.
///
/// # Errors
/// When the input is no encoding of a `T`, or goes on behind it.
#[cfg(feature = "postcard")]
pub fn read_value<T: serde::de::DeserializeOwned>() -> Result<T, postcard::Error> {
    let input = read_to_vec();
    match postcard::take_from_bytes(&input)? {
        (value, []) => Ok(value),
        _ => Err(postcard::Error::SerdeDeCustom),
    }
}
