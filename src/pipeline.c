/* SPDX-License-Identifier: BSD-2-Clause */
#include "pipeline.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "account.h"
#include "capture/live.h"
#include "capture/reorder.h"
#include "conn/conns.h"
#include "progress.h"
#include "util/log.h"
#include "util/monotonic.h"
#include "util/watch.h"
#include "util/xalloc.h"
#include "wants.h"

enum { LEARNED_MAX = 16 }; /* how often -w says that a connection has another process */

struct pipeline {
	const struct options *o;
	struct source *src;
	struct scripts *scripts;
	struct sink *out;
	struct pcapng_writer *writer; /* NULL without -w */
	const struct select *select;
	const char *addr; /* -f wants nothing of other addresses, nor does anybody else; NULL any */
	struct want want;
	struct reorder *reorder; /* NULL for a source that is in order already */
	struct conns conns;
	struct account account;
	struct progress progress;
	struct batch *batch;
	struct batch *own_batch; /* the batch when there are no scripts */
	uint32_t own_cap;
	uint32_t kinds;   /* that count for -c and are printed */
	bool prints;
	uint64_t seq;
	uint64_t counted; /* records that -c counts */
	uint32_t pending; /* the same, in the batch that was not given away yet */
	int64_t due_ns;   /* files: when the next timer of a script is due */
	int64_t end_ns;   /* when the capture ended, in the source's clock */
	int64_t now_ns;   /* time of the newest chunk, in the source's clock */
	const char *reason; /* why it ends; NULL = it goes on */
	bool takes_rest;     /* it ends, the ring is taken to its end */
	uint64_t failures;   /* to write; the first is told */
	int status;
};

static void end(struct pipeline *p, const char *reason, int status)
{
	if (!p->reason)
		p->reason = reason;
	if (p->status == EXIT_OK)
		p->status = status;
}

/* rc: of a write. A reader that went away had what it wanted; all else is a failure of spf. */
static void check_output(struct pipeline *p, const char *what, int rc)
{
	if (rc < 0 && rc != -EPIPE && !p->failures++)
		log_warn("cannot write the %s: %s", what, strerror(-rc));
	if (rc < 0)
		end(p, "output", rc == -EPIPE ? EXIT_OK : EXIT_RUN);
}

/* ---- batches: to the scripts, then to the printer ---- */

static struct batch *fresh_batch(struct pipeline *p, uint32_t need)
{
	if (p->scripts)
		return scripts_batch(p->scripts, need);
	if (need > p->own_cap) {
		free(p->own_batch);
		p->own_batch = xmalloc(need);
		p->own_cap = need;
	}
	batch_init(p->own_batch, p->own_cap);
	return p->own_batch;
}

static void print_batch(struct pipeline *p)
{
	if (!p->prints && !p->o->count)
		return;
	for (uint32_t i = 0; i < p->batch->count; i++) {
		const struct record *r = batch_at(p->batch, i);

		if (r->hidden || !(p->kinds & 1u << r->kind))
			continue;
		if (p->o->count && p->counted == p->o->count)
			break;
		p->counted++;
		if (p->prints)
			sink_record(p->out, p->batch, r);
	}
	if (p->o->count && p->counted == p->o->count)
		end(p, "count", EXIT_OK);
}

static void check_exit(struct pipeline *p)
{
	int code;

	if (p->scripts && scripts_want_exit(p->scripts, &code))
		end(p, "script", code);
	else if (p->scripts && p->o->strict && scripts_errors(p->scripts))
		end(p, "error", EXIT_RUN);
}

/* Gives the batch away and starts one that holds at least need bytes. */
static void flush_batch(struct pipeline *p, uint32_t need)
{
	if (p->batch->count) {
		watch_enter(WATCH_PRINT);
		if (p->scripts)
			scripts_run(p->scripts, p->batch);
		print_batch(p);
		check_output(p, "output", sink_error(p->out));
		check_exit(p);
		watch_enter(WATCH_DECODE);
	} else if (need <= p->batch->cap) {
		return;
	}
	p->pending = 0;
	p->batch = fresh_batch(p, need > BATCH_LEN ? need : BATCH_LEN);
}

