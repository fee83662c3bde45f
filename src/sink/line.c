/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/line.h"

#include <inttypes.h>

#include "decode/names.h"
#include "sink/clock.h"
#include "sink/pen.h"
#include "sink/value.h"

#define NARROW 120      /* below it the address gives way to what was said */
#define ADDR_NARROW 16  /* columns that are left for it then */
#define WHO_LEN 20      /* comm[pid] is padded to it */

/* Headers worth a place on the line, in this order; the others are counted. What may hold a
 * secret (authorization, cookies) is not among them. */
static const char *const important[] = {
	"grpc-status",	"grpc-message",	  "content-type", "content-length",   "location",
	"retry-after",	"grpc-timeout",	  "grpc-encoding", "content-encoding", "host",
	"user-agent",	"server",
};

enum frame_type {
	H2_DATA = 0x0, H2_HEADERS = 0x1, H2_PRIORITY = 0x2, H2_RST_STREAM = 0x3,
	H2_SETTINGS = 0x4, H2_PUSH_PROMISE = 0x5, H2_PING = 0x6, H2_GOAWAY = 0x7,
	H2_WINDOW_UPDATE = 0x8, H2_CONTINUATION = 0x9,
};

struct line {
	struct pen pen;
	const struct batch *b;
};

static struct bytes bytes_in(const struct line *l, struct str s)
{
	return batch_bytes(l->b, s);
}

/* " name=" and nothing else: what follows is the value. */
static void put_name(struct line *l, const char *name)
{
	pen_text(&l->pen, INK_PLAIN, " ");
	pen_text(&l->pen, INK_DIM, name);
	pen_text(&l->pen, INK_DIM, "=");
}

static void put_duration(struct line *l, const char *name, int64_t ns)
{
	if (ns < 0)
		return;
	put_name(l, name);
	if (ns < 1000000)
		pen_printf(&l->pen, INK_PLAIN, "%.1fus", (double)ns / 1e3);
	else if (ns < 1000000000)
		pen_printf(&l->pen, INK_PLAIN, "%.2fms", (double)ns / 1e6);
	else
		pen_printf(&l->pen, INK_PLAIN, "%.3fs", (double)ns / 1e9);
}

/* A symbol that stands for an unknown value begins with "?": it is set apart. */
static void put_path(struct line *l, const struct context *c, enum ink ink)
{
	if (c->method.off) {
		pen_bytes(&l->pen, ink, bytes_in(l, c->method));
		pen_text(&l->pen, INK_PLAIN, " ");
	}
	if (c->path_unknown)
		pen_bytes(&l->pen, INK_NOTE, c->path.off ? bytes_in(l, c->path) : BYTES_LIT("?"));
	else
		pen_bytes(&l->pen, ink, bytes_in(l, c->path));
}

static bool is_named(const struct line *l, const struct header *h, const char *name)
{
	return h->unknown < 2 && bytes_equal(bytes_in(l, h->name), bytes_str(name));
}

static bool is_pseudo(const struct line *l, const struct header *h)
{
	return h->unknown < 2 && bytes_has_prefix(bytes_in(l, h->name), BYTES_LIT(":"));
}

/* 0 to 99, or -1: a grpc-status as it was sent. */
static int status_of(struct bytes value)
{
	int status = 0;

	for (size_t i = 0; i < value.len && i < 3; i++) {
		if (value.p[i] < '0' || value.p[i] > '9')
			return -1;
		status = status * 10 + value.p[i] - '0';
	}
	return value.len && value.len < 3 ? status : -1;
}

static void put_header(struct line *l, const struct header *h, const char *name)
{
	struct bytes value = bytes_in(l, h->value);
	int status = strcmp(name, "grpc-status") == 0 && !h->unknown ? status_of(value) : -1;

	put_name(l, name);
	pen_bytes(&l->pen, h->unknown ? INK_NOTE : INK_PLAIN, value);
	if (status >= 0 && names_grpc_status((uint32_t)status))
		pen_printf(&l->pen, status ? INK_ALARM : INK_PLAIN, " %s",
			   names_grpc_status((uint32_t)status));
}

