/* SPDX-License-Identifier: BSD-2-Clause */
#include "script/header.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "util/near.h"
#include "util/xalloc.h"

static const char *const type_names[] = {
	[ARG_STRING] = "string",     [ARG_INT] = "int",	      [ARG_NUMBER] = "number",
	[ARG_BOOL] = "bool",	     [ARG_DURATION] = "duration", [ARG_BYTES] = "bytes",
	[ARG_ENUM] = "enum",	     [ARG_PATTERN] = "pattern",   [ARG_LIST] = "list",
};
enum { TYPE_CNT = sizeof(type_names) / sizeof(type_names[0]) };

static char *copy(struct bytes b)
{
	char *s = xmalloc(b.len + 1);

	memcpy(s, b.p, b.len);
	s[b.len] = 0;
	return s;
}

static struct bytes trim(struct bytes b)
{
	while (b.len && isspace(b.p[0]))
		b = bytes_of(b.p + 1, b.len - 1);
	while (b.len && isspace(b.p[b.len - 1]))
		b.len--;
	return b;
}

/* Cuts the bytes before the first stop character (or all) off the front of *b. */
static struct bytes cut(struct bytes *b, const char *stops)
{
	struct bytes head;
	size_t n = 0;

	while (n < b->len && !strchr(stops, b->p[n]))
		n++;
	bytes_take(b, n, &head);
	return head;
}

static struct bytes next_line(struct bytes *b)
{
	struct bytes line = cut(b, "\n");

	if (b->len)
		*b = bytes_of(b->p + 1, b->len - 1);
	return line;
}

static struct bytes word(struct bytes *b)
{
	*b = trim(*b);
	return cut(b, " \t");
}

/* Appends a line to a text of lines. */
static void add_line(char **text, struct bytes line)
{
	char *new = *text ? xasprintf("%s\n%.*s", *text, (int)line.len, line.p) : copy(line);

	free(*text);
	*text = new;
}

static void set_text(char **to, struct bytes b)
{
	free(*to);
	*to = copy(trim(b));
}

static bool parse_type(struct bytes name, enum arg_type *out)
{
	for (int i = 0; i < TYPE_CNT; i++) {
		if (bytes_equal(name, bytes_str(type_names[i]))) {
			*out = (enum arg_type)i;
			return true;
		}
	}
	return false;
}

/* A number with one of the units behind it, given as pairs of name and factor. */
struct unit {
	const char *name;
	double factor;
};

static bool parse_unit(const char *text, const struct unit *units, double *out)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || n < 0 || n != n)
		return false;
	for (; units->name; units++) {
		if (strcmp(end, units->name) == 0) {
			*out = n * units->factor;
			return true;
		}
	}
	return false;
}

bool header_number(enum arg_type type, const char *text, double *out)
{
	static const struct unit durations[] = { { "", 1 },	 { "ns", 1e-9 }, { "us", 1e-6 },
						 { "ms", 1e-3 }, { "s", 1 },	 { "m", 60 },
						 { "h", 3600 },	 { "d", 86400 }, { NULL, 0 } };
	static const struct unit sizes[] = { { "", 1 },		{ "B", 1 },	    { "K", 1024 },
					     { "M", 1048576 },	{ "G", 1073741824 }, { NULL, 0 } };
	char *end;

	if (type == ARG_DURATION)
		return parse_unit(text, durations, out);
	if (type == ARG_BYTES)
		return parse_unit(text, sizes, out);
	*out = strtod(text, &end);
	if (end == text || *end || *out != *out)
		return false;
	return type != ARG_INT || *out == (double)(int64_t)*out;
}

/* "(1..1000)" or "(count,errors)" behind the type. */
static bool parse_limits(struct bytes in, struct header_arg *a)
{
	char *text = copy(in), *dots = strstr(text, "..");
	bool ok = false;

	if (a->type == ARG_ENUM) {
		a->choices = text;
		return *text != 0;
	}
	if (dots) {
		*dots = 0;
		ok = header_number(a->type, text, &a->min) && header_number(a->type, dots + 2, &a->max);
		a->has_range = ok && a->min <= a->max;
	}
	free(text);
	return ok && a->has_range;
}

