# What the test scripts share; sourced, not run.

# install PACKAGE...: from Debian, those that are missing.
install() {
  dpkg -s "$@" >/dev/null 2>&1 && return
  if ! command -v apt-get >/dev/null; then
    echo "missing: Debian's $*, and there is no apt-get to install them" >&2
    return 1
  fi
  local sudo=
  [ "$(id -u)" = 0 ] || sudo=sudo
  if [[ "$*" == *:arm64* ]]; then $sudo dpkg --add-architecture arm64; fi
  $sudo apt-get update -q
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -q --no-install-recommends "$@"
}

# need COMMAND PACKAGE...: the packages, unless the command is there whatever it came with.
need() {
  command -v "$1" >/dev/null && return
  install "${@:2}"
  command -v "$1" >/dev/null
}

# has_target TARGET: whether rustup has its standard library, so that its compiler will do.
has_target() { rustup target list --installed 2>/dev/null | grep -qx "$1"; }
