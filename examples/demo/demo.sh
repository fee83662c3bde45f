#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Starts the shop (server.py), lets spf watch its socket while a customer (client.py) calls
# every method, shows spf's table, and compares it with what the customer counted.
# usage: SPF=build/spf demo.sh
set -eu
cd "$(dirname "$0")/../.."

spf=${SPF:-build/spf}
dir=$(mktemp -d /tmp/spf-demo.XXXXXX)
socket=$dir/shop.sock
server_pid=
spf_pid=

clean() {
	[ -z "$spf_pid" ] || $sudo kill "$spf_pid" 2>/dev/null || true
	[ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT TERM

sudo=
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "demo: watching sockets needs root: run 'make demo' as root" >&2
		exit 1
	fi
	sudo=sudo
	$sudo -v
fi

fail() {
	echo "demo: $1" >&2
	exit 1
}

# until CONDITION...: waits for it, at most 15 seconds
until_true() {
	tries=150
	while ! "$@"; do
		tries=$((tries - 1))
		[ $tries -gt 0 ] || return 1
		sleep 0.1
	done
}

server_is_ready() { grep -q ready "$dir/server.out"; }
spf_is_ready() { grep -q '^spf: capturing' "$dir/spf.err" || ! kill_0; }
kill_0() { $sudo kill -0 "$spf_pid" 2>/dev/null; }

touch "$dir/server.out" "$dir/spf.err"
examples/demo/server.py "$socket" >"$dir/server.out" 2>"$dir/server.err" &
server_pid=$!
until_true server_is_ready || fail "the server did not start: $(cat "$dir/server.err")"

echo "\$ spf -s scripts/grpc_methods.lua $socket -t 60"
# shellcheck disable=SC2024 # the files are ours
$sudo "$spf" -s scripts/grpc_methods.lua "$socket" -t 60 >"$dir/table" 2>"$dir/spf.err" &
spf_pid=$!
if ! until_true spf_is_ready || ! kill_0; then
	echo "demo: spf cannot capture here. It says:" >&2
	sed 's/^/  /' "$dir/spf.err" >&2
	exit 1
fi

examples/demo/client.py "$socket" >"$dir/calls" || fail "the client failed"

# What the client did is over; the results are printed at SIGINT, as with Ctrl-C.
$sudo kill -INT "$spf_pid"
code=0
wait "$spf_pid" || code=$?
spf_pid=
cat "$dir/spf.err" >&2
cat "$dir/table"
[ $code = 0 ] || fail "spf ended with status $code"

echo
echo "The client says that it made these calls (method, calls, failed):"
sed 's/^/  /' "$dir/calls"
# A row of the table begins with the method, its calls and its errors.
while read -r method calls errors; do
	awk -v m="$method" -v c="$calls" -v e="$errors" \
		'{ gsub(/,/, "") } $1 == m && $2 == c && $3 == e { found = 1 } END { exit !found }' \
		"$dir/table" || fail "spf's table does not show $calls calls of $method with $errors errors"
done <"$dir/calls"
echo "spf saw all of them."
