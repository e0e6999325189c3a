#!/bin/sh
# Set-up behind the Makefile: `setup.sh uv|environment|workspace|lock|matches`.
# Needs a POSIX shell and Python 3.12+ (or any Python with pip, for uv to bring one).
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

answers() { # a name on PATH may be a shim that fails, so each candidate is run
    "$1" -c 'import sys; sys.exit(not (3, 12) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        answers "$PYTHON" || {
            say "PYTHON=$PYTHON is not a working Python 3.12 or 3.13."
            return 1
        }
        "$PYTHON" -c 'import sys; print(sys.executable)'
        return
    fi
    for candidate in python3.12 python3.13 python3 python \
        "$HOME"/.pyenv/versions/3.12*/bin/python "$HOME"/.pyenv/versions/3.13*/bin/python; do
        if answers "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    say "No working Python 3.12 or 3.13 was found; uv tries to bring one."
    printf '3.12\n'
}

find_uv() {
    if [ -x .tools/bin/uv ]; then
        printf '%s\n' "$PWD/.tools/bin/uv"
    elif command -v uv >/dev/null 2>&1 && uv --version >/dev/null 2>&1; then
        command -v uv
    fi
}

bring_uv() {
    [ -z "$(find_uv)" ] || return 0
    for python in "$(find_python)" python3 python; do
        if "$python" -m pip --version >/dev/null 2>&1; then
            "$python" -m pip install -qq --disable-pip-version-check --root-user-action=ignore \
                --target .tools uv && return
        fi
    done
    say "uv is missing and no Python with pip was found to install it: install Python 3.12+ with pip."
    return 1
}

use_pip_index() { # uv does not read pip's configuration; a mirror named there should hold for both
    [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}${PIP_INDEX_URL:-}" ] || {
        [ -n "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="$PIP_INDEX_URL"
        return 0
    }
    mirror=$("$1" -m pip config get global.index-url 2>/dev/null || true)
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"
}

matches() { # whether .venv has the Python that PYTHON asks for, where it asks
    [ -n "${PYTHON:-}" ] && [ -x .venv/bin/python ] || return 0
    version='import sys; print(*sys.version_info[:2])'
    wanted=$(find_python)
    [ "$("$wanted" -c "$version")" = "$(.venv/bin/python -c "$version" 2>/dev/null)" ]
}

environment() { # third-party packages, exactly as locked
    bring_uv
    python=$(find_python)
    uv=$(find_uv)
    use_pip_index "$python"
    matches || rm -rf .venv # after find_python: a PYTHON that does not work removes nothing
    .venv/bin/python -c '' 2>/dev/null || "$uv" venv --quiet --clear --python "$python" .venv
    "$uv" pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
    compile .venv/lib
}

workspace() { # our packages, editable, after every sync: sync removes them
    uv=$(find_uv)
    set --
    for project in libs/*/pyproject.toml; do set -- "$@" --editable "${project%/pyproject.toml}"; done
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation "$@"
    compile libs
}

compile() { # explicit, because PYTHONDONTWRITEBYTECODE would make every start compile anew
    .venv/bin/python -W ignore -m compileall -qq -j 2 "$1" || true # some packages ship templates that do not compile
}

lock() { # no index variable may leak a host into what is committed
    bring_uv
    python=$(find_python)
    unset PIP_FIND_LINKS PIP_INDEX_URL PIP_EXTRA_INDEX_URL UV_INDEX UV_INDEX_URL UV_DEFAULT_INDEX \
        UV_EXTRA_INDEX_URL UV_FIND_LINKS
    uv=$(find_uv)
    "$uv" lock --quiet --python "$python"
    "$uv" export --quiet --frozen --no-emit-workspace --all-packages --all-groups --all-extras \
        --no-header --output-file requirements.lock
    if grep -n '://' requirements.lock; then
        say "requirements.lock names a host; it must not be committed."
        return 1
    fi
}

case "${1:-}" in
uv) bring_uv ;;
environment | workspace | lock | matches) "$1" ;;
*)
    say "usage: scripts/setup.sh uv|environment|workspace|lock|matches"
    exit 2
    ;;
esac
