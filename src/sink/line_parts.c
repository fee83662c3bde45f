/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/line_parts.h"

#include <inttypes.h>

#include "decode/names.h"

/* Headers worth a place on the line, in this order; the others are counted. What may hold a
 * secret (authorization, cookies) is not among them. */
static const struct bytes important[] = {
	BYTES_LIT("grpc-status"),    BYTES_LIT("grpc-message"),	 BYTES_LIT("content-type"),
	BYTES_LIT("content-length"), BYTES_LIT("location"),	 BYTES_LIT("retry-after"),
	BYTES_LIT("grpc-timeout"),   BYTES_LIT("grpc-encoding"), BYTES_LIT("content-encoding"),
	BYTES_LIT("host"),	     BYTES_LIT("user-agent"),	 BYTES_LIT("server"),
};

/* " name=" and nothing else: what follows is the value. */
void line_name(struct line *l, const char *name)
{
	pen_text(&l->pen, INK_PLAIN, " ");
	pen_text(&l->pen, INK_DIM, name);
	pen_text(&l->pen, INK_DIM, "=");
}

void line_duration(struct line *l, const char *name, int64_t ns)
{
	if (ns < 0)
		return;
	line_name(l, name);
	if (ns < 1000000)
		pen_printf(&l->pen, INK_PLAIN, "%.1fus", (double)ns / 1e3);
	else if (ns < 1000000000)
		pen_printf(&l->pen, INK_PLAIN, "%.2fms", (double)ns / 1e6);
	else
		pen_printf(&l->pen, INK_PLAIN, "%.3fs", (double)ns / 1e9);
}

/* A symbol that stands for an unknown value begins with "?": it is set apart. */
void line_path(struct line *l, const struct context *c, enum ink ink)
{
	if (c->method.off) {
		pen_bytes(&l->pen, ink, line_bytes(l, c->method));
		pen_text(&l->pen, INK_PLAIN, " ");
	}
	if (c->path_unknown)
		pen_bytes(&l->pen, INK_NOTE, c->path.off ? line_bytes(l, c->path) : BYTES_LIT("?"));
	else
		pen_bytes(&l->pen, ink, line_bytes(l, c->path));
}

static bool is_named(const struct line *l, const struct header *h, struct bytes name)
{
	return h->unknown < 2 && bytes_equal(line_bytes(l, h->name), name);
}

static bool is_pseudo(const struct line *l, const struct header *h)
{
	return h->unknown < 2 && bytes_has_prefix(line_bytes(l, h->name), BYTES_LIT(":"));
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

static void put_header(struct line *l, const struct header *h, struct bytes name)
{
	struct bytes value = line_bytes(l, h->value);
	int status =
		bytes_equal(name, BYTES_LIT("grpc-status")) && !h->unknown ? status_of(value) : -1;

	pen_text(&l->pen, INK_PLAIN, " ");
	pen_bytes(&l->pen, INK_DIM, name);
	pen_text(&l->pen, INK_DIM, "=");
	pen_bytes(&l->pen, h->unknown ? INK_NOTE : INK_PLAIN, value);
	if (status >= 0 && names_grpc_status((uint32_t)status))
		pen_printf(&l->pen, status ? INK_ALARM : INK_PLAIN, " %s",
			   names_grpc_status((uint32_t)status));
}

/* The important ones by name, the number of the others, and how many are not known. */
void line_headers(struct line *l, struct list list, int64_t missing)
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

void line_status(struct line *l, int32_t status)
{
	const char *reason = names_http_status((uint32_t)status);

	pen_printf(&l->pen, status >= 400 ? INK_ALARM : INK_GIST, "%d", status);
	if (reason)
		pen_printf(&l->pen, INK_DIM, " %s", reason);
}

void line_what(struct line *l, const char *what, int64_t stream_id)
{
	bool narrow = line_is_narrow(l);

	pen_printf(&l->pen, INK_PLAIN, "%*s ", narrow ? 0 : -13, what);
	if (stream_id >= 0)
		pen_printf(&l->pen, INK_PLAIN, "%*" PRId64 " ", narrow ? 0 : -3, stream_id);
}
