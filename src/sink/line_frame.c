/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/line_parts.h"

#include <inttypes.h>

#include "decode/names.h"

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
			line_status(l, f->status);
		else
			line_path(l, &f->ctx, INK_GIST);
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
		line_path(l, &f->ctx, INK_GIST);
		return;
	case H2_PING:
		put_opaque(l, line_bytes(l, f->data));
		return;
	case H2_GOAWAY:
		put_error(l, f->error_code);
		pen_printf(&l->pen, INK_PLAIN, " last stream %u", f->last_stream_id);
		if (f->data.len) {
			pen_text(&l->pen, INK_PLAIN, " ");
			pen_bytes(&l->pen, INK_PLAIN, line_bytes(l, f->data));
		}
		return;
	case H2_WINDOW_UPDATE:
		pen_printf(&l->pen, INK_PLAIN, "+%u", f->window_size_increment);
		return;
	default:
		pen_printf(&l->pen, INK_PLAIN, "%u bytes", f->length);
	}
}

/* Nearly every header block ends in its frame: a narrow line does not say so. */
static bool is_worth_a_word(const struct line *l, const struct rec_frame *f, uint8_t bit)
{
	return (f->flags & bit) && !(f->type == H2_HEADERS && bit == 0x4 && line_is_narrow(l));
}

static void put_flags(struct line *l, const struct rec_frame *f, const char *before)
{
	for (int i = 0; i < 8; i++) {
		uint8_t bit = (uint8_t)(1u << i);
		const char *name = names_flag(f->type, bit);

		if (!is_worth_a_word(l, f, bit))
			continue;
		if (name)
			pen_printf(&l->pen, INK_DIM, "%s%s", before, name);
		else
			pen_printf(&l->pen, INK_DIM, "%s0x%02x", before, bit);
		before = "|";
	}
}

static void put_details(struct line *l, const struct rec_frame *f)
{
	if (f->type == H2_DATA || f->type == H2_RST_STREAM ||
	    (f->type == H2_HEADERS && f->status >= 0)) {
		pen_text(&l->pen, INK_PLAIN, " ");
		line_path(l, &f->ctx, INK_DIM);
	} else if (f->type == H2_HEADERS && f->trailers != TRI_TRUE && f->ctx.authority.off) {
		line_name(l, "authority");
		pen_bytes(&l->pen, INK_PLAIN, line_bytes(l, f->ctx.authority));
	} else if (f->type == H2_CONTINUATION && f->of) {
		pen_printf(&l->pen, INK_PLAIN, " of record %" PRIu64, f->of);
	}
	if (f->type == H2_HEADERS || f->type == H2_PUSH_PROMISE)
		line_headers(l, f->headers, f->missing);
	if (f->stream_dependency >= 0)
		pen_printf(&l->pen, INK_DIM, " depends on %" PRId64 " weight %d%s",
			   f->stream_dependency, f->weight,
			   f->exclusive == TRI_TRUE ? " exclusive" : "");
	if (f->truncated)
		pen_text(&l->pen, INK_NOTE, " (cut)");
}

void line_frame(struct line *l, const struct rec_frame *f)
{
	char room[NAMES_LEN];
	size_t column;

	line_what(l, names_or_hex(names_frame_type(f->type), f->type, room), f->stream_id);
	column = l->pen.columns;
	put_gist(l, f);
	put_flags(l, f, l->pen.columns > column ? " " : "");
	put_details(l, f);
	if (f->why.off) {
		pen_text(&l->pen, INK_ALARM, " ! ");
		pen_bytes(&l->pen, INK_ALARM, line_bytes(l, f->why));
	}
}
