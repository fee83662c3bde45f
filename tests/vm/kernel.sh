#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# kernel.sh VERSION: prints the path of Debian's cloud kernel of that series (5.10, 6.1, 6.12),
# fetched by apt from the mirrors this machine already uses, with lists and cache of its own:
# nothing of the machine's package state is touched, nothing is installed. Fetched once.
# SPF_VM_CACHE names the cache. Ends with 77 and a word where it cannot be had.
set -euo pipefail

series=${1:?usage: kernel.sh 5.10|6.1|6.12}
cache=${SPF_VM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/spf/vm}
image=$cache/vmlinuz-$series

case $series in
5.10) suite=bullseye meta=linux-image-cloud-amd64 ;;
6.1)  suite=bookworm meta=linux-image-cloud-amd64 ;;
6.12) suite=bookworm meta=linux-image-6.12-cloud-amd64 ;;
*)    echo "kernel: no series $series" >&2; exit 2 ;;
esac

cannot() {
	echo "kernel $series: $*" >&2
	exit 77
}

# The package that the meta package depends on has the kernel.
depends_on() {
	apt-cache "${apt[@]}" show --no-all-versions "$meta" 2>/dev/null |
		sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p' | head -1
}

if [ -s "$image" ]; then
	echo "$image"
	exit 0
fi
for tool in apt-get dpkg-deb; do
	command -v $tool >/dev/null || cannot "needs $tool"
done
[ "$(dpkg --print-architecture)" = amd64 ] || cannot "only Debian's amd64 kernels are run"
# shellcheck disable=SC2016 # apt's own fields
security=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 security || true)
[ -n "$security" ] || cannot "no security archive among apt's sources (apt-get update?)"

lists=$cache/apt-$suite
mkdir -p "$lists/state/lists/partial" "$lists/cache/archives/partial"
echo "deb $security $suite-security main" > "$lists/sources.list"
apt=(-qq -o Dir::State="$lists/state" -o Dir::Cache="$lists/cache" -o Dir::State::status=/dev/null
	-o Dir::Etc::SourceList="$lists/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o APT::Architectures=amd64 -o APT::Sandbox::User=root)
apt-get "${apt[@]}" update >&2 || cannot "apt-get update failed"
package=$(depends_on)
[ -n "$package" ] || cannot "$suite-security has no $meta"

work=$(mktemp -d "$cache/unpack.XXXXXX")
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get "${apt[@]}" download "$package" >&2) || cannot "cannot download $package"
dpkg-deb --fsys-tarfile "$work"/*.deb | tar -x -C "$work" --wildcards './boot/vmlinuz-*'
mv "$work"/boot/vmlinuz-* "$image"
echo "kernel $series: $package" >&2
echo "$image"
