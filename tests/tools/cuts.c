/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a capture as spf -r does, whole and cut off at random places, in one process and without
 * its sandbox. What spf prints up to the cut must be the first bytes of what it prints of the
 * whole. Then it ends what was under way: of records no more than the last of each direction may
 * be changed by that; a script prints there what it likes, without an error.
 *
 *     cuts FILE COUNT [OPTION…]      COUNT 0: only the whole (for a profiler); options of spf
 *
 * Prints what failed, or how many bytes of the whole's output came before its end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture/file.h"
#include "options.h"
#include "pipeline.h"
#include "script/script.h"
#include "util/log.h"
#include "util/xalloc.h"

enum { CHANGED_MAX = 2 }; /* the last record of each direction */

static const char *const usual[] = { "-q", "-k", "frame,http,chunk", "-j" };

struct run {
	int status;
	char why[200]; /* of a file that is torn */
	struct buf out;
	size_t before_end; /* bytes of out */
	uint64_t script_errors;
};

/* The source of a file. When that ends, the pipeline is first told that there is nothing for now,
 * so that it prints all it has: what comes after that is made by the end. */
struct paused {
	struct source src;
	struct source *file;
	int rc; /* how the file ended; 0 before */
	int out;
	size_t before_end;
};

static int memory_file(const char *name, struct bytes content)
{
	int fd = memfd_create(name, 0);

	if (fd < 0 || write(fd, content.p, content.len) != (ssize_t)content.len ||
	    lseek(fd, 0, SEEK_SET))
		die(EXIT_RUN, "memfd");
	return fd;
}

static void read_back(int fd, struct buf *out)
{
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET))
		die(EXIT_RUN, "lseek");
	while ((n = read(fd, buf_reserve(out, 65536), 65536)) > 0)
		buf_added(out, (size_t)n);
	close(fd);
}

static int paused_next(struct source *s, struct chunk *out, int64_t *settled_ns)
{
	struct paused *p = (struct paused *)s;
	const struct source_ops *ops = s->ops;
	int rc;

	if (p->rc) {
		p->before_end = (size_t)lseek(p->out, 0, SEEK_CUR);
		return p->rc;
	}
	rc = p->file->ops->next(p->file, out, settled_ns);
	*s = *p->file;
	s->ops = ops;
	p->rc = rc > 0 ? 0 : rc;
	return rc > 0;
}

static struct bytes text_of(const char *path)
{
	FILE *f = fopen(path, "r");
	struct buf text = { 0 };

	if (!f)
		die(EXIT_USAGE, "cannot open %s", path);
	read_back(dup(fileno(f)), &text);
	fclose(f);
	return buf_bytes(&text);
}

static struct scripts *load(const struct options *o, const struct source *src, struct sink *out)
{
	static struct script_source list[OPTIONS_SCRIPTS];
	struct script_options so = { .memory_max = o->memory_max, .timeout_ns = o->timeout_ns };
	struct script_info info = {
		.file = o->read_file,
		.targets = (const char *const *)o->targets,
		.start_ns = src->start_ns + src->epoch_ns,
	};
	struct scripts *s;
	char *why = NULL;

	if (!o->script_cnt)
		return NULL;
	for (size_t i = 0; i < o->script_cnt; i++) {
		struct bytes text = list[i].text.p ? list[i].text : text_of(o->script[i].text);

		list[i] = (struct script_source){ .what = SCRIPT_FILE, .name = o->script[i].text };
		list[i].text = text;
		list[i].args = o->script[i].args;
		list[i].kinds = o->kinds;
	}
	s = scripts_new(list, o->script_cnt, &so, out, &why);
	if (!s || scripts_start(s, &info, &why))
		die(EXIT_USAGE, "%s", why);
	return s;
}

/* What spf makes of the first bytes of a file. */
static struct run replay(const struct options *o, struct bytes content)
{
	static const struct source_ops ops = { .next = paused_next };
	static char *no_pattern[1];
	struct sink_options so = { .format = o->format, .columns = o->columns };
	struct select select = { .patterns = no_pattern, .who = o->who };
	int in = memory_file("in", content), out = memory_file("out", bytes_of(NULL, 0)), stop = 0;
	struct run run = { .status = EXIT_RUN };
	const char *bad = NULL;
	char *why = NULL;
	struct sink *sink = sink_new(out, &so, &why);
	struct source *src = source_open_file(in, &bad);
	struct paused paused = { .file = src, .out = out };
	struct scripts *scripts;
	struct pipeline *p;

