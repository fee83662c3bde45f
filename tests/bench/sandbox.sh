#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Frames through scripts inside of the worker's sandbox and outside, in turn, so that a busy
# machine slows both: the least ns a frame by CPU time, and their ratio.
# usage: sandbox.sh BENCH PAIRS
set -euo pipefail
bench=$1 pairs=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

for _ in $(seq "$pairs"); do
	"$bench" 3 >>"$out/outside"
	BENCH_SANDBOX=1 "$bench" 3 >>"$out/inside"
done
echo "ns a frame by CPU time, the least of $pairs runs: outside of the sandbox, inside, ratio"
awk '
/ \(want / { # a row: name, ns of decoding alone, ns with the script
	name = substr($0, 1, 14); split(substr($0, 15), column, " ")
	if (!(name in outside)) names[++cnt] = name
	if (FILENAME ~ /outside/) outside[name] = least(outside[name], column[2])
	else inside[name] = least(inside[name], column[2])
}
function least(a, b) { return a == "" || b + 0 < a + 0 ? b : a }
END {
	for (i = 1; i <= cnt; i++) {
		name = names[i]
		printf "%-14s %7.0f %7.0f  %5.2f\n", name, outside[name], inside[name], inside[name] / outside[name]
	}
}' "$out/outside" "$out/inside"
