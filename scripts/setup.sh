#!/bin/sh
# Set-up behind the Makefile: `setup.sh environment|workspace|newest|lock|matches|uv|tool`.
# Needs a POSIX shell and Python 3.12+ (or any Python with pip, for uv to bring one).
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

answers() { # a name on PATH may be a shim that fails, so each candidate is run
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        answers "$PYTHON" || {
            say "PYTHON=$PYTHON is not a working Python 3.12+."
            return 1
        }
        "$PYTHON" -c 'import sys; print(sys.executable)'
        return
    fi
    for candidate in python3.12 python3.13 python3.14 python3.15 python3 python \
        "$HOME"/.pyenv/versions/3.1[2-9]*/bin/python; do
        if answers "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    say "No working Python 3.12+ was found; uv tries to bring one."
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
    for project in libs/framework-m/pyproject.toml libs/framework-m-*/pyproject.toml; do
        set -- "$@" --editable "${project%/pyproject.toml}"
    done
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation "$@"
    variants
    compile libs
}

newest() { # our packages on PYTHON in .tools/newest, with the newest releases of all that they depend on
    bring_uv
    python=$(find_python)
    uv=$(find_uv)
    use_pip_index "$python"
    "$uv" venv --quiet --clear --python "$python" .tools/newest
    set --
    for project in libs/framework-m/pyproject.toml libs/framework-m-*/pyproject.toml; do
        set -- "$@" --editable "${project%/pyproject.toml}"
    done
    "$uv" pip install --quiet --python .tools/newest/bin/python --upgrade "$@" \
        'framework-m-standard[mariadb,nats,openapi,postgres,redis]' fastapi --group test --group lint --group build --group servers
    "$uv" pip list --quiet --python .tools/newest/bin/python >&2
}

tool() { # a package for set-up alone: FOLDER PACKAGE
    bring_uv
    uv=$(find_uv)
    use_pip_index "$(find_python)"
    "$uv" pip install --quiet --python "$(find_python)" --target "$1" "$2"
}

variants() { # importable, but not installed: an installed variant would be the store of every app here
    packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    for folder in "$PWD"/libs/framework-mx-*/src; do printf '%s\n' "$folder"; done >"$packages/framework_mx.pth"
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
environment | workspace | newest | lock | matches | tool) "$@" ;;
*)
    say "usage: scripts/setup.sh environment|workspace|newest|lock|matches|uv|tool"
    exit 2
    ;;
esac