	if (!sink || !src)
		die(EXIT_RUN, "%s", why ? why : bad);
	paused.src = *src;
	paused.src.ops = &ops;
	scripts = load(o, src, sink);
	p = pipeline_new(o, &paused.src, scripts, sink, NULL, &select);
	run.status = pipeline_run(p, &stop);
	run.before_end = paused.before_end;
	run.script_errors = scripts ? scripts_errors(scripts) : 0;
	snprintf(run.why, sizeof(run.why), "%s", src->why ? src->why : "");
	pipeline_free(p);
	scripts_free(scripts);
	src->ops->free(src);
	sink_free(sink);
	read_back(out, &run.out);
	return run;
}

/* The next line, with its end, off the front of *text. */
static struct bytes take_line(struct bytes *text)
{
	const uint8_t *end = memchr(text->p, '\n', text->len);
	struct bytes line = *text;

	bytes_take(text, end ? (size_t)(end - text->p) + 1 : text->len, &line);
	return line;
}

/* Where a record says its number is, which counts other kinds too. */
static struct bytes without_number(struct bytes line)
{
	const uint8_t *seq = memmem(line.p, line.len, "\"seq\":", 6);
	const uint8_t *comma = seq ? memchr(seq, ',', line.len - (size_t)(seq - line.p)) : NULL;

	return comma ? bytes_of(comma, line.len - (size_t)(comma - line.p)) : line;
}

/* How many lines of a torn file's are not those of the whole. They come in the same order, up to
 * where a connection of which too little was seen to tell its protocol is given at the end. */
static int changed_lines(struct bytes torn, struct bytes whole)
{
	struct bytes rest = whole, line;
	bool in_order = true;
	int cnt = 0;

	while (torn.len) {
		line = take_line(&torn);
		in_order = in_order && bytes_equal(line, take_line(&rest));
		if (in_order)
			continue;
		line = without_number(line);
		cnt += !memmem(whole.p, whole.len, line.p, line.len);
	}
	return cnt;
}

static bool cut(const struct options *o, struct bytes file, size_t at, const struct run *whole)
{
	struct run torn = replay(o, bytes_of(file.p, at));
	struct bytes out = buf_bytes(&torn.out), all = buf_bytes(&whole->out);
	bool says_where = torn.status == EXIT_RUN && strstr(torn.why, "offset ");
	int changed = o->script_cnt ? 0 : changed_lines(out, all);
	bool ok = false;

	if (!bytes_has_prefix(bytes_of(all.p, whole->before_end), bytes_of(out.p, torn.before_end)))
		printf("cut at %zu: what comes before the end is not what the whole begins with\n",
		       at);
	else if (changed > CHANGED_MAX)
		printf("cut at %zu: %d lines are not those of the whole\n", at, changed);
	else if (torn.script_errors)
		printf("cut at %zu: %d errors of the script\n", at, (int)torn.script_errors);
	else if (torn.status != EXIT_OK && !says_where)
		printf("cut at %zu: exit status %d, \"%s\"\n", at, torn.status, torn.why);
	else
		ok = true;
	buf_release(&torn.out);
	return ok;
}

int main(int argc, char **argv)
{
	char *args[64] = { argv[0] }, *why;
	int cnt = 1;
	struct buf file = { 0 };
	struct options o;
	struct run whole;
	bool ok = true;

	if (argc < 3)
		die(EXIT_USAGE, "usage: cuts FILE COUNT [OPTION…]");
	args[cnt++] = (char *)"-r";
	args[cnt++] = argv[1];
	for (size_t i = 0; argc == 3 && i < sizeof(usual) / sizeof(usual[0]); i++)
		args[cnt++] = (char *)(uintptr_t)usual[i];
	for (int i = 3; i < argc && cnt < 63; i++)
		args[cnt++] = argv[i];
	if (options_parse(&o, cnt, args, &why))
		die(EXIT_USAGE, "%s", why);
	log_setup(true, false);
	if (!freopen("/dev/null", "w", stderr) || !freopen(argv[1], "r", stdin))
		return EXIT_USAGE;
	read_back(dup(STDIN_FILENO), &file);
	whole = replay(&o, buf_bytes(&file));
	srandom(1);
	for (long i = atol(argv[2]); i > 0; i--)
		ok &= cut(&o, buf_bytes(&file), 200 + (size_t)random() % (file.len - 200), &whole);
	if (ok)
		printf("%zu bytes before the end\n", whole.before_end);
	buf_release(&whole.out);
	buf_release(&file);
	return ok ? EXIT_OK : EXIT_RUN;
}
