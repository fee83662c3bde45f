#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs NAME.golden files: "$ COMMAND" on the first line, what it prints below. The command runs
# here, with spf on the PATH, in UTC and the C locale; standard error belongs to the output.
# usage: run.sh [--bless] [NAME...]   --bless writes what is printed now as the new output
set -u
spf=$(realpath "${SPF:-build/spf}")
PATH=$(dirname "$spf"):$PATH
cd "$(dirname "$0")" || exit 1
export TZ=UTC LC_ALL=C NO_COLOR=1
bless=
[ "${1:-}" = --bless ] && { bless=1; shift; }
passed=0 failed=0

for golden in *.golden; do
	name=${golden%.golden}
	[ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
	command=$(sed -n '1s/^\$ //p' "$golden")
	out=$(timeout 20 bash -c "$command" 2>&1; echo "exit $?")
	out=${out%exit 0}
	got=$(printf '$ %s\n%s' "$command" "$out")
	if [ -n "$bless" ]; then
		printf '%s\n' "$got" >"$golden"
	elif difference=$(diff "$golden" <(printf '%s\n' "$got")); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL %s: %s\n%s\n' "$name" "$command" "$difference"
	fi
done
# What a script's header shows as its output is how its golden begins.
for script in ../../scripts/*.lua; do
	name=$(basename "$script" .lua)
	if [ -n "$bless" ] || [ $# -gt 0 ]; then break; fi
	shown=$(sed -n '/^-- @output/,/^[^-]/{/^-- @output/d;/^--/s/^-- \{0,1\}//p}' "$script")
	lines=$(printf '%s\n' "$shown" | wc -l)
	if difference=$(diff <(printf '%s\n' "$shown") <(sed 1d "$name.golden" | head -n "$lines" | sed 's/ *$//')); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'FAIL @output of %s\n%s\n' "$name" "$difference"
	fi
done
[ -n "$bless" ] || echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
