#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Checks the rules of the house that need no compiler; prints each breach and the counts.
set -u
cd "$(dirname "$0")/../.." || exit 1

passed=0
failed=0
rule() { # NAME COMMAND...: a rule holds if the command prints nothing
	name=$1
	shift
	out=$("$@" 2>&1)
	if [ -z "$out" ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "breach of: $name"
		echo "$out" | sed 's/^/  /' | head -20
	fi
}

c_files=$(git ls-files 'src/*.c' 'src/*.h')
shipped="$c_files $(git ls-files 'bpf/*.c' 'bpf/*.h')"
all_c=$(git ls-files 'src/*.c' 'src/*.h' 'bpf/*.c' 'bpf/*.h' 'tests/*.c' 'tests/*.h')
sources="$all_c $(git ls-files 'src/*.lua' 'lua/*.lua' '*.sh' '*.py' '*.awk')"

# shellcheck disable=SC2086 # lists of files, none with blanks
{
rule "who may include whom (architecture)" awk -f tests/lint/includes.awk $c_files
rule "files of at most 600 lines, functions of 80 (120 with a switch)" \
	awk -f tests/lint/lengths.awk $shipped
rule "lines of at most 100 columns, tabs of 8" awk -f tests/lint/columns.awk $shipped
rule "an SPDX line at the head" \
	awk '/SPDX-License-Identifier|^-- @license/ && FNR <= 20 { has[FILENAME] = 1 }
	     END { for (i = 1; i < ARGC; i++) if (!has[ARGV[i]]) print ARGV[i] }' $sources
rule "a manual of at most 200 lines" awk 'END { if (FNR > 200) print FILENAME ": " FNR }' lua/README.md
rule "nothing left to do" grep -nE 'TO''DO|FIX''ME' $sources
rule "no blank at the end of a line" grep -nE '[[:blank:]]+$' $c_files
}
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
