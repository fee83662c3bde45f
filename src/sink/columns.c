/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/columns.h"

#include <stdlib.h>
#include <string.h>

#include "sink/clock.h"
#include "sink/json.h"
#include "sink/shape.h"
#include "sink/text.h"
#include "util/xalloc.h"

#define WIDTH_MAX 40 /* a text column grows with its cells up to here */

struct column {
	char *name;
	char *key;			    /* as JSON: ,"name": */
	const struct field *row[SHAPE_CNT]; /* what the name means for such a record, once known */
	bool is_known[SHAPE_CNT];
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
	if (strchr(name, ' '))
		return xasprintf("-F: '%s' is no field; commas go between fields", name);
	for (int kind = 0; kind < KIND_COUNT; kind++)
		if (field_find(name, kind))
			return xasprintf("-F: %s is a field of %s, which is not printed; add -k %s", name,
					 kind_name(kind), kind_name(kind));
	if (near)
		return xasprintf("-F: unknown field '%s'; did you mean '%s'?", name, near);
	return xasprintf("-F: unknown field '%s'; see spf --list fields", name);
}

static bool is_field(const char *name, uint32_t kinds)
{
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		if (kinds & 1u << kind && field_find(name, kind))
			return true;
	}
	return false;
}

static char *trimmed(char *name)
{
	size_t len;

	name += strspn(name, " ");
	for (len = strlen(name); len && name[len - 1] == ' '; len--)
		name[len - 1] = '\0';
	return name;
}

struct columns *columns_new(const char *names, uint32_t kinds, char **why)
{
	struct columns *c = xcalloc(1, sizeof(*c));
	char *copy = xstrdup(names), *rest = copy, *name;

	while ((name = strsep(&rest, ","))) {
		name = trimmed(name);
		if (!is_field(name, kinds)) {
			*why = refusal(name);
			columns_free(c);
			free(copy);
			return NULL;
		}
		c->col = xrealloc(c->col, (c->cnt + 1) * sizeof(*c->col));
		c->col[c->cnt++] = (struct column){
			.name = xstrdup(name),
			.key = xasprintf(",\"%s\":", name),
		};
	}
	free(copy);
	return c;
}

void columns_free(struct columns *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < c->cnt; i++) {
		free(c->col[i].name);
		free(c->col[i].key);
	}
	free(c->col);
	buf_release(&c->cell);
	buf_release(&c->escaped);
	free(c);
}

static const struct field *row_of(struct column *col, const struct record *r)
{
	size_t shape = shape_number(r);

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

/* True if the cell can stay as it is. In JSON nothing but backslashes is left to escape. */
static bool is_plain(enum sink_format format, const struct value *v, struct bytes cell)
{
	if (format == SINK_RAW || value_is_scalar(v))
		return true;
	if (format == SINK_CSV && memchr(cell.p, ',', cell.len))
		return false;
	if (format != SINK_CSV && v->type != VALUE_BYTES)
		return !memchr(cell.p, '\\', cell.len);
	return text_is_plain(cell, format != SINK_CSV);
}

static void put_cell(struct columns *c, enum sink_format format, bool escape, struct bytes cell,
		     struct buf *out)
{
	if (format == SINK_TEXT)
		return text_escape(out, cell, false);
	if (escape) {
		buf_clear(&c->escaped);
		text_escape(&c->escaped, cell, format == SINK_TSV);
		cell = buf_bytes(&c->escaped);
	}
	if (format == SINK_CSV)
		put_csv(out, cell);
	else
		put_tsv(out, cell);
}

/* Blanks between a text cell of that width and the next one. */
static void put_blanks(struct column *col, size_t width, struct buf *out)
{
	uint8_t *to = buf_reserve(out, WIDTH_MAX + 2 + 8);
	size_t cnt;

	if (width > col->width)
		col->width = width < WIDTH_MAX ? width : WIDTH_MAX;
	cnt = width < col->width ? col->width - width + 2 : 2;
	for (size_t at = 0; at < cnt; at += 8)
		memcpy(to + at, "        ", 8);
	buf_added(out, cnt);
}

static struct bytes tail(const struct buf *out, size_t start)
{
	struct bytes all = buf_bytes(out);

	return bytes_of(all.p + start, all.len - start);
}

static void put_column(struct columns *c, size_t i, enum sink_format format, bool escape,
		       const struct batch *b, const struct record *r, struct buf *out)
{
	const struct field *f = row_of(&c->col[i], r);
	struct value v;
	size_t start = out->len;
	bool plain;

	v.type = VALUE_ABSENT;
	if (f)
		value_get(&v, b, r, f);
	if (f && f->type == T_EPOCH && format == SINK_TEXT && v.type != VALUE_ABSENT)
		clock_print(out, v.n);
	else
		value_print(out, b, &v);
	if (format == SINK_TEXT && out->len == start)
		buf_putc(out, '-');
	plain = is_plain(format, &v, tail(out, start));
	if (!plain) {
		buf_clear(&c->cell);
		buf_append(&c->cell, tail(out, start));
		buf_cut(out, start);
		put_cell(c, format, escape, buf_bytes(&c->cell), out);
	}
	/* A plain cell is ASCII, unless it is JSON. */
	if (format == SINK_TEXT && i + 1 < c->cnt)
		put_blanks(&c->col[i],
			   plain && v.type <= VALUE_BYTES ? out->len - start
							  : text_columns(tail(out, start)),
			   out);
}

static void put_json(struct columns *c, const struct batch *b, const struct record *r,
		     struct buf *out)
{
	size_t start = out->len;

	for (size_t i = 0; i < c->cnt; i++) {
		const struct field *f = row_of(&c->col[i], r);
		struct value v;

		v.type = VALUE_ABSENT;
		if (f)
			value_get(&v, b, r, f);
		buf_puts(out, c->col[i].key);
		json_value(out, b, &v);
	}
	out->mem[out->head + start] = '{'; /* for the first comma */
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
	if (format == SINK_JSON)
		return put_json(c, b, r, out);
	for (size_t i = 0; i < c->cnt; i++) {
		if (i && (format == SINK_CSV || format == SINK_TSV))
			buf_putc(out, format == SINK_CSV ? ',' : '\t');
		put_column(c, i, format, escape, b, r, out);
	}
	if (format != SINK_RAW)
		buf_putc(out, '\n');
}
