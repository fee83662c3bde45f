#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# live.sh BACKEND: spf itself, on PATH, before real peers: h2load and curl talk to nghttpx on a
# unix socket, which asks nghttpd by TCP. Each request must be counted on both, once, every byte
# decoded, and the capture file must give the same. Runs with busybox sh, in the machines of
# check.sh; natively too. Prints "ok spf BACKEND", or what is wrong and ends with 1.
backend=$1
requests=300 port=8080 sum='count(addr, method, status)'
dir=$(mktemp -d)
started=''
trap 'kill $started 2>/dev/null; rm -rf "$dir"' EXIT

fail() {
	echo "FAIL spf $backend: $*"
	tail -n 20 "$dir"/*.log
	exit 1
}

# What is emulated may be slow.
wait_for() {
	left=600
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		kill -0 $started || fail "somebody is gone"
		[ $left -gt 0 ] || fail "waited in vain: $*"
		sleep 0.1
	done
}

mkdir "$dir/root"
echo hello > "$dir/root/hello"
head -c 300000 /dev/urandom > "$dir/root/big"
nghttpd --no-tls -a 127.0.0.1 -d "$dir/root" $port > "$dir/nghttpd.log" 2>&1 &
started=$!
nghttpx "--frontend=unix:$dir/s;no-tls" "--backend=127.0.0.1,$port;;proto=h2" --workers=1 \
	--conf=/dev/null --accesslog-file=/dev/null > "$dir/nghttpx.log" 2>&1 &
started="$started $!"
wait_for curl -sf --http2-prior-knowledge "http://127.0.0.1:$port/hello"
wait_for test -S "$dir/s"

spf -v --backend "$backend" -w "$dir/w" -t 100 --script-timeout 60 -k call -e "$sum" "$dir/s" tcp:$port \
	> "$dir/out.log" 2> "$dir/spf.log" &
spf=$!
started="$started $spf"
wait_for grep -q '^spf: capturing' "$dir/spf.log"
h2load -n $requests -c 3 -m 7 -B "unix:$dir/s" http://x/hello > "$dir/h2load.log" 2>&1 ||
	fail "h2load ended with $?"
curl -sf --unix-socket "$dir/s" http://x/hello http://x/big > "$dir/got" 2> "$dir/curl.log" ||
	fail "curl ended with $?" # HTTP/1
cat "$dir/root/hello" "$dir/root/big" | cmp -s - "$dir/got" || fail "curl got other bytes"
kill -INT $spf
wait $spf || fail "spf ended with $?"

for addr in "$dir/s" 127.0.0.1:$port; do
	grep -q "^$addr *GET *200 *$((requests + 2))\$" "$dir/out.log" ||
		fail "$addr had $((requests + 2)) requests"
done
grep -q 'connections: accepted \([0-9]*\) = decoded \1 + undecoded 0 + cut 0 + lost 0' "$dir/spf.log" ||
	fail "not every byte was decoded"
spf -r "$dir/w" --script-timeout 60 -k call -e "$sum" > "$dir/replay.log" 2>&1 || fail "the replay ended with $?"
cmp -s "$dir/out.log" "$dir/replay.log" || fail "the capture file says otherwise"
echo "ok spf $backend"
