/* SPDX-License-Identifier: BSD-2-Clause */
/* The live source: events of the BPF ring as chunks (worker side).
 *
 * Works on mapped memory alone. What a direction's counters say is read from its slot, so
 * that every byte can be accounted for when a connection ends and at exit.
 */
#ifndef SPF_CAPTURE_LIVE_H
#define SPF_CAPTURE_LIVE_H

#include "capture/source.h"

/* Descriptors of the maps, mapped and closed by live_new(). */
struct live_maps {
	int ring;
	int control;
	int slots;
	size_t ring_size;
};

/* Called for slots that may be given out again: their sockets are gone. */
typedef void live_free_slots(void *arg, const uint32_t *slots, uint32_t cnt);

/* Returns the source, or NULL with errno set. free_slots may be NULL. */
struct source *live_new(const struct live_maps *maps, live_free_slots *free_slots, void *arg);

/* Called for each end of a connection that opens, with what the kernel said of it: may add
 * what it knows more of process e->pid, as it was at ts_ns. The strings must stay. */
typedef void live_describe(void *arg, struct endpoint *e, int64_t ts_ns);
void live_describe_by(struct source *s, live_describe *describe, void *arg);

/* Has an end described that was learned later. */
void live_describe_end(struct source *s, struct endpoint *e, int64_t ts_ns);

/* Lets the programs run: what happens from here on is captured. */
void live_start(struct source *s);

/* Stops them: what is in the ring can still be read. */
void live_stop(struct source *s);

/* What the kernel counted for a direction. */
struct live_counts {
	uint64_t accepted;   /* bytes written (and what waited in the socket at the start) */
	uint64_t read;       /* bytes read = captured + cut + lost + unreadable + filtered */
	uint64_t captured;
	uint64_t cut;
	uint64_t lost;
	uint64_t unreadable;
	uint64_t filtered;   /* not copied: nobody who is meant used it, or after live_ignore() */
};

/* Bytes of the direction that were written and nobody has read, captured or not; -1 if nothing
 * tells: its reader is on another machine, or bytes are taken when they are written (is_early). */
int64_t live_unread(struct source *s, uint64_t sock, bool is_early);

/* Fills *c for the direction of a live source; false if it is not known any more. */
bool live_counts(struct source *s, uint64_t sock, struct live_counts *c);

/* Tells the kernel to copy nothing more of the direction: it only counts. */
void live_ignore(struct source *s, uint64_t sock);

/* Says that nobody will ask for the direction again: once its socket is gone, its slot is
 * given out anew. */
void live_forget(struct source *s, uint64_t sock);

/* Counters of the whole capture. */
struct live_totals {
	uint64_t no_slot;   /* sockets not watched: LIMIT_CONNECTIONS */
	uint64_t open_lost; /* events that did not fit the ring */
	uint64_t sent_lost;
	uint64_t eof_lost;
	uint64_t follow_lost; /* processes that --follow had no place for */
};
void live_totals(struct source *s, struct live_totals *t);

#endif
