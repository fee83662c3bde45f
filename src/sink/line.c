/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/line.h"

#include <inttypes.h>

#include "decode/names.h"
#include "sink/clock.h"
#include "sink/line_parts.h"

#define ADDR_NARROW 16	/* columns of the address on a narrow line */
#define PID_WIDTH   100 /* columns from which on the process id has a place */
#define WHO_LEN	    20	/* comm[pid] is padded to it */

static void put_chunk(struct line *l, const struct rec_chunk *c)
{
	line_what(l, "chunk", -1);
	pen_printf(&l->pen, INK_GIST, "%u bytes", c->length);
	pen_printf(&l->pen, INK_DIM, " at %" PRIu64, c->offset);
	if (c->captured < c->length)
		pen_printf(&l->pen, INK_NOTE, " (%u captured)", c->captured);
	if (c->fds > 0)
		pen_printf(&l->pen, INK_PLAIN, " with %d descriptor%s", c->fds,
			   c->fds > 1 ? "s" : "");
	line_duration(l, "queue", c->r.queue_ns);
}

static void put_message(struct line *l, const struct rec_message *m)
{
	line_what(l, "message", m->stream_id);
	pen_printf(&l->pen, INK_PLAIN, "#%u ", m->index);
	pen_printf(&l->pen, INK_GIST, "%u bytes ", m->length);
	line_path(l, &m->ctx, INK_DIM);
	if (m->compressed) {
		pen_text(&l->pen, INK_PLAIN, " ");
		pen_bytes(&l->pen, INK_PLAIN,
			  m->encoding.off ? line_bytes(l, m->encoding) : BYTES_LIT("compressed"));
	}
	if (!m->complete)
		pen_text(&l->pen, INK_NOTE, " (cut off)");
}

static void put_http(struct line *l, const struct rec_http *h)
{
	line_what(l, "http", -1);
	if (h->what == HTTP_BODY) {
		line_path(l, &h->ctx, INK_DIM);
	} else if (h->what == HTTP_RESPONSE && h->status >= 0) {
		line_status(l, h->status);
		pen_text(&l->pen, INK_PLAIN, " ");
		line_path(l, &h->ctx, INK_DIM);
	} else {
		line_path(l, &h->ctx, INK_GIST);
	}
	line_headers(l, h->headers, 0);
	if (h->body_length > 0)
		pen_printf(&l->pen, INK_PLAIN, " body=%" PRId64, h->body_length);
	if (h->more == TRI_TRUE)
		pen_text(&l->pen, INK_NOTE, " (more follows)");
	else if (!h->body_complete)
		pen_text(&l->pen, INK_NOTE, " (body cut off)");
	if (h->why.off) {
		pen_text(&l->pen, INK_ALARM, " ! ");
		pen_bytes(&l->pen, INK_ALARM, line_bytes(l, h->why));
	}
}

static void put_call_end(struct line *l, const struct rec_call *c)
{
	enum ink ink = c->failed ? INK_ALARM : INK_PLAIN;
	char room[NAMES_LEN];

	if (c->grpc_status >= 0)
		pen_printf(&l->pen, ink, " %s",
			   names_or_number(names_grpc_status((uint32_t)c->grpc_status),
					   (uint32_t)c->grpc_status, room));
	else if (c->grpc_status_likely >= 0)
		pen_printf(&l->pen, INK_NOTE, " %s?",
			   names_grpc_status((uint32_t)c->grpc_status_likely));
	else if (c->status >= 0)
		pen_printf(&l->pen, ink, " %d", c->status);
	if (c->outcome != OUTCOME_COMPLETE)
		pen_printf(&l->pen, INK_NOTE, " %s", outcome_name(c->outcome));
	if (c->error_code >= 0)
		pen_printf(&l->pen, ink, " %s",
			   names_or_hex(names_error((uint32_t)c->error_code),
					(uint32_t)c->error_code, room));
}

static void put_call(struct line *l, const struct rec_call *c)
{
	line_what(l, "call", c->stream_id);
	line_path(l, &c->ctx, INK_GIST);
	put_call_end(l, c);
	line_duration(l, "latency", c->latency_ns);
	line_duration(l, "server", c->server_ns);
	line_duration(l, "duration", c->duration_ns);
	line_name(l, "bytes");
	pen_printf(&l->pen, INK_PLAIN, "%" PRIu64 "/%" PRIu64, c->req_bytes, c->resp_bytes);
	if (c->ctx.is_grpc) {
		line_name(l, "messages");
		pen_printf(&l->pen, INK_PLAIN, "%u/%u", c->req_messages, c->resp_messages);
	}
	if (c->grpc_message.len) {
		line_name(l, "grpc-message");
		pen_bytes(&l->pen, INK_PLAIN, line_bytes(l, c->grpc_message));
	}
	if (!c->complete)
		pen_text(&l->pen, INK_NOTE, " (incomplete)");
}

static void put_process(struct line *l, const char *role, const struct process *p)
{
	if (p->pid < 0)
		return;
	line_name(l, role);
	pen_bytes(&l->pen, INK_PLAIN, line_bytes(l, p->comm));
	pen_printf(&l->pen, INK_PLAIN, "[%d]", p->pid);
}

static void put_unread(struct line *l, const char *before, int64_t cnt)
{
	if (cnt < 0)
		pen_printf(&l->pen, INK_NOTE, "%s?", before);
	else
		pen_printf(&l->pen, INK_NOTE, "%s%" PRId64, before, cnt);
}