static bool is_choice(const char *choices, const char *value)
{
	struct bytes rest = bytes_str(choices);

	while (rest.len) {
		struct bytes one = trim(cut(&rest, ","));

		if (bytes_equal(one, bytes_str(value)))
			return true;
		if (rest.len)
			rest = bytes_of(rest.p + 1, rest.len - 1);
	}
	return false;
}

static bool is_bool(const char *value)
{
	return is_choice("true,false,yes,no,1,0", value);
}

/* The ']' that ends the set of characters at p, or NULL. */
static const char *set_end(const char *p)
{
	p += p[1] == '^' ? 2 : 1;
	do {
		if (!*p)
			return NULL;
		if (*p++ == '%' && *p)
			p++;
	} while (*p != ']');
	return p;
}

enum { CAPTURES_MAX = 32 }; /* LUA_MAXCAPTURES */

/* Whether Lua takes it for a pattern, however far a text matches (Lua 5.1 §5.4.1). */
static bool is_pattern(const char *p)
{
	int begun = 0, open = 0, at[CAPTURES_MAX];
	uint32_t closed = 0; /* captures, a bit each */

	for (; *p; p++) {
		if (*p == '(') {
			if (begun == CAPTURES_MAX)
				return false;
			at[open++] = begun++;
		} else if (*p == ')') {
			if (!open)
				return false;
			closed |= 1u << at[--open];
		} else if (*p == '[') {
			p = set_end(p);
			if (!p)
				return false;
		} else if (*p == '%') {
			p++;
			if (!*p || (*p == 'f' && p[1] != '[') || (*p == 'b' && (!p[1] || !p[2])) ||
			    *p == '0' || (*p >= '1' && *p <= '9' && !(closed >> (*p - '1') & 1)))
				return false;
			p += *p == 'b' ? 2 : 0;
		}
	}
	return !open;
}

static bool takes(const struct header_arg *a, const char *value)
{
	double n;

	switch (a->type) {
	case ARG_PATTERN:
		return is_pattern(value);
	case ARG_BOOL:
		return is_bool(value);
	case ARG_ENUM:
		return is_choice(a->choices, value);
	case ARG_INT:
	case ARG_NUMBER:
	case ARG_DURATION:
	case ARG_BYTES:
		return header_number(a->type, value, &n) &&
		       (!a->has_range || (n >= a->min && n <= a->max));
	default:
		return true;
	}
}

/* "top int(1..1000)=20  Rows to show". Returns NULL, or what is wrong with it. */
static const char *parse_arg(struct script_header *h, struct bytes in)
{
	struct header_arg a = { 0 };
	struct bytes name = word(&in), type, limits;
	const char *why = NULL;

	in = trim(in);
	type = cut(&in, "(= \t");
	if (!name.len || !parse_type(type, &a.type))
		return "@arg NAME TYPE=DEFAULT MEANING, TYPE one of string int number bool duration "
		       "bytes enum pattern list";
	if (in.len && in.p[0] == '(') {
		in = bytes_of(in.p + 1, in.len - 1);
		limits = cut(&in, ")");
		if (!in.len || !parse_limits(limits, &a))
			why = "bad limits of an @arg: int(1..100) or enum(a,b)";
		else
			in = bytes_of(in.p + 1, in.len - 1);
	} else if (a.type == ARG_ENUM) {
		why = "an enum needs its values: enum(a,b)";
	}
	if (!why && in.len && in.p[0] == '=') {
		struct bytes value;

		in = bytes_of(in.p + 1, in.len - 1);
		value = cut(&in, " \t");
		a.optional = bytes_equal(value, BYTES_LIT("?"));
		if (!a.optional)
			a.fallback = copy(value);
		if (a.fallback && !takes(&a, a.fallback))
			why = "the default of an @arg is none of its values";
	}
	a.name = copy(name);
	a.meaning = copy(trim(in));
	h->args = xrealloc(h->args, (h->arg_cnt + 1) * sizeof(a));
	h->args[h->arg_cnt++] = a;
	return why;
}

