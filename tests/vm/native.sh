#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# native.sh COMPARE SPF: runs tests/gen/compare on this kernel with the backend that spf takes.
# Every path must be exact; with a ring that is far too small, every hole must be told with its
# true size. Beside another spf that comes and goes, what passes unseen when it is sent must come
# from its reader. Skips where BPF is not allowed.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$1" "$dir" > "$dir/out"
status=$?
if [ $status = 3 ]; then
	echo "check-capture: 0 passed, 0 failed, 1 skipped"
	cat "$dir/out"
	exit 0
fi
"$1" -f "$dir" 'stream-*' 'dgram-*' | grep -v '^exact' > "$dir/filters" # only the backend's name
[ "$(wc -l < "$dir/filters")" = 1 ] || { cat "$dir/filters"; status=1; }
"$1" -r 65536 "$dir" 'stream-*' 'seq*' 'tcp4/*' > "$dir/flood" || status=1
grep '^WRONG' "$dir/flood"
echo "flood: $(grep -c '^gap' "$dir/flood") directions with holes, all told"
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	timeout -s INT 0.3 "$2" -q tcp:1
done > "$dir/other" 2>&1 &
other=$!
while kill -0 $other 2> "$dir/other"; do
	"$1" "$dir" 'tcp4/64-MiB*' || status=1
done > "$dir/beside"
wait $other
# A ring that is full on a busy machine is another matter.
grep -E '^(WRONG|missing)|[1-9][0-9]* unreadable' "$dir/beside" && status=1
echo "beside another spf: $(grep -c '^exact' "$dir/beside") directions exact"
awk -F'\t' -v status=$status '
	$1 == "exact" { exact++; next }
	{ print } # the backend, and what is not exact
	NF == 3 { other++ }
	END {
		if (status && !other)
			other++
		printf "check-capture: %d passed, %d failed\n", exact, other
		exit other > 0
	}' "$dir/out"
