#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# boot.sh -k SERIES [-a KERNEL_ARG]... [-t SECONDS] [-p PROGRAM]... [-f FILE]... SCRIPT
# Boots Debian's kernel of that series in QEMU (emulated, no KVM) with an initramfs of busybox,
# the programs with their shared libraries (in /bin) and the files (in /), runs SCRIPT with
# busybox sh and gives back what it printed and its exit status. Both come by the serial
# console, the status on a last line of its own; without that line the run has failed: status
# 124 after SECONDS (a hang), 125 if the machine ended early (a panic), with the console's tail
# on standard error. Status 77: QEMU, busybox or the kernel cannot be had; the word why is printed.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")

series='' append='' seconds=120 programs=() files=()
while getopts k:a:t:p:f: opt; do
	case $opt in
	k) series=$OPTARG ;;
	a) append+=" $OPTARG" ;;
	t) seconds=$OPTARG ;;
	p) programs+=("$OPTARG") ;;
	f) files+=("$OPTARG") ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
script=${1:?usage: boot.sh -k SERIES [-a ARG] [-t SECONDS] [-p PROGRAM] [-f FILE] SCRIPT}

for tool in qemu-system-x86_64 busybox cpio; do
	command -v $tool >/dev/null || { echo "no $tool (make deps)"; exit 77; }
done
image=$("$here/kernel.sh" "$series") || { status=$?; echo "no kernel $series"; exit $status; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
root=$dir/root
mkdir -p "$root"/{bin,proc,sys,dev,tmp,run,etc}

# A program and what it is linked against, at the paths that its loader looks at.
add_program() {
	cp -L "$1" "$root/bin/"
	{ ldd "$1" 2>/dev/null || true; } | grep -o '/[^ ]*' | while read -r lib; do
		mkdir -p "$root$(dirname "$lib")"
		cp -nL "$lib" "$root$lib"
	done
}

cp "$(command -v busybox)" "$root/bin/busybox"
ln -s busybox "$root/bin/sh"
for program in ${programs[@]+"${programs[@]}"}; do add_program "$program"; done
for file in ${files[@]+"${files[@]}"}; do cp -rL "$file" "$root/"; done
cp "$script" "$root/script"
cat > "$root/init" <<'INIT'
#!/bin/sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp LC_ALL=C
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null
mount -t tracefs tracefs /sys/kernel/tracing; mount -t bpf bpf /sys/fs/bpf
mount -t tmpfs tmp /tmp; mount -t cgroup2 cgroup /sys/fs/cgroup; ln -sf /proc/self/fd /dev/fd
ip link set lo up; ip addr add ::1/128 dev lo 2>/dev/null; stty -opost </dev/console
echo "vm: start"
cd /tmp; sh /script </dev/null 2>&1
echo "vm: status $?"
poweroff -f
INIT
chmod +x "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc | gzip -1) > "$dir/initrd"

console=$dir/console
# no_timer_check: the check fails where the emulated machine gets too little time.
# 6.12 panics now and then where QEMU 7.2 emulates cmpxchg16b: -cx16.
timeout --kill-after=5 "$seconds" qemu-system-x86_64 -accel tcg -cpu max,-cx16 -smp 2 -m 1G \
	-nodefaults -no-user-config -no-reboot -display none -serial "file:$console" \
	-kernel "$image" -initrd "$dir/initrd" \
	-append "console=ttyS0 quiet loglevel=4 panic=-1 no_timer_check mitigations=off$append" </dev/null >&2 &&
	ended=0 || ended=$?

tr -d '\r' < "$console" > "$dir/text" 2>/dev/null || true
status=$(sed -n 's/^vm: status \([0-9]*\)$/\1/p' "$dir/text" | tail -1)
if [ -z "$status" ]; then
	status=125
	[ "$ended" != 124 ] || status=124
	echo "boot.sh: kernel $series$append did not finish (status $status); its console ends:" >&2
	tail -40 "$dir/text" >&2
	exit $status
fi
sed -n '/^vm: start$/,/^vm: status/{/^vm: st/!p;}' "$dir/text"
exit "$status"
