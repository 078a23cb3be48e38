# What the test scripts share; sourced, not run.

# install PACKAGE...: from Debian, those that are missing.
install() { one_at_a_time install_missing "$@"; }

# need COMMAND PACKAGE...: the packages, unless the command is there whatever it came with.
need() {
  one_at_a_time install_for "$@"
  command -v "$1" >/dev/null
}

# one_at_a_time COMMAND...: legs run beside one another, and what is half installed looks as if it were there.
one_at_a_time() {
  (
    flock 9
    "$@"
  ) 9>"${TMPDIR:-/tmp}/tranche-packages.$(id -u)"
}

install_for() { command -v "$1" >/dev/null || install_missing "${@:2}"; }

install_missing() {
  dpkg -s "$@" >/dev/null 2>&1 && return
  if ! command -v apt-get >/dev/null; then
    echo "missing: Debian's $*, and there is no apt-get to install them" >&2
    return 1
  fi
  local sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  if [[ "$*" == *:arm64* ]]; then $sudo dpkg --add-architecture arm64; fi
  # A service that a package starts does not keep the lock.
  $sudo apt-get update -q 9>&-
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "$@" 9>&-
}

# WORKSPACE: the packages that this build can have. A backend crate refuses to build without its instructions. Packages
# that are selected otherwise have other features, and are built once more.
WORKSPACE=(--workspace)
built_for=$(rustc --print cfg ${RUSTFLAGS--C target-cpu=native})
if grep -q 'target_arch="x86_64"' <<<"$built_for" && ! grep -q '"avx512f"' <<<"$built_for"; then
  WORKSPACE+=(--exclude tranche-simd-avx512)
fi

# CI builds nothing twice, and what would make that quicker costs time; nobody debugs what it has built, and with other
# work for each processor a crate in fewer parts is built with less of it.
[ -z "${CI-}" ] || export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_CODEGEN_UNITS=3

# image_host ARGUMENT...: the host's side of images, built beside a test, since what tests depend on decides features
# too. Nobody debugs this program; what counts is how soon it is built. It hashes a lot, so it is optimised.
image_host() {
  cargo build -q --locked "${WORKSPACE[@]}" --bin tranche-images --test docs
  "${CARGO_TARGET_DIR:-target}/debug/tranche-images" "$@"
}

# has_target TARGET: whether rustup has its standard library, so that its compiler will do.
has_target() { rustup target list --installed 2>/dev/null | grep -qx "$1"; }

# aarch64_toolchain: what builds and runs programs of AArch64 servers, installed where it is missing: a rustup target
# where there is one, else Debian's compiler and its standard library. Sets aarch64_cargo, aarch64_qemu, and what cargo
# reads from the environment.
AARCH64=aarch64-unknown-linux-gnu
aarch64_toolchain() {
  local root=/usr/aarch64-linux-gnu packages=(gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user)
  aarch64_cargo=cargo
  if ! has_target "$AARCH64"; then
    packages+=(rustc-web cargo-web libstd-rust-web-dev:arm64)
    aarch64_cargo=/usr/bin/cargo
    export RUSTC=/usr/bin/rustc
  fi
  install "${packages[@]}"
  # The loader of the cross packages would find the C library of the arm64 ones, which is of another
  # version: the first thread that such a pair starts hangs.
  aarch64_qemu=(qemu-aarch64 -L "$root" -E "LD_LIBRARY_PATH=$root/lib")
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="${aarch64_qemu[*]}"
}