/* Records were appended behind the first from: numbers them, and sees that -c ends on the very
 * record. */
static void appended(struct pipeline *p, uint32_t from)
{
	for (uint32_t i = from; i < p->batch->count; i++) {
		struct record *r = batch_at(p->batch, i);

		r->seq = ++p->seq;
		p->pending += p->kinds >> r->kind & 1;
		r->hidden = p->kinds >> r->kind & 1 && p->o->count && p->counted == p->o->count;
	}
	if (p->o->count && p->counted + p->pending >= p->o->count)
		flush_batch(p, 0);
}

static void drain_decoder(struct pipeline *p, struct conn *c)
{
	uint32_t from;
	int rc;

	do {
		from = p->batch->count;
		rc = p->o->count ? decoder_next(c->decoder, p->batch)
				 : decoder_fill(c->decoder, p->batch);
		appended(p, from);
		if (rc == -ENOSPC)
			flush_batch(p, decoder_need(c->decoder));
	} while (rc > 0 || rc == -ENOSPC);
}

/* ---- chunks to records ---- */

static struct stamp stamp_of(const struct pipeline *p, const struct chunk *c)
{
	return chunk_stamp(c, p->src->epoch_ns, p->src->start_ns);
}

static void chunk_record(struct pipeline *p, const struct conn *conn, int dir,
			 const struct chunk *c, const struct stamp *st)
{
	uint32_t need = conn_record_len(conn, c, p->want.data);

	if (!batch_room(p->batch, need))
		flush_batch(p, need + (uint32_t)sizeof(struct batch));
	conn_record(p->batch, conn, dir, c, st, p->want.data);
	appended(p, p->batch->count - 1);
}

/* Only what is shown is written to -w. */
static void write_chunk(struct pipeline *p, const struct chunk *c)
{
	if (p->writer)
		check_output(p, "capture", pcapng_write(p->writer, c));
}

/* Nobody wants the connection: the kernel need not copy its bytes either. */
static void filter_out(struct pipeline *p, struct conn *conn)
{
	conn->is_filtered = true;
	for (int dir = 0; dir < 2 && p->src->is_live; dir++)
		live_ignore(p->src, conn->sock[dir]);
}

static void begin_conn(struct pipeline *p, struct conn *conn, const struct chunk *c)
{
	struct stamp st = stamp_of(p, c);

	conn->is_unmeant = false;
	conns_begin(&p->conns, conn);
	decoder_open(conn->decoder, &st);
	drain_decoder(p, conn);
	conn->info.unread[0] = conn->info.unread[1] = -1; /* by now there may be more */
}

static void on_open(struct pipeline *p, const struct chunk *c)
{
	char *name = select_name(p->select, c);
	struct chunk open = *c;
	struct conn *conn;
	bool is_new;

	if (name && p->addr && strcmp(name, p->addr) && strcmp(name, "?")) {
		free(name);
		name = NULL;
	}
	if (name)
		open.addr = name;
	conn = conns_open(&p->conns, &open, p->src->epoch_ns, &is_new);
	if (is_new && !c->early)
		account_unread(&p->account, conn, p->src, &open);
	if (is_new)
		conn->is_unmeant = p->src->is_live ? c->unmeant : p->select->who.is_asked;
	if (!name)
		filter_out(p, conn);
	else if (conn->is_unmeant)
		conn_keep_open(conn, &open);
	else
		write_chunk(p, &open);
	if (is_new && !conn->is_filtered && !conn->is_unmeant)
		begin_conn(p, conn, &open);
	free(name);
}

/* A process that is meant uses the connection, for the first time with chunk c: the connection
 * begins here. What was filtered before is missing, so it counts as found open. */
static void mean(struct pipeline *p, struct conn *conn, const struct chunk *c)
{
	struct chunk open = conn->open ? *conn->open : *c;

	open.ts_ns = c->ts_ns;
	for (int dir = 0; dir < 2; dir++)
		if (conn->filtered[dir] || account_filtered(conn, dir, p->src))
			open.early = conn->info.seen_open = false;
	conn->info.open_ns = c->ts_ns + p->src->epoch_ns;
	if (!conn->info.seen_open)
		account_unread(&p->account, conn, p->src, &open);
	if (conn->open)
		write_chunk(p, &open);
	begin_conn(p, conn, &open);
}

