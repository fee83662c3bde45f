/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Bytes that are taken when they are written (--early). */
#ifndef SPF_EARLY_H
#define SPF_EARLY_H

/* The socket of st wrote len bytes, which are about to be taken: no event of its own. */
static __always_inline bool wrote(struct sock_state *st, u64 len)
{
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &st->slot);

	if (!slot)
		return false;
	__sync_fetch_and_add(&slot->accepted, len);
	if (is_asked())
		used(st, slot, WRITER);
	return true;
}

#endif
