/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/decoder.h"

#include <errno.h>
#include <stdlib.h>

#include "decode/detect.h"
#include "decode/handler.h"
#include "util/limits.h"
#include "util/xalloc.h"

struct decoder *decoder_new(const struct want *want, struct conn_info *info)
{
	struct decoder *d = xcalloc(1, sizeof(*d));

	d->want = want;
	d->info = info;
	d->dir[0].searching = d->dir[1].searching = true;
	return d;
}

void decoder_free(struct decoder *d)
{
	if (!d)
		return;
	if (d->x)
		d->handler->free(d->x);
	for (int i = 0; i < 2; i++) {
		backlog_release(&d->dir[i].log);
		free(d->dir[i].loss);
	}
	buf_release(&d->pending);
	decoder_set_settings(d, (struct bytes){ 0 });
	free(d);
}

enum proto decoder_proto(const struct decoder *d)
{
	return d ? handler_proto(d) : PROTO_UNKNOWN;
}

void decoder_open(struct decoder *d, const struct stamp *st)
{
	decoder_add_conn(d, CONN_OPEN, st);
}

void decoder_feed(struct decoder *d, int dir, struct bytes in, const struct stamp *st)
{
	d->dir[dir].in = in;
	d->dir[dir].st = *st;
}

void decoder_close(struct decoder *d, enum call_outcome outcome, const char *reason,
		   const struct stamp *st)
{
	d->closing = true;
	d->outcome = outcome;
	d->reason = reason;
	d->close_st = *st;
}

struct decoder_bytes decoder_bytes(const struct decoder *d, int dir)
{
	return d->dir[dir].bytes;
}

uint32_t decoder_need(const struct decoder *d)
{
	return d->need;
}

static void skip_log(struct decoder_dir *dd, size_t n)
{
	backlog_consume(&dd->log, n);
	dd->bytes.skipped += n;
}

/* Takes what came in into the backlog of a direction that is being searched. */
static void hold(struct decoder_dir *dd)
{
	backlog_push(&dd->log, dd->in, &dd->st);
	dd->in.len = 0;
	if (backlog_len(&dd->log) > LIMIT_BACKLOG)
		skip_log(dd, backlog_len(&dd->log) - LIMIT_BACKLOG);
}

#define LATE_DETAIL "the capture began in its middle: older entries of the header table are unknown"

/* Says how much was lost, now that it is known. */
static void tell_loss(struct decoder *d, int dir, bool recovered)
{
	struct decoder_dir *dd = &d->dir[dir];
	const struct decoder_loss *l = dd->loss;

	decoder_add_gap(d, dir, &l->st, l->cause, l->missing + dd->bytes.skipped - l->skipped_before, 0,
			recovered, NULL);
	free(dd->loss);
	dd->loss = NULL;
}

/* A direction can be decoded from here on: what was lost before it is told. */
static void found_boundary(struct decoder *d, int dir, size_t at)
{
	struct decoder_dir *dd = &d->dir[dir];

	skip_log(dd, at);
	dd->searching = false;
	dd->next_try = 0;
	if (dd->loss)
		tell_loss(d, dir, true);
	else if (d->handler->proto == PROTO_H2)
		decoder_add_gap(d, dir, backlog_stamp(&dd->log, &dd->st), GAP_HPACK_LOST,
				dd->bytes.skipped, 0, true, LATE_DETAIL);
}

static void begin(struct decoder *d, const struct detected *found)
{
	const struct stamp st = *backlog_stamp(&d->dir[found->dir].log, &d->dir[found->dir].st);

	d->handler = found->handler;
	if (found->client >= 0)
		decoder_set_client(d, found->client);
	d->x = d->handler->open(d, found->client, found->late);
	decoder_add_conn(d, CONN_PROTO, &st);
	for (int i = 0; i < 2; i++) {
		if (found->late && i == found->dir)
			found_boundary(d, i, found->at);
		else if (!found->late)
			d->dir[i].searching = d->dir[i].loss;
		if (!found->late && d->dir[i].loss)
			d->handler->gap(d->x, i, 0, &d->dir[i].loss->st);
		d->dir[i].next_try = 0;
		d->dir[i].inexact |= found->late;
	}
}