static void feed(struct pipeline *p, struct conn *conn, int dir, const struct chunk *c,
		 const struct stamp *st)
{
	struct stream_step step = stream_push(&conn->stream[dir], c);

	if (step.gap) {
		decoder_gap(conn->decoder, dir, step.gap, step.cause, st);
		drain_decoder(p, conn);
	}
	if (step.data.len) {
		decoder_feed(conn->decoder, dir, step.data, st);
		drain_decoder(p, conn);
	}
	if (step.cut) {
		decoder_gap(conn->decoder, dir, step.cut, GAP_TRUNCATED, st);
		drain_decoder(p, conn);
	}
}

static void on_data(struct pipeline *p, const struct chunk *c);

/* Bytes that the kernel counted and the ring had no room for, before offset end_off. */
static void take_lost(struct pipeline *p, struct conn *conn, int dir, uint64_t end_off)
{
	struct chunk lost = chunk_of(CHUNK_LOST);

	lost.cause = GAP_RINGBUF_DROP;
	lost.sock = conn->sock[dir];
	lost.off = conn->stream[dir].next;
	lost.len = end_off - lost.off;
	lost.ts_ns = p->now_ns;
	if (lost.off < end_off)
		on_data(p, &lost);
}

/* Live, a direction begins behind what was filtered; of a file, anywhere. */
static void begin_stream(struct pipeline *p, struct conn *conn, int dir, uint64_t first_off)
{
	struct stream *s = &conn->stream[dir];

	if (s->has_begun || !p->src->is_live)
		return;
	s->has_begun = true;
	s->next = account_filtered(conn, dir, p->src);
	take_lost(p, conn, dir, first_off);
}

/* Asks who the processes at the ends are: those in which, a bit each. */
static void describe(struct pipeline *p, struct conn *conn, int which)
{
	for (int i = 0; i < 2 && p->src->is_live; i++)
		if (which & 1 << i && !conn->info.end[i].exe)
			live_describe_end(p->src, &conn->info.end[i], p->now_ns);
}

/* Another process than was known has an end of the connection. A replay is told too, but for
 * those that take turns. */
static void on_learned(struct pipeline *p, struct conn *conn, int others)
{
	struct chunk open;

	describe(p, conn, others);
	open = conn_learned(conn, p->now_ns);
	if (conn->sock[1] && ++conn->learned <= LEARNED_MAX)
		write_chunk(p, &open);
}

static void on_data(struct pipeline *p, const struct chunk *c)
{
	struct stamp st = stamp_of(p, c);
	struct conn *conn;
	bool is_new;
	int dir, others;

	conn = conns_get(&p->conns, c, p->src->epoch_ns, &dir, &is_new);
	others = conn_learn(conn, dir, c);
	conn->info.bytes[dir] += c->len;
	conn->is_unmeant |= is_new;
	if (conn->is_unmeant && !conn->is_filtered &&
	    (p->src->is_live || select_who(p->select, &conn->info)))
		mean(p, conn, c);
	if (conn->is_filtered || conn->is_unmeant) {
		conn->filtered[dir] += c->len;
		return;
	}
	begin_stream(p, conn, dir, c->off);
	write_chunk(p, c);
	if (others && p->src->is_live)
		on_learned(p, conn, others);
	if (p->want.kind[KIND_CHUNK] && c->kind == CHUNK_DATA)
		chunk_record(p, conn, dir, c, &st);
	feed(p, conn, dir, c, &st);
}

static void close_conn(struct pipeline *p, struct conn *conn, enum call_outcome outcome,
		       const char *reason, const struct stamp *st)
{
	describe(p, conn, 3); /* an answer may have come too late */
	if (conn->decoder) {
		decoder_close(conn->decoder, outcome, reason, st);
		drain_decoder(p, conn);
	}
	account_close(&p->account, conn, p->src);
	for (int dir = 0; dir < 2 && p->src->is_live; dir++) {
		live_forget(p->src, conn->sock[dir]);
		reorder_forget(p->reorder, conn->sock[dir]);
	}
	conns_remove(&p->conns, conn);
}

