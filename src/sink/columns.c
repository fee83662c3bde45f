/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/columns.h"

#include <stdlib.h>
#include <string.h>

#include "sink/clock.h"
#include "sink/json.h"
#include "sink/text.h"
#include "util/xalloc.h"

#define WIDTH_MAX   40 /* a text column grows with its cells up to here */
#define FRAME_TYPES 11 /* the ten of RFC 9113 and all others */
#define SHAPES	    (KIND_COUNT + FRAME_TYPES)

struct column {
	char *name;
	const struct field *row[SHAPES]; /* what the name means for such a record, once known */
	bool is_known[SHAPES];
	size_t width; /* of the widest cell so far, SINK_TEXT */
};

struct columns {
	struct column *col;
	size_t cnt;
	struct buf cell;
	struct buf escaped;
};

static char *refusal(const char *name)
{
	const char *near = field_near(name);

	if (!*name)
		return xstrdup("-F: a field name is missing between two commas");
	if (near)
		return xasprintf("-F: unknown field '%s'; did you mean '%s'?", name, near);
	return xasprintf("-F: unknown field '%s'; see spf --list fields", name);
}

static bool is_field(const char *name)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (field_find(name, kind))
			return true;
	}
	return false;
}

struct columns *columns_new(const char *names, char **why)
{
	struct columns *c = xcalloc(1, sizeof(*c));
	char *copy = xstrdup(names), *rest = copy, *name;

	while ((name = strsep(&rest, ","))) {
		name += strspn(name, " ");
		name[strcspn(name, " ")] = '\0';
		if (!is_field(name)) {
			*why = refusal(name);
			columns_free(c);
			free(copy);
			return NULL;
		}
		c->col = xrealloc(c->col, (c->cnt + 1) * sizeof(*c->col));
		c->col[c->cnt++] = (struct column){ .name = xstrdup(name) };
	}
	free(copy);
	return c;
}

void columns_free(struct columns *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->cnt; i++)
		free(c->col[i].name);
	free(c->col);
	buf_release(&c->cell);
	buf_release(&c->escaped);
	free(c);
}

static const struct field *row_of(struct column *col, const struct record *r)
{
	uint8_t type = r->kind == KIND_FRAME ? ((const struct rec_frame *)r)->type : 0;
	size_t shape = r->kind;

	if (r->kind == KIND_FRAME)
		shape = KIND_COUNT + (type < FRAME_TYPES ? type : FRAME_TYPES - 1u);
	if (!col->is_known[shape]) {
		col->row[shape] = field_of(col->name, r);
		col->is_known[shape] = true;
	}
	return col->row[shape];
}

/* RFC 4180: a cell with a comma, quote or line end is quoted, quotes are doubled. */
static void put_csv(struct buf *out, struct bytes cell)
{
	bool quoted = false;

	for (size_t i = 0; i < cell.len && !quoted; i++)
		quoted = memchr(",\"\r\n", cell.p[i], 4);
	if (!quoted)
		return buf_append(out, cell);
	buf_putc(out, '"');
	for (size_t i = 0; i < cell.len; i++) {
		if (cell.p[i] == '"')
			buf_putc(out, '"');
		buf_putc(out, (char)cell.p[i]);
	}
	buf_putc(out, '"');
}

static char tsv_letter(uint8_t byte)
{
	switch (byte) {
	case '\t':
		return 't';
	case '\n':
		return 'n';
	case '\r':
		return 'r';
	case '\\':
		return '\\';
	default:
		return 0;
	}
}

/* Tabs, line ends and backslashes of the cell as \t \n \r \\. */
static void put_tsv(struct buf *out, struct bytes cell)
{
	for (size_t i = 0; i < cell.len; i++) {
		char letter = tsv_letter(cell.p[i]);

		if (letter)
			buf_putc(out, '\\');
		buf_putc(out, letter ? letter : (char)cell.p[i]);
	}
}

static void put_text(struct columns *c, struct column *col, bool is_last, struct bytes cell,
		     struct buf *out)
{
	size_t width;

	buf_consume(&c->escaped, c->escaped.len);
	text_escape(&c->escaped, cell.len ? cell : BYTES_LIT("-"), false);
	buf_append(out, buf_bytes(&c->escaped));
	if (is_last)
		return;
	width = text_columns(buf_bytes(&c->escaped));
	if (width > col->width)
		col->width = width < WIDTH_MAX ? width : WIDTH_MAX;
	buf_printf(out, "%*s", width < col->width ? (int)(col->width - width) + 2 : 2, "");
}

static void put_cell(struct columns *c, size_t i, enum sink_format format, bool escape,
		     struct buf *out)
{
	struct bytes cell = buf_bytes(&c->cell);

	if (format == SINK_TEXT)
		return put_text(c, &c->col[i], i + 1 == c->cnt, cell, out);
	if (format == SINK_RAW)
		return buf_append(out, cell);
	if (escape) {
		buf_consume(&c->escaped, c->escaped.len);
		text_escape(&c->escaped, cell, format == SINK_TSV);
		cell = buf_bytes(&c->escaped);
	}
	if (i)
		buf_putc(out, format == SINK_CSV ? ',' : '\t');
	if (format == SINK_CSV)
		put_csv(out, cell);
	else
		put_tsv(out, cell);
}

static void put_json(struct columns *c, const struct batch *b, const struct record *r,
		     struct buf *out)
{
	struct value v;

	for (size_t i = 0; i < c->cnt; i++) {
		const struct field *f = row_of(&c->col[i], r);

		v.type = VALUE_ABSENT;
		if (f)
			value_get(&v, b, r, f);
		buf_printf(out, "%c\"%s\":", i ? ',' : '{', c->col[i].name);
		json_value(out, b, &v);
	}
	buf_puts(out, "}\n");
}

void columns_head(const struct columns *c, enum sink_format format, struct buf *out)
{
	for (size_t i = 0; i < c->cnt; i++) {
		if (i)
			buf_putc(out, format == SINK_CSV ? ',' : '\t');
		buf_puts(out, c->col[i].name);
	}
	buf_putc(out, '\n');
}

void columns_record(struct columns *c, enum sink_format format, bool escape, const struct batch *b,
		    const struct record *r, struct buf *out)
{
	struct value v;

	if (format == SINK_JSON)
		return put_json(c, b, r, out);
	for (size_t i = 0; i < c->cnt; i++) {
		const struct field *f = row_of(&c->col[i], r);

		v.type = VALUE_ABSENT;
		if (f)
			value_get(&v, b, r, f);
		buf_consume(&c->cell, c->cell.len);
		if (f && f->type == T_EPOCH && format == SINK_TEXT && v.type != VALUE_ABSENT)
			clock_print(&c->cell, v.n);
		else
			value_print(&c->cell, b, &v);
		put_cell(c, i, format, escape, out);
	}
	if (format != SINK_RAW)
		buf_putc(out, '\n');
}