static const char *parse_number(struct bytes in, enum arg_type type, double *out)
{
	char *text = copy(trim(in));
	bool ok = header_number(type, text, out);

	free(text);
	return ok ? NULL : "a number is missing";
}

static const char *unknown_tag(struct bytes tag)
{
	static const char *const tags[] = { "@author", "@license", "@api", "@category",
					    "@interval", "@arg", "@usage", "@output" };
	static char why[128];
	char typed[41];
	struct near best = { NULL, 0 };

	snprintf(typed, sizeof(typed), "%.*s", (int)(tag.len < 40 ? tag.len : 40), tag.p);
	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
		near_offer(&best, typed, tags[i]);
	snprintf(why, sizeof(why), "unknown tag %s%s%s%s", typed, best.name ? "; did you mean " : "",
		 best.name ? best.name : "", best.name ? "?" : "");
	return why;
}

/* One "@tag value" line. Returns NULL, or what is wrong with it. */
static const char *parse_tag(struct script_header *h, struct bytes in, bool *in_output)
{
	struct bytes tag = word(&in), value = trim(in);
	const char *why = NULL;
	double n = 0;

	if (bytes_equal(tag, BYTES_LIT("@author"))) {
		set_text(&h->author, value);
	} else if (bytes_equal(tag, BYTES_LIT("@license"))) {
		set_text(&h->license, value);
	} else if (bytes_equal(tag, BYTES_LIT("@category"))) {
		set_text(&h->category, value);
	} else if (bytes_equal(tag, BYTES_LIT("@api"))) {
		why = parse_number(value, ARG_INT, &n);
		h->api = (int)n;
		if (!why && (n < 1 || n > HEADER_API))
			why = "this spf knows @api 1 only";
	} else if (bytes_equal(tag, BYTES_LIT("@interval"))) {
		why = parse_number(value, ARG_DURATION, &n);
		h->interval_ns = (int64_t)(n * 1e9);
	} else if (bytes_equal(tag, BYTES_LIT("@arg"))) {
		why = parse_arg(h, value);
	} else if (bytes_equal(tag, BYTES_LIT("@usage"))) {
		add_line(&h->usage, value);
	} else if (bytes_equal(tag, BYTES_LIT("@output"))) {
		*in_output = true;
	} else {
		why = unknown_tag(tag);
	}
	return why;
}

/* One comment line, "--" and "---" already cut off. */
static const char *parse_line(struct script_header *h, struct bytes line, bool *in_output)
{
	struct bytes text = trim(line);

	if (text.len && text.p[0] == '@')
		return parse_tag(h, text, in_output);
	if (*in_output) {
		if (line.len && line.p[0] == ' ')
			line = bytes_of(line.p + 1, line.len - 1);
		add_line(&h->output, line);
	} else if (!h->title) {
		h->title = copy(text);
	} else if (text.len || h->text) {
		add_line(&h->text, text);
	}
	return NULL;
}

int header_parse(struct bytes text, const char *name, struct script_header *out, char **why)
{
	struct script_header h = { 0 };
	bool in_output = false;
	const char *wrong = NULL;
	int nr = 0;

	while (!wrong && text.len) {
		struct bytes line = next_line(&text);

		nr++;
		if (nr == 1 && bytes_has_prefix(line, BYTES_LIT("#!")))
			continue;
		if (!h.title && bytes_has_prefix(line, BYTES_LIT("-- SPDX")))
			continue;
		if (!bytes_has_prefix(line, BYTES_LIT("--")))
			break;
		if (!h.title && !bytes_has_prefix(line, BYTES_LIT("---")))
			break; /* an ordinary comment: no header */
		line = bytes_of(line.p + 2, line.len - 2);
		if (line.len && line.p[0] == '-')
			line = bytes_of(line.p + 1, line.len - 1);
		wrong = parse_line(&h, line, &in_output);
	}
	if (wrong) {
		*why = xasprintf("%s:%d: %s", name, nr, wrong);
		header_release(&h);
		return -EINVAL;
	}
	*out = h;
	return 0;
}