/* Before a connection ends, what is missing of it is told. */
static void take_tails(struct pipeline *p, struct conn *conn)
{
	struct live_counts n;

	for (int dir = 0; dir < 2 && p->src->is_live && conn->decoder; dir++) {
		if (conn->is_filtered || !live_counts(p->src, conn->sock[dir], &n))
			continue;
		begin_stream(p, conn, dir, n.read);
		take_lost(p, conn, dir, n.read);
	}
}

static void on_close(struct pipeline *p, const struct chunk *c)
{
	static const char *const closed[] = { "closed", "closed by the client",
					      "closed by the server" }; /* by enum role */
	struct stamp st = stamp_of(p, c);
	struct chunk close = *c;
	int dir;
	struct conn *conn = conns_find(&p->conns, c->sock, &dir);

	if (!conn) /* closed at its other end: the file keeps that it is at this one too */
		return write_chunk(p, c);
	take_tails(p, conn);
	account_unread(&p->account, conn, p->src, &close);
	if (conn->decoder && !conn->is_filtered)
		write_chunk(p, &close);
	close_conn(p, conn, OUTCOME_CLOSED, closed[conn->info.role[dir]], &st);
}

static void take(struct pipeline *p, const struct chunk *c)
{
	watch_enter(WATCH_DECODE);
	p->now_ns = c->ts_ns;
	switch (c->kind) {
	case CHUNK_OPEN:
		on_open(p, c);
		break;
	case CHUNK_DATA:
	case CHUNK_LOST:
		on_data(p, c);
		break;
	case CHUNK_CLOSE:
		on_close(p, c);
		break;
	case CHUNK_SENT:
	case CHUNK_READ:
		break;
	}
}

/* ---- the loop ---- */

static void drain_reorder(struct pipeline *p, int64_t settled_ns)
{
	struct chunk c;

	while (p->reorder && (!p->reason || p->takes_rest) && reorder_next(p->reorder, settled_ns, &c))
		take(p, &c);
}

/* Nothing more for now: what was found goes out, timers run. */
static void settle(struct pipeline *p)
{
	int64_t now = p->src->is_live ? monotonic_ns() : p->now_ns;

	flush_batch(p, 0);
	if (p->scripts) {
		scripts_tick(p->scripts, now, now + p->src->epoch_ns);
		check_exit(p);
	}
	check_output(p, "output", sink_flush(p->out));
	if (p->writer)
		check_output(p, "capture", pcapng_flush(p->writer));
	if (p->src->is_live && p->o->duration_ns && now - p->src->start_ns >= p->o->duration_ns)
		end(p, "time", EXIT_OK);
}

/* A chunk of a file: timers run by its times, before the first chunk that is past them. */
static void take_file(struct pipeline *p, const struct chunk *c)
{
	if (p->scripts && c->ts_ns >= p->due_ns) {
		flush_batch(p, 0);
		p->due_ns = scripts_tick(p->scripts, c->ts_ns, c->ts_ns + p->src->epoch_ns);
		check_exit(p);
	}
	take(p, c);
}

/* One turn. Returns false when the source had nothing for now. */
static bool turn(struct pipeline *p)
{
	struct chunk c;
	int64_t settled = 0;
	int rc;

	watch_enter(WATCH_READ);
	rc = p->src->ops->next(p->src, &c, &settled);
	if (progress_is_due(&p->progress))
		progress_show(&p->progress, monotonic_ns());
	if (rc > 0) {
		if (p->reorder)
			reorder_push(p->reorder, &c);
		else
			take_file(p, &c);
		return true;
	}
	if (rc == -ENODATA)
		end(p, "eof", EXIT_OK);
	if (rc < 0 && rc != -ENODATA) {
		log_warn("%s", p->src->why ? p->src->why : "the source failed");
		end(p, "error", EXIT_RUN);
	}
	drain_reorder(p, settled);
	return false;
}

static void take_rest(struct pipeline *p)
{
	p->takes_rest = true;
	while (turn(p) || turn(p))
		;
	drain_reorder(p, INT64_MAX);
}

