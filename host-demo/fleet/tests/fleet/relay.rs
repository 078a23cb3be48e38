//! A link that can be cut: bytes stop, and nobody is told.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::Duration;

/// Between two looks whether a link is whole again.
const LOOK: Duration = Duration::from_millis(20);

pub struct Relay {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Relay {
    /// A link to a socket.
    pub fn start(socket: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(AtomicBool::new(false));
        let (socket, flag) = (PathBuf::from(socket), cut.clone());
        spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = UnixStream::connect(&socket) else {
                    continue;
                };
                join(near, far, &flag);
            }
        });
        Self { port, cut }
    }

    pub fn url(&self, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/fleet", self.port)
    }

    pub fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
    }

    pub fn mend(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }
}

fn join(near: TcpStream, far: UnixStream, cut: &Arc<AtomicBool>) {
    let (near_out, far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    let (up, down) = (cut.clone(), cut.clone());
    spawn(move || forward(near, far_out, &up));
    spawn(move || forward(far, near_out, &down));
}

fn forward(mut from: impl Read, mut to: impl Write, cut: &AtomicBool) {
    let mut bytes = [0; 1 << 14];
    while let Ok(len @ 1..) = from.read(&mut bytes) {
        while cut.load(Ordering::Relaxed) {
            sleep(LOOK);
        }
        if to.write_all(&bytes[..len]).is_err() {
            return;
        }
    }
}