/* The important ones by name, the number of the others, and how many are not known. */
static void put_headers(struct line *l, struct list list, int64_t missing)
{
	const struct header *h = batch_headers(l->b, list);
	uint32_t others = h ? list.count : 0;

	for (uint32_t i = 0; h && i < list.count; i++)
		others -= is_pseudo(l, &h[i]);
	for (size_t n = 0; n < sizeof(important) / sizeof(important[0]); n++) {
		for (uint32_t i = 0; h && i < list.count && !l->pen.is_full; i++) {
			if (!is_named(l, &h[i], important[n]))
				continue;
			put_header(l, &h[i], important[n]);
			others--;
		}
	}
	if (missing > 0)
		pen_printf(&l->pen, INK_NOTE, " (%" PRId64 " unknown)", missing);
	if (others)
		pen_printf(&l->pen, INK_DIM, " +%u header%s", others, others > 1 ? "s" : "");
}

static void put_status(struct line *l, int32_t status)
{
	const char *reason = names_http_status((uint32_t)status);

	pen_printf(&l->pen, status >= 400 ? INK_ALARM : INK_GIST, "%d", status);
	if (reason)
		pen_printf(&l->pen, INK_DIM, " %s", reason);
}

static void put_error(struct line *l, uint32_t code)
{
	char room[NAMES_LEN];

	pen_text(&l->pen, code ? INK_ALARM : INK_PLAIN,
		 names_or_hex(names_error(code), code, room));
}

static void put_settings(struct line *l, struct list list)
{
	const struct setting *s = batch_settings(l->b, list);
	char room[NAMES_LEN];

	for (uint32_t i = 0; s && i < list.count && !l->pen.is_full; i++)
		pen_printf(&l->pen, INK_PLAIN, "%s%s=%u", i ? " " : "",
			   names_or_hex(names_setting(s[i].id), s[i].id, room), s[i].value);
}

static void put_opaque(struct line *l, struct bytes in)
{
	for (size_t i = 0; i < in.len && i < 8; i++)
		pen_printf(&l->pen, INK_PLAIN, "%02x", in.p[i]);
}

/* What the frame is about, in a few words. */
static void put_gist(struct line *l, const struct rec_frame *f)
{
	switch (f->type) {
	case H2_DATA:
		pen_printf(&l->pen, INK_GIST, "%u bytes", f->data_length);
		return;
	case H2_HEADERS:
		if (f->trailers == TRI_TRUE)
			pen_text(&l->pen, INK_GIST, "trailers");
		else if (f->status >= 0)
			put_status(l, f->status);
		else
			put_path(l, &f->ctx, INK_GIST);
		return;
	case H2_PRIORITY:
		return;
	case H2_RST_STREAM:
		put_error(l, f->error_code);
		return;
	case H2_SETTINGS:
		put_settings(l, f->settings);
		return;
	case H2_PUSH_PROMISE:
		pen_printf(&l->pen, INK_GIST, "promises %u ", f->promised_stream_id);
		put_path(l, &f->ctx, INK_GIST);
		return;
	case H2_PING:
		put_opaque(l, bytes_in(l, f->data));
		return;
	case H2_GOAWAY:
		put_error(l, f->error_code);
		pen_printf(&l->pen, INK_PLAIN, " last stream %u", f->last_stream_id);
		if (f->data.len) {
			pen_text(&l->pen, INK_PLAIN, " ");
			pen_bytes(&l->pen, INK_PLAIN, bytes_in(l, f->data));
		}
		return;
	case H2_WINDOW_UPDATE:
		pen_printf(&l->pen, INK_PLAIN, "+%u", f->window_size_increment);
		return;
	default:
		pen_printf(&l->pen, INK_PLAIN, "%u bytes", f->length);
	}
}

static void put_flags(struct line *l, const struct rec_frame *f)
{
	const char *bar = " ";

	for (int i = 0; i < 8; i++) {
		uint8_t bit = (uint8_t)(1u << i);
		const char *name = names_flag(f->type, bit);

		if (!(f->flags & bit))
			continue;
		if (name)
			pen_printf(&l->pen, INK_DIM, "%s%s", bar, name);
		else
			pen_printf(&l->pen, INK_DIM, "%s0x%02x", bar, bit);
		bar = "|";
	}
}

