#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Makes seed files of the corpora for a fuzz target. usage: seeds.sh TARGET FOLDER
set -eu
corpora=${SPF_CORPORA:-}
mkdir -p "$2"
case $1 in
http1) files=http1 prefix=00 ;;
pb) files=protobuf prefix= ;;
calls) files="h2-server-input http1" prefix=063fff ;; # flags, a piece of up to 16 KiB
*) files='' prefix='' ;;
esac
for f in $files; do
	[ -f "$corpora/fuzz/$f.hex.tsv" ] || continue
	grep -v '^#' "$corpora/fuzz/$f.hex.tsv" | cut -f1,5 | while read -r name hex; do
		[ -e "$2/$name" ] || printf '%s%s' "$prefix" "$hex" | xxd -r -p >"$2/$name"
	done
done
