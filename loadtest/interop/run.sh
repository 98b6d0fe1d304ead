#!/usr/bin/env bash
# Uploads by the clients that people have: tus-js-client, tuspy, and curl in the IETF's dialect; through the gateway of a running
# system. One line per check; the exit code is 0 when all are ok, 1 when one is not, 2 when they could not be run.
set -euo pipefail

usage() {
    cat <<'END'
usage: run.sh [--base-url URL] [--token TOKEN] [--only WORD]

  --base-url URL   the gateway (default: base_url of .aldia/demo.json, which `make up` writes)
  --token TOKEN    bearer token of whoever uploads (default: signs in with the first account of .aldia/demo.json)
  --only WORD      only checks whose names contain WORD

Clients are installed into target/interop on first use: node 20, npm and python 3.9 or later must be there, and ffmpeg and curl.
END
}

die() { echo "interop: $*" >&2; exit 2; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
base='' token='' only=''
while [ $# -gt 0 ]; do
    case $1 in
        --base-url | --token | --only) [ $# -ge 2 ] || die "$1 needs a value" ;;&
        --base-url) base=$2; shift 2 ;;
        --token) token=$2; shift 2 ;;
        --only) only=$2; shift 2 ;;
        --help | -h) usage; exit 0 ;;
        *) usage >&2; exit 2 ;;
    esac
done

for program in node npm python3 ffmpeg curl sha256sum; do
    command -v "$program" >/dev/null || die "$program is missing"
done
[ "$(node -p 'process.versions.node.split(".")[0] >= 20')" = true ] || die "node 20 or later is needed, this is $(node --version)"

# Neither proxies of this machine nor its settings for curl have a part in this.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
kept="${CARGO_TARGET_DIR:-$root/target}/interop"
mkdir -p "$kept"

# What is installed is what the lists say: a list that has changed is installed anew.
install() {
    local list=$1 mark="$kept/$2.installed"
    shift 2
    cmp -s "$list" "$mark" && return
    echo "installing what $(basename "$list") names" >&2
    "$@" >"$kept/install.log" 2>&1 || { cat "$kept/install.log" >&2; die "the packages of $(basename "$list") cannot be installed"; }
    cp "$list" "$mark"
}
with_npm() {
    cp "$here/package.json" "$here/package-lock.json" "$kept/" && npm ci --prefix "$kept" --no-audit --no-fund
}
with_pip() {
    python3 -m venv --clear "$kept/venv" && "$kept/venv/bin/pip" install --no-deps -r "$here/requirements.txt"
}
install "$here/package-lock.json" npm with_npm
install "$here/requirements.txt" pip with_pip

work=$(mktemp -d "$kept/run.XXXXXX")
trap 'rm -rf "$work"' EXIT

# A value of a JSON object on standard input, by its path; nothing where it is null.
# shellcheck disable=SC2016 # The text is node's.
member() {
    node -e '
        const value = process.argv[1].split(".").reduce((at, name) => at?.[name], JSON.parse(require("fs").readFileSync(0)))
        process.stdout.write(value == null ? "" : `${value}`)' "$1"
}

demo="$root/.aldia/demo.json"
if [ -z "$base" ] || [ -z "$token" ]; then
    [ -r "$demo" ] || die "$demo is not there: start the system with \`make up\`, or give --base-url and --token"
fi
base=${base:-$(member base_url <"$demo")}
base=${base%/}
if [ -z "$token" ]; then
    # Over standard input: arguments stand in the list of processes.
    token=$(node -p 'const { username, password } = JSON.parse(fs.readFileSync(process.argv[1])).accounts[0]
            JSON.stringify({ username, password })' "$demo" |
        curl -qfsS -H 'Content-Type: application/json' --data-binary @- "$base/v1/auth/token" | member access_token) ||
        die "signing in at $base/v1/auth/token failed; is the system up?"
fi
printf 'Authorization: Bearer %s\n' "$token" >"$work/authorization"

# A clip as a phone takes it: 9 MB, of a constant rate, noisy so that the rate is used.
video="$kept/nine-mb.mp4"
if [ ! -s "$video" ]; then
    ffmpeg -nostdin -v error -f lavfi -i 'testsrc2=size=960x540:rate=30,noise=alls=30:allf=t' -f lavfi -i sine=frequency=440 -t 12 \
        -c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 5900k -maxrate 5900k -bufsize 1500k -x264-params nal-hrd=cbr \
        -c:a aac -b:a 96k -movflags +faststart -y "$kept/new.mp4" || die "ffmpeg cannot make a clip"
    mv "$kept/new.mp4" "$video"
fi
short="$root/data/media/bigbuckbunny.mp4"

export INTEROP_TOKEN="$token" NODE_PATH="$kept/node_modules"
python="$kept/venv/bin/python"
# shellcheck source=loadtest/interop/checks.sh
source "$here/checks.sh"

failed=0 ran=0
# Runs a check in a shell of its own, where the first command that fails ends it. Not as a condition: `set -e` does not hold there.
check() {
    local name=$1 status
    shift
    [[ $name == *"$only"* ]] || return 0
    ran=$((ran + 1))
    mkdir "$work/$ran"
    set +e
    (set -euo pipefail; cd "$work/$ran"; "$@") >"$work/$ran/log" 2>&1 </dev/null
    status=$?
    set -e
    if [ "$status" = 0 ]; then
        printf 'ok      %s\n' "$name"
    else
        failed=$((failed + 1))
        printf 'FAILED  %s\n' "$name"
        sed 's/^/        | /' "$work/$ran/log" | tail -n 25
    fi
}

echo "uploads of $(stat -c %s "$video") and $(stat -c %s "$short") bytes to $base"
all_checks
[ "$ran" -gt 0 ] || die "no check is called like \"$only\""
echo "$((ran - failed)) of $ran checks are ok"
[ "$failed" = 0 ]
