/* SPDX-License-Identifier: BSD-2-Clause */
#include "account.h"

#include <inttypes.h>

#include "capture/live.h"
#include "util/log.h"

enum { LINES_MAX = 20 }; /* connections that are named when they lost something */

void account_init(struct account *a, bool is_verbose)
{
	*a = (struct account){ .is_verbose = is_verbose };
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

/* The account of one direction. */
static struct account_sums direction_sums(const struct account *a, const struct conn *c, int dir,
					  struct source *src)
{
	const struct stream *s = &c->stream[dir];
	struct account_sums n = { .cut = s->cut, .lost = s->lost };
	struct decoder_bytes d = decoder_bytes(c->decoder, dir);
	struct live_counts k = { 0 };
	bool has_counts = src->is_live && live_counts(src, c->sock[dir], &k);

	if (c->is_filtered)
		n = (struct account_sums){ .filtered = has_counts ? k.read : c->info.bytes[dir] };
	else
		n.decoded = s->fed;
	n.accepted = n.decoded + n.cut + n.lost + n.filtered;
	if (!c->is_filtered && d.decoded + d.skipped != s->fed)
		n.unbalanced = 1;
	if (has_counts) {
		uint64_t seen = n.accepted;

		if (a->is_enough && k.read > seen) {
			n.filtered += k.read - seen;
			seen = k.read;
		}
		n.accepted = k.accepted > k.read ? k.accepted : k.read;
		n.unread = n.accepted - k.read;
		if (seen != k.read)
			n.unbalanced = 1;
		if (k.read != k.captured + k.cut + k.lost + k.unreadable + k.filtered)
			n.unbalanced = 1;
	}
	n.gaps = n.lost != 0;
	return n;
}

static void add(struct account_sums *to, const struct account_sums *n)
{
	to->accepted += n->accepted;
	to->decoded += n->decoded;
	to->cut += n->cut;
	to->lost += n->lost;
	to->filtered += n->filtered;
	to->unread += n->unread;
	to->gaps += n->gaps;
	to->unbalanced += n->unbalanced;
}

void account_close(struct account *a, const struct conn *c, struct source *src)
{
	a->sums.connections++;
	for (int dir = 0; dir < 2; dir++) {
		struct account_sums n = direction_sums(a, c, dir, src);
		bool is_bad = n.lost || n.unbalanced;

		add(&a->sums, &n);
		if (!a->is_verbose && !(is_bad && a->lines < LINES_MAX))
			continue;
		a->lines += is_bad;
		log_warn("connection %u %s, %s: accepted %" PRIu64 " = decoded %" PRIu64
			 " + cut %" PRIu64 " + lost %" PRIu64 " + filtered %" PRIu64
			 " + unread %" PRIu64 "%s",
			 c->info.id, c->addr, direction_name(c, dir), n.accepted, n.decoded, n.cut,
			 n.lost, n.filtered, n.unread, n.unbalanced ? " (DOES NOT ADD UP)" : "");
	}
}

void account_print(const struct account *a, struct source *src, const struct reorder_stats *stats)
{
	const struct account_sums *n = &a->sums;
	struct live_totals t = { 0 };
	bool is_bad = n->lost || n->unbalanced;

	if (src->is_live)
		live_totals(src, &t);
	if (a->is_verbose || is_bad)
		log_warn("%" PRIu64 " connections: accepted %" PRIu64 " bytes = decoded %" PRIu64
			 " + cut %" PRIu64 " + lost %" PRIu64 " + filtered %" PRIu64
			 " + unread %" PRIu64 "%s",
			 n->connections, n->accepted, n->decoded, n->cut, n->lost, n->filtered,
			 n->unread, n->unbalanced ? " (DOES NOT ADD UP)" : "");
	if (n->lost && src->is_live)
		log_warn("the ring was full: try a larger --ring-size, a filter, or --snaplen");
	if (t.no_slot)
		log_warn("%" PRIu64 " sockets were not watched: all places were taken", t.no_slot);
	if (t.sent_lost || t.eof_lost)
		log_warn("%" PRIu64 " reports of writes and %" PRIu64
			 " of closes did not fit the ring: those times and writers are unknown",
			 t.sent_lost, t.eof_lost);
	if (stats && (stats->late || stats->forced || a->is_verbose))
		log_warn("order: %" PRIu64 " late, %" PRIu64 " forced, %" PRIu64
			 " without a known writer, %" PRIu64 " of unknown sockets",
			 stats->late, stats->forced, stats->no_writer, stats->orphans);
}
