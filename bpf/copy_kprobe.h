/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* How the kprobe backends copy a socket buffer: by a walk through its pages.
 *
 * The steps are global functions of numbers only: the verifier of 5.10 then looks at each of
 * them once, and not once for each way to get there. What they have on the stack, with their
 * callers, is all that 5.10 allows (512 bytes): nothing may be added.
 */
#ifndef SPF_COPY_KPROBE_H
#define SPF_COPY_KPROBE_H

enum {
	MAX_FRAGS = 45,   /* of a socket buffer: CONFIG_MAX_SKB_FRAGS, 17 unless changed */
	UNREAD = 1 << 16, /* beside the number of descriptors */
	SENDING = 1 << 17,
	REMOTE = 1 << 19, /* these are enum spf_data flags */
	WRITTEN = 1 << 20,
	FILL = 1 << 21,
	KINDS = UNREAD | SENDING | REMOTE | WRITTEN | FILL,
};

/* Where the kernel keeps the places of its list of pages and of its map of all memory; 0 if its
 * list of symbols does not say. */
const volatile u64 cfg_vmemmap_base, cfg_page_offset_base;

#define EMIT(SIZE)                                                                                 \
	do {                                                                                       \
		struct {                                                                           \
			struct spf_event_data d;                                                   \
			u8 bytes[SIZE];                                                            \
		} *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);                                  \
		u64 n = cap;                                                                       \
		if (!r)                                                                            \
			break;                                                                     \
		asm volatile("" : "+r"(n));                                                        \
		if (n > SIZE)                                                                      \
			n = SIZE;                                                                  \
		r->d.off = off;                                                                    \
		r->d.len = len;                                                                    \
		r->d.cap = n;                                                                      \
		r->d.fds = extra & 0xffff;                                                         \
		r->d.flags = extra >> 16;                                                          \
		if (n && bpf_probe_read_kernel(r->bytes, n, (void *)va)) {                         \
			r->d.cap = 0;                                                              \
			r->d.flags |= SPF_DATA_UNREADABLE;                                         \
		}                                                                                  \
		fill_event(&r->d.e, SPF_EVENT_DATA, slot_nr, slot->sock);                          \
		got = r->d.cap;                                                                    \
		bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);                                           \
	} while (0)

/* len bytes of a direction, the first cap of them from va on, cap <= SPF_DATA_MAX. */
__noinline int emit_piece(u64 va, u32 len, u32 cap, u32 slot_nr, u32 extra)
{
	struct spf_slot *slot = bpf_map_lookup_elem(&slots, &slot_nr);
	int got = -1;
	u64 off;

	if (!slot)
		return 0;
	off = slot->read;
	slot->read += len;
	/* An urgent byte (5.15+) is queued where no probe can be set. */
	if (!(extra & (SENDING | REMOTE | FILL)) && slot->read > slot->accepted)
		slot->accepted = slot->read;
	if (slot->is_unwanted | slot->is_unmeant) {
		slot->filtered += len;
		return 0;
	}
	BY_SIZE(cap, EMIT);
	if (got < 0) {
		slot->lost += len;
	} else if (got < (int)cap) {
		slot->unreadable += len;
	} else {
		slot->captured += cap;
		slot->cut += len - cap;
	}
	return 0;
}

/* Bytes whose address is not known: nothing can be read at 0. */
static __always_inline void skip(u32 slot_nr, u32 len, u32 extra)
{
	emit_piece(0, len, 1, slot_nr, extra & (KINDS));
}

/* len bytes in one piece of memory, of which at most cap are copied. */
__noinline int emit_range(u64 va, u32 len, u32 cap, u32 slot_nr, u32 extra)
{
	int i;

	for (i = 0; i < 8 && len; i++) {
		u32 n = cap < SPF_DATA_MAX ? cap : SPF_DATA_MAX;

		if (n > len)
			n = len;
		cap -= n;
		emit_piece(va, cap ? n : len, n, slot_nr, extra);
		if (!cap)
			return 0;
		va += n;
		len -= n;
		extra &= KINDS;
	}
	if (len)
		skip(slot_nr, len, extra);
	return 0;
}

/* The address of a page in the kernel's map of all memory (x86-64); 0 if it is not known. */
static __always_inline u64 page_address(u64 page)
{
	u64 map = 0, memory = 0;

	if (!cfg_vmemmap_base || !cfg_page_offset_base)
		return 0;
	bpf_probe_read_kernel(&map, sizeof(map), (void *)cfg_vmemmap_base);
	bpf_probe_read_kernel(&memory, sizeof(memory), (void *)cfg_page_offset_base);
	return memory + (((page - map) / bpf_core_type_size(struct page)) << 12);
}

/* Copies len bytes at offset at of a socket buffer. */
__noinline int walk(u64 addr, u32 at, u32 len, u32 slot_nr, u32 extra)
{
	struct sk_buff *skb = (struct sk_buff *)addr;
	u32 cap = snaplen(), pos = BPF_CORE_READ(skb, len) - BPF_CORE_READ(skb, data_len);
	u64 info = (u64)BPF_CORE_READ(skb, head) + BPF_CORE_READ(skb, end), frags;
	u8 cnt = BPF_CORE_READ((struct skb_shared_info *)info, nr_frags);
	int i;

	if (at < pos) {
		u32 n = pos - at < len ? pos - at : len;

		emit_range((u64)BPF_CORE_READ(skb, data) + at, n, cap, slot_nr, extra);
		cap -= cap < n ? cap : n;
		at += n;
		len -= n;
		extra &= KINDS;
	}
	frags = info + bpf_core_field_offset(struct skb_shared_info, frags);
	for (i = 0; i < MAX_FRAGS && i < cnt && len; i++) {
		struct frag f = {};

		bpf_probe_read_kernel(&f, sizeof(f), (void *)(frags + i * sizeof(f)));
		if (at < pos + f.len) {
			u32 from = at - pos, n = f.len - from < len ? f.len - from : len;
			u64 va = page_address(f.page);

			if (va)
				emit_range(va + f.off + from, n, cap, slot_nr, extra);
			else
				skip(slot_nr, n, extra);
			cap -= cap < n ? cap : n;
			at += n;
			len -= n;
			extra &= KINDS;
		}
		pos += f.len;
	}
	if (len)
		skip(slot_nr, len, extra);
	return 0;
}

#endif
