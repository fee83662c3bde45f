/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode/http1_fields.h"

#include <errno.h>
#include <stdlib.h>

#include "decode/http1_line.h"
#include "util/limits.h"
#include "util/xalloc.h"

void http1_fields_release(struct http1_fields *f)
{
	free(f->v);
	*f = (struct http1_fields){ 0 };
}

/* The slot of the next field, or NULL. */
static struct http1_field *add_field(struct http1_fields *f)
{
	if (f->cnt == LIMIT_HTTP1_FIELDS)
		return NULL;
	if (f->cnt == f->cap) {
		f->cap = f->cap ? f->cap * 2 : 16;
		f->v = xrealloc(f->v, f->cap * sizeof(*f->v));
	}
	return &f->v[f->cnt++];
}

/* Any line at all. */
static void read_line(struct bytes line, struct http1_field *field, const char **why)
{
	struct bytes name;

	*field = (struct http1_field){ 0 };
	if (!http1_take_until(&line, ':', &field->name)) {
		http1_blame(why, "a field line without a colon, RFC 9112 §5");
		return;
	}
	field->value = http1_trim(line);
	name = http1_trim(field->name);
	if (name.len < field->name.len)
		http1_blame(why, "blanks around a field name, RFC 9112 §5.1");
	if (!http1_is_token(name))
		http1_blame(why, "a field name that is no token, RFC 9110 §5.1");
	http1_check_value(field->value, why);
}

/* A line as they should be: a token, a colon, a value without tabs, CRLF; its length, or 0 and
 * *field undefined if it is another. */
static size_t read_plain_line(struct bytes in, struct http1_field *field)
{
	size_t name_len = http1_token_len(in), at = name_len + 1, len, line_len;

	if (!name_len || at > in.len || in.p[name_len] != ':')
		return 0;
	while (at < in.len && in.p[at] == ' ')
		at++;
	len = http1_plain_len(bytes_of(in.p + at, in.len - at));
	if (!http1_is_crlf(in, at + len))
		return 0;
	line_len = at + len + 2;
	while (len && in.p[at + len - 1] == ' ')
		len--;
	field->name = bytes_of(in.p, name_len);
	field->value = bytes_of(in.p + at, len);
	field->wire_len = (uint32_t)line_len;
	return line_len;
}

/* Makes a continuation line part of the field before it; the value keeps the line break. */
static void fold(struct http1_field *field, struct bytes line, size_t wire_len)
{
	const uint8_t *end = line.p + line.len;

	field->wire_len += (uint32_t)wire_len;
	if (!field->value.p) /* a colon may yet come in the folded part: too odd to look for */
		field->name.len = (size_t)(end - field->name.p);
	else if (!field->value.len)
		field->value = http1_trim(line);
	else
		field->value.len = (size_t)(end - field->value.p);
}

/* A line of any kind; returns as http1_fields_take(), 0 also if more lines may follow. */
static int take_any_line(struct bytes *in, struct http1_fields *fields, const char **why)
{
	const uint8_t *start = in->p;
	struct http1_field *field;
	struct bytes line;

	http1_take_line(in, &line, why);
	if (!line.len)
		return 1;
	if (http1_is_blank(line.p[0]) && fields->cnt) {
		http1_blame(why, "a folded field line, RFC 9112 §5.2");
		fold(&fields->v[fields->cnt - 1], line, (size_t)(in->p - start));
		return 0;
	}
	if (http1_is_blank(line.p[0]))
		http1_blame(why, "blanks before the first field line, RFC 9112 §2.2");
	field = add_field(fields);
	if (!field)
		return -E2BIG;
	read_line(line, field, why);
	field->wire_len = (uint32_t)(in->p - start);
	return 0;
}

int http1_fields_take(struct bytes *in, struct http1_fields *fields, const char **why)
{
	int rc = 0;

	fields->cnt = 0;
	while (!rc && in->len) {
		struct http1_field field;
		size_t len = read_plain_line(*in, &field);

		if (len && fields->cnt < LIMIT_HTTP1_FIELDS) {
			*add_field(fields) = field;
			http1_eat(in, len);
		} else {
			rc = take_any_line(in, fields, why);
		}
	}
	return rc;
}

const struct http1_field *http1_field_find(const struct http1_fields *f, struct bytes name)
{
	for (uint32_t i = 0; i < f->cnt; i++)
		if (f->v[i].value.p && http1_same(http1_trim(f->v[i].name), name))
			return &f->v[i];
	return NULL;
}
