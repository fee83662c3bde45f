/* SPDX-License-Identifier: BSD-2-Clause */
/* The account of bytes: for each direction of each connection
 *
 *     accepted = decoded + undecoded + cut + lost + filtered + unread
 *
 * is checked when the connection ends and printed with -v, and always when something is
 * missing or does not add up. Undecoded is what a decoder was given and found nothing in: no
 * protocol that it knows, or framing that was lost. Unread is what nobody has taken yet. */
#ifndef SPF_ACCOUNT_H
#define SPF_ACCOUNT_H

#include "capture/live.h"
#include "capture/reorder.h"
#include "capture/source.h"
#include "conn/conns.h"

struct account_sums {
	uint64_t accepted, decoded, undecoded, cut, lost, filtered, unread;
	uint64_t ring, unreadable; /* of the lost: no room in the ring; the kernel did not let us */
	uint64_t gaps;       /* directions that lost something */
	uint64_t unbalanced; /* directions whose account does not add up */
	uint64_t connections;
};

struct account {
	struct account_sums sums;
	bool is_verbose;
	bool is_early;	/* --early: what is captured need not have been read */
	bool is_enough; /* -c ended the capture: what spf had not come to counts as filtered */
	uint32_t lines; /* printed so far about connections that lost something */
};

void account_init(struct account *a, bool is_verbose, bool is_early);

/* The account of one direction. k: what the kernel counted, NULL for a file. */
struct account_sums account_direction(const struct account *a, const struct conn *c, int dir,
				      const struct live_counts *k);

/* What the kernel filtered of a direction, all of it before the connection was meant. */
uint64_t account_filtered(const struct conn *c, int dir, struct source *src);

/* What nobody has read by now of either direction: live it goes into the OPEN or CLOSE chunk, of
 * a file it is in there. */
void account_unread(const struct account *a, struct conn *c, struct source *src,
		    struct chunk *chunk);

/* Enters a connection that ends, and prints its lines if there is a reason to. */
void account_close(struct account *a, const struct conn *c, struct source *src);

struct account_sums account_sums(const struct account *a);

/* Prints the sums at exit, with what else was lost and where. stats may be NULL. */
void account_print(const struct account *a, struct source *src, const struct reorder_stats *stats);

#endif
