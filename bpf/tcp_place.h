/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* Where in its stream a segment of TCP is, and what of it is to be taken: when it is sent, or when
 * it is read. */
#ifndef SPF_TCP_PLACE_H
#define SPF_TCP_PLACE_H

/* Where in the stream the byte with a sequence number is, which is not 2 GiB from the last. */
static __always_inline s64 seq_offset(struct spf_slot *slot, u32 seq)
{
	u64 read = slot->read;

	return read + (s32)(seq - slot->seq - (u32)read);
}

/* Leaves of a segment what is new; false if nothing is. */
static __always_inline bool place(u32 slot_nr, struct spf_slot *slot, struct segment *s)
{
	s32 ahead = s->seq - slot->seq - (u32)slot->read;

	if (ahead > 0) { /* passed unseen */
		unreadable(slot_nr, slot, ahead);
	} else if (ahead < 0) { /* seen before */
		if (s->len <= (u32)-ahead)
			return false;
		s->at += -ahead;
		s->len -= -ahead;
	}
	return true;
}

/* Bytes passed unseen (while another tracer attaches or detaches, the kernel may reach no program).
 * If who reads them is on this machine they are not lost: he will get to them, and to this segment.
 * When he has read all that was sent, what follows is taken again when it is sent. He may be at
 * it on another CPU: his mark is set before he counts, and filled when he has. */
static __always_inline bool is_left_to_reader(struct spf_slot *slot, u32 seq, bool is_local)
{
	u32 read = *(volatile u64 *)&slot->read;
	bool is_ahead = (s32)(seq - slot->seq - read) > 0;

	if (*(volatile u32 *)&slot->seq_from == SPF_SEQ_FILL && !is_ahead)
		return (u32)*(volatile u64 *)&slot->filled != read;
	/* Of the first bytes of a connection the reader may not be known yet. */
	if (!is_ahead || !(slot->has_reader || (is_local && !read)) || slot->is_spliced)
		return false;
	slot->seq_from = SPF_SEQ_FILL;
	return true;
}

/* A segment goes out: true if something of it is to be taken. */
static __always_inline bool place_sent(u32 slot_nr, struct spf_slot *slot, struct segment *s,
				       bool is_local)
{
	if (s->is_syn) {
		slot->seq = s->seq + 1;
		slot->seq_from = SPF_SEQ_SENT;
	}
	if (s->is_syn || !s->len)
		return false;
	if (slot->seq_from == SPF_SEQ_UNKNOWN)
		slot->seq = s->seq;
	/* Somebody here reads what was sent before: he will get to this. */
	if (slot->seq_from == SPF_SEQ_READ && (s32)(s->seq - slot->seq - (u32)slot->read) > 0)
		return false;
	if (slot->seq_from >= SPF_SEQ_SENT && is_left_to_reader(slot, s->seq, is_local))
		return false;
	slot->seq_from = SPF_SEQ_SENT;
	return place(slot_nr, slot, s);
}

/* The bytes of a direction up to offset end, seen before, are read. */
static __always_inline void was_read(u32 slot_nr, struct spf_slot *slot, u64 end)
{
	struct spf_event_read *r;

	slot->taken = end;
	if (slot->is_unwanted | slot->is_unmeant)
		return;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		__sync_fetch_and_add(&control.sent_lost, 1);
		return;
	}
	r->end = end;
	fill_event(&r->e, SPF_EVENT_READ, slot_nr, slot->sock);
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

/* A process reads a segment, likewise. is_local: whoever sent it is seen sending. */
static __always_inline bool place_read(u32 slot_nr, struct spf_slot *slot, struct segment *s,
				       bool is_local)
{
	s64 end;

	if (slot->seq_from == SPF_SEQ_UNKNOWN) {
		if (is_local) /* sent before the capture */
			return false;
		slot->seq = s->seq;
		slot->seq_from = SPF_SEQ_READ;
	}
	end = seq_offset(slot, s->seq + s->len);
	if (slot->seq_from == SPF_SEQ_SENT && end > (s64)slot->read)
		slot->seq_from = SPF_SEQ_FILL;
	if (place(slot_nr, slot, s)) {
		if (slot->seq_from == SPF_SEQ_READ)
			slot->accepted = end;
		return true;
	}
	if (end > 0 && slot->seq_from != SPF_SEQ_READ)
		was_read(slot_nr, slot, end);
	return false;
}

#endif
