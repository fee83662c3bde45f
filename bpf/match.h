/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Which unix sockets are watched: by the name that they are bound to, or by its file. */
#ifndef SPF_MATCH_H
#define SPF_MATCH_H

const volatile u32 cfg_watch_files; /* some targets are known as files */
const volatile u32 cfg_watch_all; /* no target was named: every socket is watched */

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1024);
	__type(key, struct spf_target);
	__type(value, u32);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4 * SPF_TARGETS);
	__type(key, struct spf_file_target);
	__type(value, u32);
} file_targets SEC(".maps");

/* Reads the name a socket is bound to; returns its length, 0 if it has none. */
static __always_inline u32 read_name(struct unix_sock *u, u8 *name)
{
	struct unix_address *a = BPF_CORE_READ(u, addr);
	u64 len; /* 64 bits wide: the verifier loses the bounds of a narrower one */

	if (!a)
		return 0;
	len = (u32)BPF_CORE_READ(a, len) - 2; /* without sun_family */
	if (len == SPF_NAME_LEN + 1)
		len = SPF_NAME_LEN; /* the kernel counts the NUL after a path of 108 bytes */
	asm volatile("" : "+r"(len));
	if (len == 0 || len > SPF_NAME_LEN)
		return 0;
	if (bpf_probe_read_kernel(name, len, (char *)&a->name + 2))
		return 0;
	if (name[0] && len > 1 && !name[(len - 1) & 127])
		len--; /* a path: the NUL is not part of it */
	return len;
}

static __always_inline bool is_file_target(struct spf_file_target *key)
{
	return bpf_map_lookup_elem(&file_targets, key);
}

/* A name says little of where a socket is: it may be relative, by another link, from another
 * mount namespace or after chroot(). The file does, also when it is unlinked. */
static __always_inline u8 file_match(struct unix_sock *u, struct spf_file_target *key)
{
	struct dentry *file = BPF_CORE_READ(u, path.dentry);

	__builtin_memset(key, 0, sizeof(*key));
	if (!file)
		return SPF_MATCH_NONE;
	key->dev = BPF_CORE_READ(file, d_sb, s_dev);
	key->ino = BPF_CORE_READ(file, d_inode, i_ino);
	if (is_file_target(key))
		return SPF_MATCH_FILE;
	key->ino = BPF_CORE_READ(file, d_parent, d_inode, i_ino);
	if (is_file_target(key))
		return SPF_MATCH_FOLDER;
	bpf_probe_read_kernel_str(key->name, sizeof(key->name), BPF_CORE_READ(file, d_name.name));
	return is_file_target(key) ? SPF_MATCH_FILE : SPF_MATCH_NONE;
}

/* How the connection of both is one to watch: enum spf_match. */
static __always_inline u8 match_of(struct sock *sk, struct sock *peer)
{
	union {
		struct spf_target name;
		struct spf_file_target file;
	} key = {};
	struct unix_sock *u = (struct unix_sock *)sk;
	u32 len;

	if (cfg_watch_all || control.enabled == SPF_TRIAL)
		return SPF_MATCH_NAME;
	len = read_name(u, key.name.name);
	if (!len) {
		u = (struct unix_sock *)peer;
		len = read_name(u, key.name.name);
	}
	key.name.len = (u8)len;
	key.name.bits = SPF_TARGET_BITS;
	if (!len)
		return SPF_MATCH_NONE;
	if (bpf_map_lookup_elem(&targets, &key.name))
		return SPF_MATCH_NAME;
	return cfg_watch_files ? file_match(u, &key.file) : SPF_MATCH_NONE;
}

#endif