/* A search that failed waits for so many more bytes that all of them together cost no more than
 * a few dozen walks over the whole, however short the writes are. */
static bool worth_a_try(struct decoder_dir *dd)
{
	size_t len = backlog_len(&dd->log);

	if (len < dd->next_try)
		return false;
	dd->next_try = len + len / 32;
	return true;
}

/* Finds the protocol out, or gives up. */
static void find_protocol(struct decoder *d, bool last)
{
	struct detected found;
	int rc = detect(d, last, &found);

	if (rc == 1)
		begin(d, &found);
	d->given_up = rc < 0;
	for (int i = 0; d->given_up && i < 2; i++)
		skip_log(&d->dir[i], backlog_len(&d->dir[i].log));
}

/* Looks for a frame boundary in a direction that has lost it. */
static void find_boundary(struct decoder *d, int dir, bool last)
{
	struct decoder_dir *dd = &d->dir[dir];
	size_t skip = 0;
	long at;

	if (!backlog_len(&dd->log))
		return;
	at = d->handler->sync(d->x, dir, &dd->log, last, &skip);
	if (at < 0)
		skip_log(dd, skip);
	else
		found_boundary(d, dir, (size_t)at);
}

/* Brings new input to where it belongs while directions are being searched. */
static void search(struct decoder *d)
{
	bool had = d->handler != NULL;

	for (int i = 0; i < 2; i++) {
		struct decoder_dir *dd = &d->dir[i];

		if (d->given_up) {
			dd->bytes.skipped += dd->in.len;
			dd->in.len = 0;
		}
		if (!dd->searching || !dd->in.len)
			continue;
		hold(dd);
		if (!worth_a_try(dd))
			continue;
		if (!d->handler)
			find_protocol(d, false);
		if (d->handler && dd->searching)
			find_boundary(d, i, false);
	}
	for (int i = 0; !had && d->handler && i < 2; i++)
		if (d->dir[i].searching)
			find_boundary(d, i, false);
}

/* The direction's next bytes for the handler: what it held back comes before what came now. */
static struct bytes next_part(struct decoder_dir *dd, const struct stamp **st)
{
	struct bytes part = dd->in, used;

	*st = &dd->st;
	if (backlog_len(&dd->log))
		part = backlog_first(&dd->log, st);
	bytes_take(&part, dd->used, &used);
	return part;
}

/* Of what the handler can take, the direction whose bytes were written first, or -1. */
static int next_dir(struct decoder *d)
{
	const struct stamp *first = NULL, *st;
	int dir = -1;

	for (int i = 0; i < 2; i++) {
		if (d->dir[i].searching || !next_part(&d->dir[i], &st).len)
			continue;
		if (first && st->ts_ns >= first->ts_ns)
			continue;
		first = st;
		dir = i;
	}
	return dir;
}

/* The handler is done with what it used of the direction's next bytes, and points there no more. */
static void consume(struct decoder_dir *dd)
{
	size_t n = dd->used;

	dd->used = 0;
	dd->bytes.decoded += n;
	if (backlog_len(&dd->log)) {
		backlog_consume(&dd->log, n);
	} else {
		dd->in.p += n;
		dd->in.len -= n;
	}
}

static void lose_framing(struct decoder_dir *dd, const struct stamp *st, enum gap_cause cause,
			 uint64_t missing)
{
	dd->searching = true;
	dd->inexact = true;
	dd->next_try = 0;
	if (!dd->loss) {
		dd->loss = xcalloc(1, sizeof(*dd->loss));
		*dd->loss = (struct decoder_loss){ *st, cause, 0, dd->bytes.skipped };
	}
	dd->loss->missing += missing;
}

void decoder_set_settings(struct decoder *d, struct bytes payload)
{
	if (d->settings)
		buf_release(d->settings);
	free(d->settings);
	d->settings = NULL;
	if (!payload.len)
		return;
	d->settings = xcalloc(1, sizeof(*d->settings));
	buf_append(d->settings, payload);
}

