/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints any capture that spf reads as text (src/capture/trace.h):
 *
 *     chunks FILE            every fact
 *     chunks -b FILE         bytes, gaps and ends only, for goldens that times would disturb
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/file.h"
#include "capture/trace.h"
#include "capture/words.h"

static void make_bare(struct chunk *c)
{
	struct chunk bare = words_default(c->kind);

	bare.cause = c->kind == CHUNK_LOST ? c->cause : GAP_RINGBUF_DROP;
	bare.sock = c->sock;
	bare.peer = c->peer;
	bare.off = c->off;
	bare.len = c->len;
	bare.data = c->data;
	bare.early = c->early;
	bare.role = c->role;
	bare.addr = c->addr;
	bare.transport = c->transport;
	*c = bare;
}

static void put(struct buf *out)
{
	struct bytes b = buf_bytes(out);

	fwrite(b.p, 1, b.len, stdout);
	buf_consume(out, out->len);
}

int main(int argc, char **argv)
{
	bool bare = argc > 2 && !strcmp(argv[1], "-b");
	const char *name = argc > 1 ? argv[argc - 1] : "-", *why = NULL;
	struct trace_printer printer = { 0 };
	int fd = strcmp(name, "-") ? open(name, O_RDONLY) : dup(0), rc;
	struct buf out = { 0 };
	struct source *s;
	struct chunk c;
	int64_t settled;

	s = fd < 0 ? NULL : source_open_file(fd, &why);
	if (!s) {
		fprintf(stderr, "chunks: %s: %s\n", name, fd < 0 ? strerror(errno) : why);
		return 2;
	}
	if (!bare)
		trace_print_head(&out, s);
	while ((rc = s->ops->next(s, &c, &settled)) == 1) {
		if (bare)
			make_bare(&c);
		trace_print(&printer, &out, &c);
		put(&out);
	}
	if (rc != -ENODATA)
		fprintf(stderr, "chunks: %s: %s\n", name, s->why);
	s->ops->free(s);
	trace_printer_release(&printer);
	buf_release(&out);
	return rc != -ENODATA;
}
