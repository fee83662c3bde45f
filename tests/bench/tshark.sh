#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# Counts :path over one capture with spf and with tshark's Lua taps, and compares CPU time and
# the counts. usage: tshark.sh BENCH_SCRIPT [FRAMES]   (needs tshark)
set -eu
bench=$1
frames=${2:-640000}
spf=$(realpath "${SPF:-build/spf}")
command -v tshark >/dev/null || { echo "skip: no tshark"; exit 0; }
dir=$(mktemp -d /tmp/spf-bench.XXXXXX)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir"

cat >"$dir/tap.lua" <<-'LUA'
	local path, n = Field.new("http2.headers.path"), {}
	local tap = Listener.new("frame", "http2")
	function tap.packet()
	  for _, f in ipairs { path() } do
	    local p = tostring(f)
	    n[p] = (n[p] or 0) + 1
	  end
	end
	function tap.draw()
	  local total = 0
	  for _, c in pairs(n) do total = total + c end
	  print(total)
	end
LUA
cat >"$dir/count.lua" <<-'LUA'
	local n, total = {}, 0
	function on_frame(f)
	  if f.type ~= "HEADERS" then return end
	  local p = f.path
	  n[p] = (n[p] or 0) + 1
	  total = total + 1
	end
	function on_end() print(total) end
LUA
"$bench" --dump "$frames" | "$spf" -q -r - -w "$dir/big.pcapng"

TIMEFORMAT='%U %S'
cpu() {
	awk '{ print $1 + $2 }' "$1" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
for _ in 1 2 3 4 5 6 7; do # short, so the median of some
	ours=$({ time "$spf" -q -r "$dir/big.pcapng" -s "$dir/count.lua" 2>/dev/null; } 2>>"$dir/a")
done
theirs=$({ time tshark -q -r "$dir/big.pcapng" -X "lua_script:$dir/tap.lua" 2>/dev/null; } 2>"$dir/b")
echo "paths: spf $ours, tshark $theirs"
awk -v a="$(cpu "$dir/a")" -v b="$(cpu "$dir/b")" -v n="$frames" 'BEGIN {
	printf "CPU: spf %.2f s, tshark %.2f s for %d frames: %.0fx (want 80x)\n", a, b, n, b / a }'
