/* SPDX-License-Identifier: BSD-2-Clause */
#include "script/header.h"

#include <stdio.h>

static void print_choices(const char *choices, struct buf *out)
{
	for (; *choices; choices++) {
		if (*choices != ',')
			buf_putc(out, *choices);
		else
			buf_puts(out, strchr(choices + 1, ',') ? ", " : " or ");
	}
}

void header_arg_type(const struct header_arg *arg, struct buf *out)
{
	static const char *const words[] = {
		[ARG_STRING] = "text",	   [ARG_INT] = "a whole number",
		[ARG_NUMBER] = "a number", [ARG_BOOL] = "true or false",
		[ARG_DURATION] = "a duration (250ms, 2s, 1m)", [ARG_BYTES] = "a size (512, 4K, 1M)",
		[ARG_ENUM] = "",	   [ARG_PATTERN] = "a Lua pattern",
		[ARG_LIST] = "a list (a,b,c)",
	};

	if (arg->type == ARG_ENUM)
		print_choices(arg->choices, out);
	else
		buf_puts(out, words[arg->type]);
	if (arg->has_range)
		buf_printf(out, " from %.10g to %.10g%s", arg->min, arg->max,
			   arg->type == ARG_DURATION ? " seconds" : "");
}

static void print_lines(const char *text, const char *indent, struct buf *out)
{
	while (*text) {
		size_t n = strcspn(text, "\n");

		if (n)
			buf_printf(out, "%s%.*s", indent, (int)n, text);
		buf_putc(out, '\n');
		text += n + (text[n] == '\n');
	}
}

static void print_arg(const struct header_arg *a, struct buf *out)
{
	buf_printf(out, "  %-10s %s; ", a->name, a->meaning);
	header_arg_type(a, out);
	if (a->fallback)
		buf_printf(out, " (default %s)", a->fallback);
	buf_puts(out, a->optional ? " (optional)\n" : a->fallback ? "\n" : " (required)\n");
}

void header_print(const struct script_header *h, const char *name, struct buf *out)
{
	buf_printf(out, "%s: %s\n", name, h->title ? h->title : "(no header)");
	if (h->text) {
		buf_putc(out, '\n');
		print_lines(h->text, "", out);
	}
	if (h->arg_cnt)
		buf_puts(out, "\nArguments (-a NAME=VALUE)\n");
	for (size_t i = 0; i < h->arg_cnt; i++)
		print_arg(&h->args[i], out);
	if (h->usage) {
		buf_puts(out, "\nUsage\n");
		print_lines(h->usage, "  ", out);
	}
	if (h->output) {
		buf_puts(out, "\nOutput\n");
		print_lines(h->output, "  ", out);
	}
	if (h->category || h->author || h->license)
		buf_putc(out, '\n');
	if (h->category)
		buf_printf(out, "Category  %s\n", h->category);
	if (h->author)
		buf_printf(out, "Author    %s\n", h->author);
	if (h->license)
		buf_printf(out, "License   %s\n", h->license);
}

void header_list(const struct script_header *h, const char *name, struct buf *out)
{
	buf_printf(out, "%-16s %s\n", name, h->title ? h->title : "(no header)");
}