void header_release(struct script_header *h)
{
	for (size_t i = 0; i < h->arg_cnt; i++) {
		free(h->args[i].name);
		free(h->args[i].choices);
		free(h->args[i].fallback);
		free(h->args[i].meaning);
	}
	free(h->args);
	free(h->title);
	free(h->text);
	free(h->author);
	free(h->license);
	free(h->category);
	free(h->usage);
	free(h->output);
	memset(h, 0, sizeof(*h));
}

int header_complete(const struct script_header *h, const char *name, char **why)
{
	const char *lacks = NULL;

	if (!h->title)
		lacks = "a first line: --- What it does.";
	else if (strlen(h->title) > 72)
		lacks = "a first line of at most 72 characters";
	else if (!h->license)
		lacks = "@license";
	else if (!h->api)
		lacks = "@api";
	else if (!h->usage)
		lacks = "@usage";
	else if (!h->output)
		lacks = "@output";
	if (!lacks)
		return 0;
	*why = xasprintf("%s: the header lacks %s", name, lacks);
	return -EINVAL;
}

static const struct header_arg *find_arg(const struct script_header *h, struct bytes name)
{
	for (size_t i = 0; i < h->arg_cnt; i++) {
		if (bytes_equal(name, bytes_str(h->args[i].name)))
			return &h->args[i];
	}
	return NULL;
}

static char *unknown_arg(const struct script_header *h, const char *name, struct bytes given)
{
	char *typed = copy(given), *why;
	struct near best = { NULL, 0 };
	struct buf list = { 0 };

	for (size_t i = 0; i < h->arg_cnt; i++) {
		near_offer(&best, typed, h->args[i].name);
		buf_printf(&list, "%s%s", i ? ", " : "", h->args[i].name);
	}
	buf_putc(&list, 0);
	if (best.name)
		why = xasprintf("%s: unknown argument '%s'; did you mean '%s'?", name, typed, best.name);
	else if (h->arg_cnt)
		why = xasprintf("%s: unknown argument '%s'; it takes %s", name, typed,
				(const char *)buf_bytes(&list).p);
	else
		why = xasprintf("%s: unknown argument '%s'; it takes none", name, typed);
	buf_release(&list);
	free(typed);
	return why;
}

/* One -a k=v. Returns NULL or what is wrong, freed by the caller. */
static char *check_given(const struct script_header *h, const char *name, const char *given)
{
	struct bytes rest = bytes_str(given), key = cut(&rest, "=");
	const struct header_arg *a;
	struct buf type = { 0 };
	char *why;

	if (!rest.len)
		return xasprintf("%s: -a %s: an argument is NAME=VALUE", name, given);
	a = find_arg(h, key);
	if (!a)
		return unknown_arg(h, name, key);
	if (takes(a, (const char *)rest.p + 1))
		return NULL;
	header_arg_type(a, &type);
	buf_putc(&type, 0);
	why = xasprintf("%s: %s=%s: it takes %s", name, a->name, (const char *)rest.p + 1,
			(const char *)buf_bytes(&type).p);
	buf_release(&type);
	return why;
}

int header_check_args(const struct script_header *h, const char *name, const char *const *given,
		      char **why)
{
	for (const char *const *g = given; g && *g; g++) {
		*why = check_given(h, name, *g);
		if (*why)
			return -EINVAL;
	}
	for (size_t i = 0; i < h->arg_cnt; i++) {
		const struct header_arg *a = &h->args[i];

		if (a->optional || header_value(a, given))
			continue;
		*why = xasprintf("%s: argument '%s' is missing: -a %s=… (%s)", name, a->name, a->name,
				 a->meaning);
		return -EINVAL;
	}
	return 0;
}

const char *header_value(const struct header_arg *arg, const char *const *given)
{
	const char *value = arg->fallback;
	size_t len = strlen(arg->name);

	for (; given && *given; given++) {
		if (strncmp(*given, arg->name, len) == 0 && (*given)[len] == '=')
			value = *given + len + 1;
	}
	return value;
}
