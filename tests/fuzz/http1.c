/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP/1: whatever comes, the events are the same however it is cut, nothing is read past the
 * end, and every byte is consumed. First byte of the input: 1 responses, 2 without bodies, 4 lost
 * at the start, the rest where to cut. */
#include <stdlib.h>

#include "decode/http1.h"

struct run {
	struct http1 h;
	struct buf log;
	bool no_body, in_body;
};

static void put(struct buf *log, struct bytes b)
{
	buf_append(log, b);
	buf_putc(log, '|');
}

static void put_event(struct run *r, const struct http1_event *ev)
{
	if (ev->what == HTTP1_BODY) {
		buf_append(&r->log, ev->body);
		r->in_body = true;
		return;
	}
	buf_printf(&r->log, "%s%d:%d:", r->in_body ? "\n" : "", ev->what, ev->complete);
	r->in_body = false;
	if (ev->what == HTTP1_HEAD) {
		buf_printf(&r->log, "%d %d %d %lld ", ev->head->status, ev->head->framing,
			   ev->head->keep_alive, (long long)ev->head->content_length);
		put(&r->log, ev->head->method);
		put(&r->log, ev->head->target);
		put(&r->log, ev->head->version);
		put(&r->log, ev->head->reason);
		put(&r->log, ev->head->upgrade);
	}
	for (uint32_t i = 0; i < ev->fields->cnt; i++) {
		put(&r->log, ev->fields->v[i].name);
		put(&r->log, ev->fields->v[i].value);
	}
}

static void feed(struct run *r, struct bytes in)
{
	/* in memory of its own, so that its end is guarded */
	uint8_t *copy = malloc(in.len + 1);
	struct bytes rest = bytes_of(copy, in.len);
	struct http1_event ev;
	size_t used;
	int rc;

	memcpy(copy, in.p, in.len);
	copy = realloc(copy, in.len ? in.len : 1);
	rest.p = copy;
	while ((rc = http1_next(&r->h, rest, &used, &ev)) != 0) {
		if (used > rest.len)
			abort();
		bytes_take(&rest, used, &(struct bytes){ 0 });
		if (rc < 0) {
			buf_puts(&r->log, "LOST");
			continue;
		}
		put_event(r, &ev);
		if (ev.what == HTTP1_HEAD && r->no_body)
			http1_no_body(&r->h);
	}
	if (used != rest.len)
		abort();
	free(copy);
}

static void finish(struct run *r, size_t fed)
{
	struct http1_event ev;

	if (http1_close(&r->h, &ev))
		put_event(r, &ev);
	if (r->h.skipped > fed)
		abort();
	buf_printf(&r->log, "skipped %llu", (unsigned long long)r->h.skipped);
	http1_release(&r->h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct bytes in = bytes_of(data, len);
	uint8_t flags = 0;
	struct run a = { 0 }, b;
	size_t step;

	if (!bytes_get_u8(&in, &flags))
		return 0;
	a.h.is_response = flags & 1;
	a.no_body = flags & 2;
	if (flags & 4)
		http1_start_lost(&a.h);
	b = a;
	step = flags >> 3 ? flags >> 3 : 1;
	feed(&a, in);
	finish(&a, in.len);
	for (size_t at = 0; at < in.len; at += step)
		feed(&b, bytes_of(in.p + at, in.len - at < step ? in.len - at : step));
	finish(&b, in.len);
	if (!bytes_equal(buf_bytes(&a.log), buf_bytes(&b.log)))
		abort();
	buf_release(&a.log);
	buf_release(&b.log);
	return 0;
}