void decoder_switch(struct decoder *d, const struct handler *to)
{
	d->to = to;
}

static void switch_handler(struct decoder *d, const struct stamp *st)
{
	int client = d->info->role[1] == ROLE_CLIENT;

	d->handler->free(d->x);
	d->x = NULL;
	d->handler = d->to;
	d->given_up = false;
	if (d->handler) {
		d->x = d->handler->open(d, client, false);
		decoder_set_settings(d, (struct bytes){ 0 });
		decoder_add_conn(d, CONN_PROTO, st);
	} else {
		d->dir[0].searching = d->dir[1].searching = true;
	}
}

/* One call of the handler, which goes on with a direction until it has used the part given.
 * Returns 1, -ENOSPC, 0 if there is no input, or -EAGAIN if it made no record of it. */
static int run_handler(struct decoder *d, struct batch *b)
{
	struct decoder_dir *dd;
	const struct stamp *st;
	struct stamp at;
	struct bytes in;
	size_t used = 0;
	int dir, rc;

	dir = d->resume ? d->cur : next_dir(d);
	if (dir < 0)
		return 0;
	d->cur = dir;
	dd = &d->dir[dir];
	in = next_part(dd, &st);
	rc = d->handler->next(d->x, dir, in, &used, st, b);
	dd->used += used;
	d->resume = rc == 1 || rc == -ENOSPC;
	if (d->resume)
		return rc;
	at = *st; /* which may lie in the backlog that is consumed now */
	consume(dd);
	if (rc == -EPROTO)
		lose_framing(dd, &at, GAP_DECODE_ERROR, 0);
	if (rc == -EPROTONOSUPPORT)
		switch_handler(d, &at);
	return -EAGAIN;
}

void decoder_gap(struct decoder *d, int dir, uint64_t len, enum gap_cause cause,
		 const struct stamp *st)
{
	struct decoder_dir *dd = &d->dir[dir];

	if (d->handler && !dd->searching && d->handler->gap(d->x, dir, len, st)) {
		decoder_add_gap(d, dir, st, cause, len, 0, true, NULL);
		d->resume = true;
		d->cur = dir;
		return;
	}
	if (dd->searching && handler_proto(d) == PROTO_HTTP1)
		d->handler->gap(d->x, dir, len, st); /* responses may be missing: calls are unsure */
	lose_framing(dd, st, cause, len);
	skip_log(dd, backlog_len(&dd->log));
}

/* What is left in a direction when the connection ends. */
static void give_up_search(struct decoder *d, int dir)
{
	struct decoder_dir *dd = &d->dir[dir];

	if (!dd->searching)
		return;
	if (d->handler)
		find_boundary(d, dir, true);
	if (!dd->searching)
		return;
	skip_log(dd, backlog_len(&dd->log));
	if (dd->loss)
		tell_loss(d, dir, false);
	dd->searching = false;
}

/* Returns as decoder_next(), or -EAGAIN if there is input again after all. */
static int finish(struct decoder *d, struct batch *b)
{
	bool was_searching = d->dir[0].searching || d->dir[1].searching;
	int rc;

	if (was_searching) {
		if (!d->handler && !d->given_up)
			find_protocol(d, true);
		for (int i = 0; i < 2; i++)
			give_up_search(d, i);
		return -EAGAIN;
	}
	rc = d->handler ? d->handler->close(d->x, d->outcome, &d->close_st, b) : 0;
	if (rc)
		return rc;
	d->closing = false;
	decoder_add_conn(d, CONN_CLOSE, &d->close_st);
	return -EAGAIN;
}

int decoder_fill(struct decoder *d, struct batch *b)
{
	int rc;

	d->fill = true;
	rc = decoder_next(d, b);
	d->fill = false;
	return rc;
}

int decoder_next(struct decoder *d, struct batch *b)
{
	int rc;

	do {
		if (!d->resume)
			search(d);
		if (d->pending.len)
			return decoder_next_pending(d, b);
		rc = d->handler ? run_handler(d, b) : 0;
		if (!rc && d->closing)
			rc = finish(d, b);
	} while (rc == -EAGAIN);
	return rc;
}
