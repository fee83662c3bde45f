#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Brings the peers of the live tests that no package manager should install here, as their
# packages start services: nginx, etcd and containerd are fetched by apt and unpacked into
# build/live, not installed; grpc-js comes by npm into the same folder. What is there is not
# fetched again. Says what cannot be had; the tests that need it are skipped then.
set -eu
cd "$(dirname "$0")/../.."

dir=build/live
debs="nginx libnginx-mod-http-echo libnginx-mod-http-ndk etcd-server etcd-client containerd runc"

cannot() {
	echo "skip the live tests' $1: $2" >&2
}

fetch_debs() {
	mkdir -p $dir
	work=$(mktemp -d $dir/unpack.XXXXXX)
	# shellcheck disable=SC2086 # a list of words
	if (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download $debs >&2); then
		for deb in "$work"/*.deb; do
			dpkg-deb -x "$deb" "$work/peers"
		done
		mv "$work/peers" $dir/peers
	else
		cannot "nginx, etcd and containerd" "apt-get download failed"
	fi
	rm -rf "$work"
}

fetch_grpc_js() {
	npm install --silent --no-audit --no-fund --fetch-retries=1 --prefix $dir @grpc/grpc-js@1 >&2 ||
		cannot grpc-js "npm install failed"
}

if [ ! -d $dir/peers ]; then
	if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
		fetch_debs
	else
		cannot "nginx, etcd and containerd" "unpacked from Debian's packages, there is no apt-get"
	fi
fi
if [ ! -d $dir/node_modules/@grpc/grpc-js ]; then
	if command -v npm >/dev/null; then
		fetch_grpc_js
	else
		cannot grpc-js "there is no npm"
	fi
fi
