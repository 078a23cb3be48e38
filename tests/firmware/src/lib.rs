//! What the images have in common: a guest that is executed and proved epoch by epoch in a static
//! buffer, without a heap.
//!
//! | module | role |
//! |---|---|
//! | [`job`] | what the host asks an image to prove |
//! | [`session`] | the main flow: plan, place the buffers, execute and prove |
//! | [`io`] | the guest's input and output, and where proof bytes go |
//! | [`metal`] | everything that is unsafe or the target's own: buffers, stack, clock, host, allocator |
//!
//! A panic, a fault and a call of the allocator are logged, and end the image with a failure.
#![no_std]

pub mod io;
pub mod job;
pub mod metal;
pub mod session;

use tranche_core::Hashes;
use tranche_core::air::ProverAir;
use tranche_core::hash::blake3::Blake3;
use tranche_core::hash::poseidon2::Poseidon2;
use tranche_machine::EpochTable;

defmt::timestamp!("{=u64}", metal::clock());

/// Does what the host asks for, and ends with its success or failure.
///
/// Called once, by the startup code of an image.
pub fn run<B: Hashes<Poseidon2> + Hashes<Blake3>>() -> !
where
    EpochTable<'static>: ProverAir<B>,
{
    metal::start();
    defmt::info!("backend {=str}", B::NAME);
    let success = match session::run::<B>() {
        Ok(()) => true,
        Err(failure) => {
            defmt::error!("{}", failure);
            false
        }
    };
    let (used, size) = metal::stack();
    defmt::info!("stack {=usize} of {=usize}", used, size);
    metal::exit(success)
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    match info.location() {
        Some(at) => defmt::error!("panic at {=str}:{=u32}", at.file(), at.line()),
        None => defmt::error!("panic"),
    }
    metal::exit(false)
}
