//! A clock that counts executed instructions: the emulator runs with one nanosecond of virtual time
//! an instruction, and every timer of a board follows virtual time.

#[cfg(target_arch = "arm")]
mod board {
    //! Timer 0 of the MPS2 boards: a CMSDK APB timer, which counts down at 25 MHz.

    /// Its registers: control, value, reload.
    const TIMER: *mut u32 = 0x4000_0000 as *mut u32;
    const NANOSECONDS: u64 = 40;

    pub fn start() {
        // SAFETY: the three registers exist, and nothing else uses them.
        unsafe {
            TIMER.add(2).write_volatile(u32::MAX);
            TIMER.add(1).write_volatile(u32::MAX);
            TIMER.write_volatile(1);
        }
    }

    /// Wraps after 171 virtual seconds.
    /// Instructions executed.
    pub fn clock() -> u64 {
        // SAFETY: as above.
        let left = unsafe { TIMER.add(1).read_volatile() };
        u64::from(!left) * NANOSECONDS
    }
}

#[cfg(target_arch = "aarch64")]
mod board {
    //! The generic timer, at 62.5 MHz.

    use core::arch::asm;

    const NANOSECONDS: u64 = 16;

    pub const fn start() {}

    /// Instructions executed.
    pub fn clock() -> u64 {
        let ticks: u64;
        // SAFETY: reads a counter.
        unsafe { asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
        ticks * NANOSECONDS
    }
}

#[cfg(target_arch = "riscv32")]
mod board {
    //! The machine's cycle counter.

    use core::arch::asm;

    pub const fn start() {}

    /// Instructions executed.
    pub fn clock() -> u64 {
        loop {
            let (low, high, again): (u32, u32, u32);
            // SAFETY: reads a counter.
            unsafe {
                asm!(
                    "csrr {1}, mcycleh",
                    "csrr {0}, mcycle",
                    "csrr {2}, mcycleh",
                    out(reg) low,
                    out(reg) high,
                    out(reg) again,
                    options(nomem, nostack),
                );
            }
            if high == again {
                return u64::from(high) << 32 | u64::from(low);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod board {
    //! The time-stamp counter.

    pub const fn start() {}

    /// Instructions executed.
    pub fn clock() -> u64 {
        // SAFETY: reads a counter.
        unsafe { core::arch::x86_64::_rdtsc() }
    }
}

pub use board::{clock, start};
