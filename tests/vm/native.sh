#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# native.sh COMPARE: runs tests/gen/compare on this kernel with the backend that spf takes.
# Every path must be exact; with a ring that is far too small, every hole must be told with its
# true size. Skips where BPF is not allowed.
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