/* Of a connection that is open when the capture ends. */
static void take_last(struct pipeline *p, struct conn *conn)
{
	struct chunk open = conn_learned(conn, p->now_ns);

	take_tails(p, conn);
	account_unread(&p->account, conn, p->src, &open);
	if (conn->decoder && !conn->is_filtered && (open.unread[0] >= 0 || open.unread[1] >= 0))
		write_chunk(p, &open);
}

/* Ends what is under way, in the order of the stages. */
static void finish(struct pipeline *p)
{
	struct stamp st = { .read_ns = -1, .pid = -1, .tid = -1, .reader_pid = -1 };
	struct conn *conn;
	size_t at = 0;

	p->account.is_enough = p->reason && !strcmp(p->reason, "count");
	if (p->src->is_live)
		live_stop(p->src);
	if (p->src->is_live && !p->account.is_enough)
		take_rest(p);
	/* Not the clock's time: a replay must say the same. */
	st.ts_ns = p->now_ns + p->src->epoch_ns;
	st.elapsed_ns = p->now_ns - p->src->start_ns;
	/* in the order in which a replay will have it: first what the file says, then the end */
	while (!p->account.is_enough && (conn = conns_each(&p->conns, &at)))
		take_last(p, conn);
	while ((conn = conns_any(&p->conns))) {
		watch_enter(WATCH_END);
		close_conn(p, conn, OUTCOME_CAPTURE_END, "capture ended", &st);
	}
	flush_batch(p, 0);
	p->end_ns = p->src->is_live ? monotonic_ns() : p->src->end_ns ? p->src->end_ns : p->now_ns;
	if (p->writer)
		check_output(p, "capture", pcapng_finish(p->writer, p->end_ns));
}

static void summarize(struct pipeline *p, int64_t began_ns)
{
	struct account_sums sums = account_sums(&p->account);
	struct script_summary s = {
		.records = p->seq,
		.dropped = sums.lost + sums.cut,
		.gaps = sums.gaps,
		.duration_ns = p->end_ns - began_ns,
		.reason = p->reason,
	};

	watch_enter(WATCH_END);
	if (p->scripts) {
		scripts_end(p->scripts, &s);
		if (scripts_errors(p->scripts))
			end(p, p->reason, EXIT_RUN);
	}
	check_output(p, "output", sink_flush(p->out));
	account_print(&p->account, p->src, p->reorder ? reorder_stats(p->reorder) : NULL);
}

int pipeline_run(struct pipeline *p, const volatile int *stop)
{
	int64_t began = p->src->start_ns;

	if (p->scripts) /* timers count from the beginning of the capture */
		p->due_ns = scripts_tick(p->scripts, began, began + p->src->epoch_ns);
	progress_init(&p->progress, p->src, p->o->quiet, monotonic_ns());
	while (!p->reason) {
		if (*stop)
			end(p, "signal", EXIT_OK);
		else if (turn(p))
			continue;
		settle(p);
		if (!p->reason && p->src->ops->wait)
			p->src->ops->wait(p->src, 1);
	}
	log_status_end();
	began = began ? began : p->src->start_ns;
	finish(p);
	summarize(p, began);
	return p->status;
}

struct pipeline *pipeline_new(const struct options *o, struct source *src, struct scripts *scripts,
			      struct sink *out, struct pcapng_writer *writer,
			      const struct select *select)
{
	struct pipeline *p = xcalloc(1, sizeof(*p));

	p->o = o;
	p->src = src;
	p->scripts = scripts;
	p->out = out;
	p->writer = writer;
	p->select = select;
	p->addr = scripts && !writer ? scripts_addr(scripts) : NULL;
	p->prints = wants_of(o, scripts, &p->want, &p->kinds);
	p->reorder = src->is_ordered ? NULL : reorder_new(o->window_ns);
	conns_init(&p->conns, &p->want);
	account_init(&p->account, o->verbose, o->early);
	p->batch = fresh_batch(p, BATCH_LEN);
	return p;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	conns_release(&p->conns);
	reorder_free(p->reorder);
	free(p->own_batch);
	free(p);
}
