#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# check.sh BUILD: runs tests/gen/compare, and spf before real peers (live.sh), on Debian's kernels
# with every backend that each one is to have; writes BUILD/coverage.md.
# Fails if a verdict is WRONG, spf counts otherwise than its peers, a backend does not start where
# it must, or the table is not the one in bpf/README.md. COVERAGE_BLESS=1 puts it there.
# Emulated machines panic or hang now and then where real ones do not: one that did not get to its
# end is run once more, which is said. So is one that did not see a connection, or not all of it
# (bpf/README.md says when that happens): the table tells what a backend can see. What is WRONG, and
# what spf counts otherwise than its peers, is final.
set -uo pipefail
build=${1:?usage: check.sh BUILD}
here=$(dirname "$(readlink -f "$0")")
readme=$here/../../bpf/README.md
out=$build/coverage
failed=0 passed=0 skipped=0 tab=$'\t'
mkdir -p "$out"
rm -f "$out"/*

# What live.sh needs. Without them it is skipped.
peers=()
for program in nghttpd nghttpx h2load curl; do
	PATH=$PATH:/usr/sbin command -v $program >/dev/null || continue
	peers+=(-p "$(PATH=$PATH:/usr/sbin command -v $program)")
done

# One machine: kernel, kernel argument, backends.
run_machine() {
	local series=$1 arg=$2 log=$out/$1${2:+-$2} status
	shift 2
	{
		echo "cd /tmp; mkdir d; failed=0"
		for backend in "$@"; do
			echo "echo '@ $series${arg:+ $arg} $backend'"
			echo "compare -b $backend d || failed=1; rm -rf d/*"
			[ ${#peers[@]} != 8 ] || echo "sh /live.sh $backend || failed=1"
		done
		# Filters that mean everything that is said: nothing may be missing.
		echo "echo '# filters'; compare -b $1 -f d 'stream-*' 'dgram-*' || failed=1; rm -rf d/*"
		# --early: the same bytes, and each seen when it is written.
		echo "compare -e -b $1 d 'stream-*' 'abstract-*' 'seq*' 'dgram-*' > early || failed=1"
		echo "echo '@ $series${arg:+ $arg} $1'; sed 's/$tab/$tab--early /' early; rm -rf d/*"
		# A ring that is far too small: every hole must be told with its true size.
		echo "compare -b $1 -r 65536 d 'stream-*' 'tcp4/*' > flood || failed=1"
		echo "grep ^WRONG flood; echo \"# flood: \$(grep -c ^gap flood) holes told\""
		# shellcheck disable=SC2016 # expanded in the machine
		echo 'exit $failed'
	} > "$out/script"
	for again in 1 ''; do
		"$here/boot.sh" -k "$series" ${arg:+-a "$arg"} -t 500 -p "$build/tests/gen" \
			-p "$build/tests/compare" -p "$build/spf" ${peers[@]+"${peers[@]}"} \
			-f "$here/live.sh" "$out/script" > "$log"
		status=$?
		[ "$again" ] || break
		if [[ $status =~ ^12[45]$ ]]; then
			echo "note kernel $series${arg:+ $arg} ended with $status (console above): once more"
		elif [ "$status" = 0 ] && grep -E '^(missing|gap)' "$log" | grep -v 'early .*oob'; then
			echo "note kernel $series${arg:+ $arg} missed the above: once more"
		else
			break
		fi
	done
	rm -f "$out/script"
	judge "$log" "$status" "kernel $series${arg:+ $arg}: $*"
}

judge() {
	case $2 in
	0)  passed=$((passed + 1 + $(grep -c '^ok spf' "$1")))
	    echo "ok   $3: $(grep -c '^exact' "$1") directions exact, $(grep -c '^ok spf' "$1")" \
		"times spf" ;;
	77) skipped=$((skipped + 1)); echo "skip $3: $(tail -1 "$1")"; rm -f "$1" ;;
	*)  failed=$((failed + 1)); echo "FAIL $3 (status $2)"
	    grep -vE '^(exact|missing|gap)' "$1" | head -40 ;;
	esac
}

# On 5.10 (no preempt=) and 6.1 there is no kprobe.multi; the tracepoint backend needs 6.4.
run_machine 5.10 '' kprobe perf-tracepoint
run_machine 6.1 '' kprobe perf-tracepoint
run_machine 6.1 preempt=full kprobe
run_machine 6.12 '' kprobe-multi tracepoint kprobe perf-tracepoint
run_machine 6.12 preempt=full kprobe-multi tracepoint

if [ $skipped = 0 ]; then
	cat "$out"/* | awk -f "$here/coverage.awk" > "$build/coverage.md"
	if [ "${COVERAGE_BLESS:-}" = 1 ]; then
		awk -v table="$build/coverage.md" -f "$here/insert.awk" "$readme" > "$readme.new" &&
			mv "$readme.new" "$readme"
	fi
	if sed -n '/^<!-- coverage -->$/,/^<!-- end -->$/{/^<!--/!p;}' "$readme" |
	   diff -u - "$build/coverage.md"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL bpf/README.md has another table (make coverage puts this one there)"
	fi
fi
if [ ${#peers[@]} != 8 ]; then
	skipped=$((skipped + 1))
	echo "skip spf itself in QEMU: needs nghttp2-server, nghttp2-proxy, nghttp2-client, curl"
fi
echo "check-vm: $passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
