/* SPDX-License-Identifier: BSD-2-Clause */
#include "account.h"

#include <inttypes.h>
#include <stdlib.h>

#include "util/log.h"
#include "util/xalloc.h"

enum { LINES_MAX = 20 }; /* connections that are named when they lost something */

void account_init(struct account *a, bool is_verbose, bool is_early)
{
	*a = (struct account){ .is_verbose = is_verbose, .is_early = is_early };
}

struct account_sums account_sums(const struct account *a)
{
	return a->sums;
}

static const char *direction_name(const struct conn *c, int dir)
{
	switch (c->info.role[dir]) {
	case ROLE_CLIENT: return "client to server";
	case ROLE_SERVER: return "server to client";
	default: return dir ? "end 1 to end 0" : "end 0 to end 1";
	}
}

/* What passed the decoder, or did not get to it. */
static struct account_sums taken(const struct conn *c, int dir)
{
	const struct stream *s = &c->stream[dir];
	struct account_sums n = { .cut = s->cut, .lost = s->lost, .filtered = c->filtered[dir] };
	struct decoder_bytes d = { 0 };

	if (c->decoder)
		d = decoder_bytes(c->decoder, dir);
	n.decoded = d.decoded;
	n.undecoded = d.skipped;
	n.unbalanced = d.decoded + d.skipped != s->fed;
	n.accepted = s->fed + n.cut + n.lost + n.filtered;
	return n;
}

struct account_sums account_direction(const struct account *a, const struct conn *c, int dir,
				      const struct live_counts *k)
{
	struct account_sums n = taken(c, dir);
	uint64_t seen;

	if (!k) {
		n.gaps = n.lost != 0;
		return n;
	}
	if (c->is_filtered) /* whatever became of them: nobody wanted the rest */
		n.filtered = k->read - (n.accepted - n.filtered);
	else
		n.filtered = k->filtered;
	seen = n.decoded + n.undecoded + n.cut + n.lost + n.filtered;
	if (a->is_enough && k->read > seen) {
		n.filtered += k->read - seen;
		seen = k->read;
	}
	n.accepted = k->accepted > k->read ? k->accepted : k->read;
	n.unread = n.accepted - k->read;
	n.unreadable = k->unreadable < n.lost ? k->unreadable : n.lost;
	n.ring = k->lost < n.lost - n.unreadable ? k->lost : n.lost - n.unreadable;
	n.unbalanced |= seen != k->read || k->read != k->captured + k->cut + k->lost +
							k->unreadable + k->filtered;
	n.gaps = n.lost != 0;
	return n;
}

uint64_t account_filtered(const struct conn *c, int dir, struct source *src)
{
	struct live_counts n;

	return src->is_live && live_counts(src, c->sock[dir], &n) ? n.filtered : 0;
}

void account_unread(const struct account *a, struct conn *c, struct source *src,
		    struct chunk *chunk)
{
	int own = chunk->sock == c->sock[1];

	for (int dir = 0; dir < 2 && src->is_live; dir++)
		chunk->unread[dir ^ own] = live_unread(src, c->sock[dir], a->is_early);
	conn_unread(c, chunk);
}

static void add(struct account_sums *to, const struct account_sums *n)
{
	to->accepted += n->accepted;
	to->decoded += n->decoded;
	to->undecoded += n->undecoded;
	to->cut += n->cut;
	to->lost += n->lost;
	to->filtered += n->filtered;
	to->unread += n->unread;
	to->ring += n->ring;
	to->unreadable += n->unreadable;
	to->gaps += n->gaps;
	to->unbalanced += n->unbalanced;
}

/* who: what the account is of. */
static void print_sums(const char *who, const struct account_sums *n)
{
	log_warn("%s: accepted %" PRIu64 " = decoded %" PRIu64 " + undecoded %" PRIu64
		 " + cut %" PRIu64 " + lost %" PRIu64 " + filtered %" PRIu64 " + unread %" PRIu64 "%s",
		 who, n->accepted, n->decoded, n->undecoded, n->cut, n->lost, n->filtered, n->unread,
		 n->unbalanced ? " (DOES NOT ADD UP)" : "");
}

void account_close(struct account *a, const struct conn *c, struct source *src)
{
	a->sums.connections++;
	for (int dir = 0; dir < 2; dir++) {
		struct live_counts k;
		bool has_counts = src->is_live && live_counts(src, c->sock[dir], &k);
		struct account_sums n = account_direction(a, c, dir, has_counts ? &k : NULL);
		bool is_bad = n.lost || n.unbalanced;
		char *who;

		add(&a->sums, &n);
		if (!a->is_verbose && !(is_bad && a->lines < LINES_MAX))
			continue;
		a->lines += is_bad;
		who = xasprintf("connection %u %s, %s", c->info.id, c->addr, direction_name(c, dir));
		print_sums(who, &n);
		free(who);
	}
}

/* Why bytes were lost, each with what would help. */
static void print_losses(const struct account_sums *n)
{
	uint64_t other = n->lost - n->ring - n->unreadable;

	if (n->ring)
		log_warn("%" PRIu64 " bytes lost: the ring was full; try a larger --ring-size, a "
			 "filter, or --snaplen", n->ring);
	if (n->unreadable)
		log_warn("%" PRIu64 " bytes lost: this way to capture could not read them; see "
			 "spf --doctor for others", n->unreadable);
	if (other)
		log_warn("%" PRIu64 " bytes lost on the way: this is a bug of spf", other);
}

void account_print(const struct account *a, struct source *src, const struct reorder_stats *stats)
{
	const struct account_sums *n = &a->sums;
	struct live_totals t = { 0 };
	char *who;

	if (src->is_live)
		live_totals(src, &t);
	if (a->is_verbose || n->lost || n->unbalanced) {
		who = xasprintf("%" PRIu64 " connections", n->connections);
		print_sums(who, n);
		free(who);
	}
	if (src->is_live)
		print_losses(n);
	if (t.no_slot)
		log_warn("%" PRIu64 " sockets were not watched: all places were taken", t.no_slot);
	if (t.follow_lost)
		log_warn("%" PRIu64 " processes were not followed: all places were taken",
			 t.follow_lost);
	if (t.sent_lost || t.eof_lost)
		log_warn("%" PRIu64 " reports of writes and %" PRIu64
			 " of closes did not fit the ring: those times and writers are unknown",
			 t.sent_lost, t.eof_lost);
	if (stats && (stats->late || stats->forced || a->is_verbose))
		log_warn("order: %" PRIu64 " late, %" PRIu64 " forced, %" PRIu64
			 " without a known writer, %" PRIu64 " of unknown sockets",
			 stats->late, stats->forced, stats->no_writer, stats->orphans);
}
