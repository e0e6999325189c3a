#!/bin/sh
# Prints the path of a Python that this machine's system does not offer: `fetch_python.sh 3.14`.
# It comes from Debian's testing suite, by the mirror that apt is configured for, into .tools; nothing is installed.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

version=${1:?usage: scripts/fetch_python.sh VERSION}
folder=$root/.tools/python$version
python=$folder/root/usr/bin/python$version

say() { printf '%s\n' "$*" >&2; }

use_testing() { # lists, sources and status of apt apart from the system's
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -E '/debian/?$' | head -n 1)
    [ -n "$mirror" ] || {
        say "apt has no Debian mirror configured; name a Python of your own: make test-newest PYTHON=…"
        return 1
    }
    mkdir -p apt/lists/partial apt/archives/partial
    : >apt/status
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    printf 'deb [signed-by=%s] %s testing main\n' "$keys" "$mirror" >apt/sources.list
    cat >apt/apt.conf <<END
Dir::State "$folder/apt";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "";
END
}

unpack() { # status is empty, so that apt brings all that Python needs, its C library too
    APT_CONFIG=apt/apt.conf apt-get -qq update
    APT_CONFIG=apt/apt.conf apt-get -qq -y --no-install-recommends --download-only install "python$version" >&2
    mkdir -p root
    for package in apt/archives/*.deb; do dpkg -x "$package" root; done
}

patch() { # the unpacked loader and libraries in the place of the system's
    "$root/scripts/setup.sh" tool "$folder/patching" patchelf
    libraries=$(dirname "$(find "$folder/root" -name libc.so.6 | head -n 1)")
    loader=$(find "$folder/root" -name "$(basename "$(patching/bin/patchelf --print-interpreter "$python")")" | head -n 1)
    patching/bin/patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$python"
}

if ! "$python" -c '' 2>/dev/null; then
    rm -rf "$folder"
    mkdir -p "$folder"
    cd "$folder"
    use_testing
    unpack
    patch
    rm -rf apt patching
    "$python" -c 'import ctypes, sqlite3, ssl'
fi
printf '%s\n' "$python"
