/* SPDX-License-Identifier: BSD-2-Clause */
#include "wants.h"

#include <stdlib.h>
#include <string.h>

#include "decode/fields.h"
#include "util/xalloc.h"

/* What a column takes. */
static void want_field(const struct field *f, struct want *want)
{
	if (!strcmp(f->strukt, "rec_http") && f->type == T_STR)
		want->no_parts = false;
	switch (f->type) {
	case T_HEADERS:
	case T_REQUEST:
	case T_RESPONSE:
		want->headers = true;
		return;
	case T_BYTES:
	case T_BODY:
		want->data = true;
		return;
	default:
		return;
	}
}

/* names: of -F, with commas between. Those that are none are refused elsewhere. */
static void want_columns(const char *names, struct want *want)
{
	char *copy = xstrdup(names), *rest = copy, *name;

	while ((name = strsep(&rest, ", ")))
		for (int kind = 0; kind < KIND_COUNT; kind++) {
			const struct field *f = field_find(name, (enum record_kind)kind);

			if (f)
				want_field(f, want);
		}
	free(copy);
}

bool wants_of(const struct options *o, struct scripts *scripts, struct want *want, uint32_t *kinds)
{
	bool has_code = false, has_expr = false, prints;

	for (size_t i = 0; i < o->script_cnt; i++) {
		has_code |= o->script[i].what != 'f';
		has_expr |= o->script[i].what == 'e';
	}
	prints = o->columns || o->format != SINK_TEXT;
	if (!has_expr) /* with -e, -k names what it sees, not what is printed */
		prints |= (!has_code && !o->write_file) || o->kinds;
	*kinds = o->kinds ? o->kinds : KINDS_PRINTED;
	want->kind[KIND_CONN] = true;
	want->kind[KIND_GAP] = true;
	if (prints) {
		for (uint32_t k = 0; k < KIND_COUNT; k++)
			want->kind[k] |= (*kinds & 1u << k) != 0;
		want->headers = !o->columns;
		want->data = o->hexdump || o->ascii || (!o->columns && o->format != SINK_TEXT);
		want->no_parts = o->columns && !scripts;
		if (o->columns)
			want_columns(o->columns, want);
	}
	if (scripts)
		scripts_want(scripts, want);
	if (!prints && o->count && !o->kinds) { /* -c counts what the scripts see */
		*kinds = 0;
		for (uint32_t k = 0; k < KIND_COUNT; k++)
			*kinds |= (uint32_t)want->kind[k] << k;
		*kinds &= ~(1u << KIND_CONN);
	}
	return prints;
}