static void put_details(struct line *l, const struct rec_frame *f)
{
	if (f->type == H2_DATA || f->type == H2_RST_STREAM ||
	    (f->type == H2_HEADERS && f->status >= 0)) {
		pen_text(&l->pen, INK_PLAIN, " ");
		put_path(l, &f->ctx, INK_DIM);
	} else if (f->type == H2_HEADERS && f->trailers != TRI_TRUE && f->ctx.authority.off) {
		put_name(l, "authority");
		pen_bytes(&l->pen, INK_PLAIN, bytes_in(l, f->ctx.authority));
	} else if (f->type == H2_CONTINUATION && f->of) {
		pen_printf(&l->pen, INK_PLAIN, " of record %" PRIu64, f->of);
	}
	if (f->type == H2_HEADERS || f->type == H2_PUSH_PROMISE)
		put_headers(l, f->headers, f->missing);
	if (f->stream_dependency >= 0)
		pen_printf(&l->pen, INK_DIM, " depends on %" PRId64 " weight %d%s",
			   f->stream_dependency, f->weight,
			   f->exclusive == TRI_TRUE ? " exclusive" : "");
	if (f->truncated)
		pen_text(&l->pen, INK_NOTE, " (cut)");
}

static void put_what(struct line *l, const char *what, int64_t stream_id)
{
	pen_printf(&l->pen, INK_PLAIN, "%-13s ", what);
	if (stream_id >= 0)
		pen_printf(&l->pen, INK_PLAIN, "%-3" PRId64 " ", stream_id);
}

static void put_frame(struct line *l, const struct rec_frame *f)
{
	char room[NAMES_LEN];

	put_what(l, names_or_hex(names_frame_type(f->type), f->type, room), f->stream_id);
	put_gist(l, f);
	put_flags(l, f);
	put_details(l, f);
	if (f->why.off) {
		pen_text(&l->pen, INK_ALARM, " ! ");
		pen_bytes(&l->pen, INK_ALARM, bytes_in(l, f->why));
	}
}

static void put_chunk(struct line *l, const struct rec_chunk *c)
{
	put_what(l, "chunk", -1);
	pen_printf(&l->pen, INK_GIST, "%u bytes", c->length);
	pen_printf(&l->pen, INK_DIM, " at %" PRIu64, c->offset);
	if (c->captured < c->length)
		pen_printf(&l->pen, INK_NOTE, " (%u captured)", c->captured);
	if (c->fds > 0)
		pen_printf(&l->pen, INK_PLAIN, " with %d descriptor%s", c->fds,
			   c->fds > 1 ? "s" : "");
	put_duration(l, "queue", c->r.queue_ns);
}

static void put_message(struct line *l, const struct rec_message *m)
{
	put_what(l, "message", m->stream_id);
	pen_printf(&l->pen, INK_PLAIN, "#%u ", m->index);
	pen_printf(&l->pen, INK_GIST, "%u bytes ", m->length);
	put_path(l, &m->ctx, INK_DIM);
	if (m->compressed) {
		pen_text(&l->pen, INK_PLAIN, " ");
		pen_bytes(&l->pen, INK_PLAIN,
			  m->encoding.off ? bytes_in(l, m->encoding) : BYTES_LIT("compressed"));
	}
	if (!m->complete)
		pen_text(&l->pen, INK_NOTE, " (cut off)");
}

