/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/pen.h"

#include <stdarg.h>
#include <stdio.h>

#include "sink/sink.h"
#include "sink/text.h"

#define ELLIPSIS   "\u2026"
#define PRINTF_LEN 256 /* of spf's own words; what was sent goes through pen_bytes() */

static const char *const codes[] = {
	[INK_DIM] = "\033[2m",	     [INK_GIST] = "\033[1m",  [INK_REQUEST] = "\033[36m",
	[INK_RESPONSE] = "\033[32m", [INK_NOTE] = "\033[33m", [INK_ALARM] = "\033[1;31m",
};

static const char many_blanks[] = "                                ";

/* Puts escaped text, cut so that a last column stays for the ellipsis if more was to come. */
static void put(struct pen *p, enum ink ink, struct bytes text)
{
	size_t columns = text_columns(text);
	bool is_cut = p->width && p->columns + columns > p->width;

	if (p->is_full || !text.len)
		return;
	if (is_cut) {
		text = text_fit(text, p->width - p->columns ? p->width - p->columns - 1 : 0);
		columns = text_columns(text);
	}
	if (p->color && codes[ink])
		buf_puts(p->out, codes[ink]);
	buf_append(p->out, text);
	if (is_cut && p->columns < p->width)
		buf_puts(p->out, ELLIPSIS);
	if (p->color && codes[ink])
		buf_puts(p->out, "\033[0m");
	p->columns += columns + is_cut;
	p->is_full = is_cut;
}

void pen_bytes(struct pen *p, enum ink ink, struct bytes in)
{
	size_t len = in.len;

	if (p->is_full)
		return;
	/* Every byte makes at least a quarter of a column: no need to escape a megabyte. */
	if (p->width && len > p->width * 4)
		len = p->width * 4;
	if (text_is_plain(bytes_of(in.p, len), true))
		return put(p, ink, bytes_of(in.p, len));
	text_escape(&p->escaped, bytes_of(in.p, len), false);
	put(p, ink, buf_bytes(&p->escaped));
	buf_clear(&p->escaped);
}

void pen_text(struct pen *p, enum ink ink, const char *text)
{
	put(p, ink, bytes_str(text));
}

void pen_printf(struct pen *p, enum ink ink, const char *fmt, ...)
{
	char text[PRINTF_LEN];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pen_text(p, ink, text);
}

void pen_tab(struct pen *p, size_t column)
{
	size_t blanks = p->columns < column ? column - p->columns : 1;

	if (!p->width && blanks < sizeof(many_blanks))
		return put(p, INK_PLAIN, bytes_of(many_blanks, blanks));
	while (blanks-- && !p->is_full)
		pen_text(p, INK_PLAIN, " ");
}

void pen_end(struct pen *p)
{
	buf_putc(p->out, '\n');
	buf_release(&p->escaped);
}