static void put_conn(struct line *l, const struct rec_conn *c)
{
	line_what(l, "conn", -1);
	pen_text(&l->pen, INK_GIST, conn_op_name(c->op));
	if (c->op == CONN_PROTO)
		pen_printf(&l->pen, INK_GIST, " %s", proto_name(c->r.proto));
	if (!c->seen_open)
		pen_text(&l->pen, INK_NOTE, " (open before the capture)");
	put_process(l, "client", &c->client);
	put_process(l, "server", &c->server);
	if (c->op != CONN_CLOSE)
		return;
	line_duration(l, "duration", c->duration_ns);
	line_name(l, "bytes");
	pen_printf(&l->pen, INK_PLAIN, "%" PRIu64 "/%" PRIu64 " calls=%" PRIu64, c->bytes_to_server,
		   c->bytes_to_client, c->calls);
	if (c->unread_by_server > 0 || c->unread_by_client > 0) {
		put_unread(l, " unread=", c->unread_by_server);
		put_unread(l, "/", c->unread_by_client);
	}
	pen_text(&l->pen, INK_PLAIN, " ");
	pen_bytes(&l->pen, INK_PLAIN, line_bytes(l, c->reason));
}

static void put_gap(struct line *l, const struct rec_gap *g)
{
	line_what(l, "gap", g->stream_id ? (int64_t)g->stream_id : -1);
	pen_text(&l->pen, INK_ALARM, gap_cause_name(g->cause));
	if (g->bytes_missing)
		pen_printf(&l->pen, INK_ALARM, " %" PRIu64 " bytes missing", g->bytes_missing);
	if (g->events)
		pen_printf(&l->pen, INK_PLAIN, " %" PRIu64 " events", g->events);
	if (g->detail.len) {
		pen_text(&l->pen, INK_PLAIN, ": ");
		pen_bytes(&l->pen, INK_PLAIN, line_bytes(l, g->detail));
	}
	if (!g->recovered)
		pen_text(&l->pen, INK_NOTE, " (not recovered)");
}

/* The end of a path says more than its beginning. */
static void put_addr(struct line *l, struct bytes addr)
{
	if (line_is_narrow(l) && addr.len > ADDR_NARROW) {
		pen_text(&l->pen, INK_DIM, "\u2026");
		addr = bytes_of(addr.p + addr.len - (ADDR_NARROW - 1), ADDR_NARROW - 1);
	}
	pen_bytes(&l->pen, INK_DIM, addr);
}

/* Milliseconds do on a narrow terminal. */
static void put_time(struct line *l, int64_t ts_ns)
{
	struct buf time = { 0 };

	clock_print(&time, ts_ns);
	if (line_is_narrow(l))
		time.len = CLOCK_COLUMNS - 3;
	pen_bytes(&l->pen, INK_DIM, buf_bytes(&time));
	buf_release(&time);
}

static void put_who(struct line *l, const struct record *r, enum ink ink)
{
	size_t column = l->pen.columns;

	pen_bytes(&l->pen, ink, r->comm.off ? line_bytes(l, r->comm) : BYTES_LIT("?"));
	if (r->pid >= 0 && (!l->pen.width || l->pen.width >= PID_WIDTH))
		pen_printf(&l->pen, ink, "[%d]", r->pid);
	pen_tab(&l->pen, line_is_narrow(l) ? 0 : column + WHO_LEN);
}

static void put_head(struct line *l, const struct record *r)
{
	static const char *const arrows[] = { "\u00b7", "\u2192", "\u2190" };
	static const enum ink inks[] = { INK_PLAIN, INK_REQUEST, INK_RESPONSE };
	uint8_t from = r->from <= ROLE_SERVER ? r->from : ROLE_UNKNOWN;

	put_time(l, r->ts_ns);
	pen_printf(&l->pen, INK_PLAIN, " %u ", r->conn_id);
	put_who(l, r, inks[from]);
	pen_text(&l->pen, inks[from], arrows[from]);
	pen_text(&l->pen, INK_PLAIN, " ");
	put_addr(l, line_bytes(l, r->addr));
	pen_text(&l->pen, INK_PLAIN, line_is_narrow(l) ? " " : "  ");
}

void line_record(struct buf *out, const struct line_options *o, const struct batch *b,
		 const struct record *r)
{
	struct line l = { .pen = { .out = out, .color = o->color, .width = (size_t)o->width },
			  .b = b };

	put_head(&l, r);
	switch (r->kind) {
	case KIND_CHUNK:
		put_chunk(&l, (const void *)r);
		break;
	case KIND_CONN:
		put_conn(&l, (const void *)r);
		break;
	case KIND_FRAME:
		line_frame(&l, (const void *)r);
		break;
	case KIND_MESSAGE:
		put_message(&l, (const void *)r);
		break;
	case KIND_HTTP:
		put_http(&l, (const void *)r);
		break;
	case KIND_CALL:
		put_call(&l, (const void *)r);
		break;
	case KIND_GAP:
		put_gap(&l, (const void *)r);
		break;
	}
	if (!r->exact && r->kind != KIND_GAP)
		pen_text(&l.pen, INK_NOTE, " (bytes before it were not seen)");
	pen_end(&l.pen);
}
