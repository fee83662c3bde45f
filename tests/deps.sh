#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Installs the Debian or Ubuntu packages that are missing; elsewhere says what to install.
# usage: deps.sh build|demo|check|lint ...
set -eu

packages() {
	case $1 in
	build) echo gcc libc6-dev pkg-config clang bpftool libbpf-dev libelf-dev zlib1g-dev \
		libluajit-5.1-dev ;;
	demo) echo python3 python3-grpcio ;;
	check) command -v npm >/dev/null || echo nodejs npm # else conflicts with other packagings
		echo libcmocka-dev libclang-rt-14-dev libnghttp2-dev nghttp2-client nghttp2-server \
		nghttp2-proxy curl tshark luajit tmux strace wrk golang-go golang-google-grpc-dev \
		liburing-dev libcap2-bin xxd qemu-system-x86 busybox-static cpio iproute2 ;;
	lint) echo clang-format clang-tidy cppcheck shellcheck lua-check ;;
	*) echo "deps.sh: no group '$1'" >&2; exit 2 ;;
	esac
}

others() {
	cat >&2 <<-'END'
	This is neither Debian nor Ubuntu. spf needs these packages to build:
	  Fedora   gcc make pkgconf clang bpftool libbpf-devel elfutils-libelf-devel zlib-devel luajit-devel
	  Arch     base-devel clang bpf libbpf libelf zlib luajit
	  Alpine   build-base pkgconf clang bpftool libbpf-dev elfutils-dev zlib-dev luajit-dev linux-headers
	for the demo
	  Fedora   python3-grpcio     Arch  python-grpcio     Alpine  py3-grpcio
	and for its tests
	  Fedora   libcmocka-devel compiler-rt libnghttp2-devel nghttp2 curl wireshark-cli liburing-devel
	  Arch     cmocka compiler-rt libnghttp2 nghttp2 curl wireshark-cli liburing
	  Alpine   cmocka-dev compiler-rt nghttp2-dev nghttp2 curl tshark liburing-dev
	END
}

# What cannot be asked of a package manager that is not known: are the tools there?
complain_if_missing() {
	missing=
	PATH=$PATH:/usr/sbin:/sbin
	for tool in cc clang bpftool pkg-config; do
		command -v $tool >/dev/null 2>&1 || missing="$missing $tool"
	done
	if command -v pkg-config >/dev/null 2>&1; then
		for lib in libbpf libelf zlib luajit; do
			pkg-config --exists $lib || missing="$missing $lib"
		done
	fi
	[ -z "$missing" ] && return 0
	echo "deps.sh: missing:$missing" >&2
	others
	return 1
}

if ! command -v apt-get >/dev/null 2>&1; then
	complain_if_missing
	exit
fi

missing=
for group in "${@:-build}"; do
	for p in $(packages "$group"); do
		dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed' ||
			missing="$missing $p"
	done
done

install_missing() {
	sudo=
	if [ "$(id -u)" != 0 ]; then
		if ! command -v sudo >/dev/null 2>&1; then
			echo "deps.sh: these packages are missing; install them as root:" >&2
			echo "  apt-get install$missing" >&2
			exit 1
		fi
		sudo=sudo
	fi
	echo "installing$missing"
	export DEBIAN_FRONTEND=noninteractive
	# DPkg::Lock: another installation may be running; it ends.
	wait='-o DPkg::Lock::Timeout=300'
	# shellcheck disable=SC2086 # lists of words
	$sudo apt-get $wait -qq update
	# shellcheck disable=SC2086
	$sudo env DEBIAN_FRONTEND=noninteractive apt-get $wait -qq -y install \
		--no-install-recommends $missing >/dev/null
}

[ -z "$missing" ] || install_missing
case " $* " in *" check "*) "$(dirname "$0")/live/peers.sh" ;; esac