static void put_http(struct line *l, const struct rec_http *h)
{
	put_what(l, "http", -1);
	if (h->is_response && h->status >= 0) {
		put_status(l, h->status);
		pen_text(&l->pen, INK_PLAIN, " ");
		put_path(l, &h->ctx, INK_DIM);
	} else {
		put_path(l, &h->ctx, INK_GIST);
	}
	put_headers(l, h->headers, 0);
	if (h->body_length > 0)
		pen_printf(&l->pen, INK_PLAIN, " body=%" PRId64, h->body_length);
	if (!h->body_complete)
		pen_text(&l->pen, INK_NOTE, " (body cut off)");
	if (h->why.off) {
		pen_text(&l->pen, INK_ALARM, " ! ");
		pen_bytes(&l->pen, INK_ALARM, bytes_in(l, h->why));
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
	put_what(l, "call", c->stream_id);
	put_path(l, &c->ctx, INK_GIST);
	put_call_end(l, c);
	put_duration(l, "latency", c->latency_ns);
	put_duration(l, "server", c->server_ns);
	put_duration(l, "duration", c->duration_ns);
	put_name(l, "bytes");
	pen_printf(&l->pen, INK_PLAIN, "%" PRIu64 "/%" PRIu64, c->req_bytes, c->resp_bytes);
	if (c->ctx.is_grpc) {
		put_name(l, "messages");
		pen_printf(&l->pen, INK_PLAIN, "%u/%u", c->req_messages, c->resp_messages);
	}
	if (c->grpc_message.len) {
		put_name(l, "grpc-message");
		pen_bytes(&l->pen, INK_PLAIN, bytes_in(l, c->grpc_message));
	}
	if (!c->complete)
		pen_text(&l->pen, INK_NOTE, " (incomplete)");
}

static void put_process(struct line *l, const char *role, const struct process *p)
{
	if (p->pid < 0)
		return;
	put_name(l, role);
	pen_bytes(&l->pen, INK_PLAIN, bytes_in(l, p->comm));
	pen_printf(&l->pen, INK_PLAIN, "[%d]", p->pid);
}

static void put_conn(struct line *l, const struct rec_conn *c)
{
	put_what(l, "conn", -1);
	pen_text(&l->pen, INK_GIST, conn_op_name(c->op));
	if (c->op == CONN_PROTO)
		pen_printf(&l->pen, INK_GIST, " %s", proto_name(c->r.proto));
	if (!c->seen_open)
		pen_text(&l->pen, INK_NOTE, " (open before the capture)");
	put_process(l, "client", &c->client);
	put_process(l, "server", &c->server);
	if (c->op != CONN_CLOSE)
		return;
	put_duration(l, "duration", c->duration_ns);
	put_name(l, "bytes");
	pen_printf(&l->pen, INK_PLAIN, "%" PRIu64 "/%" PRIu64 " calls=%" PRIu64, c->bytes_to_server,
		   c->bytes_to_client, c->calls);
	pen_text(&l->pen, INK_PLAIN, " ");
	pen_bytes(&l->pen, INK_PLAIN, bytes_in(l, c->reason));
}

static void put_gap(struct line *l, const struct rec_gap *g)
{
	put_what(l, "gap", g->stream_id ? (int64_t)g->stream_id : -1);
	pen_text(&l->pen, INK_ALARM, gap_cause_name(g->cause));
	if (g->bytes_missing)
		pen_printf(&l->pen, INK_ALARM, " %" PRIu64 " bytes missing", g->bytes_missing);
	if (g->events)
		pen_printf(&l->pen, INK_PLAIN, " %" PRIu64 " events", g->events);
	if (g->detail.len) {
		pen_text(&l->pen, INK_PLAIN, ": ");
		pen_bytes(&l->pen, INK_PLAIN, bytes_in(l, g->detail));
	}
	if (!g->recovered)
		pen_text(&l->pen, INK_NOTE, " (not recovered)");
}

/* The end of a path says more than its beginning. */
static void put_addr(struct line *l, struct bytes addr)
{
	if (l->pen.width && l->pen.width < NARROW && addr.len > ADDR_NARROW) {
		pen_text(&l->pen, INK_DIM, "\u2026");
		addr = bytes_of(addr.p + addr.len - (ADDR_NARROW - 1), ADDR_NARROW - 1);
	}
	pen_bytes(&l->pen, INK_DIM, addr);
}

static void put_head(struct line *l, const struct record *r)
{
	static const char *const arrows[] = { "\u00b7", "\u2192", "\u2190" };
	static const enum ink inks[] = { INK_PLAIN, INK_REQUEST, INK_RESPONSE };
	enum ink ink = r->from <= ROLE_SERVER ? inks[r->from] : INK_PLAIN;
	struct buf time = { 0 };
	size_t column;

	clock_print(&time, r->ts_ns);
	pen_bytes(&l->pen, INK_DIM, buf_bytes(&time));
	buf_release(&time);
	pen_printf(&l->pen, INK_PLAIN, " %u ", r->conn_id);
	column = l->pen.columns;
	pen_bytes(&l->pen, ink, r->comm.off ? bytes_in(l, r->comm) : BYTES_LIT("?"));
	if (r->pid >= 0)
		pen_printf(&l->pen, ink, "[%d]", r->pid);
	if (!l->pen.width || l->pen.width >= NARROW)
		pen_tab(&l->pen, column + WHO_LEN);
	else
		pen_text(&l->pen, INK_PLAIN, " ");
	pen_text(&l->pen, ink, arrows[r->from <= ROLE_SERVER ? r->from : 0]);
	pen_text(&l->pen, INK_PLAIN, " ");
	put_addr(l, bytes_in(l, r->addr));
	pen_text(&l->pen, INK_PLAIN, "  ");
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
		put_frame(&l, (const void *)r);
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
		pen_text(&l.pen, INK_NOTE, " (bytes before it were lost)");
	pen_end(&l.pen);
}
