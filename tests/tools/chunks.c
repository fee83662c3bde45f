/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints any capture that spf reads as text (src/capture/trace.h):
 *
 *     chunks FILE            every fact
 *     chunks -b FILE         bytes, gaps and ends only, for goldens that times would disturb
 *     chunks -w OUT FILE     the same as a pcapng, as spf -w writes it
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "capture/file.h"
#include "capture/pcapng_write.h"
#include "capture/trace.h"

static void make_bare(struct chunk *c)
{
	struct chunk bare = chunk_of(c->kind);

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

static void print(struct source *s, struct chunk *c, bool bare, struct trace_printer *printer)
{
	struct buf out = { 0 };

	if (!c && !bare)
		trace_print_head(&out, s);
	if (c && bare)
		make_bare(c);
	if (c)
		trace_print(printer, &out, c);
	fwrite(buf_bytes(&out).p, 1, out.len, stdout);
	buf_release(&out);
}

int main(int argc, char **argv)
{
	bool bare = argc > 2 && !strcmp(argv[1], "-b"), writes = argc > 3 && !strcmp(argv[1], "-w");
	const char *name = argc > 1 ? argv[argc - 1] : "-", *why = NULL;
	int fd = strcmp(name, "-") ? open(name, O_RDONLY) : dup(0), out = -1, rc;
	struct pcapng_options options = { 0 };
	struct trace_printer printer = { 0 };
	struct pcapng_writer *w = NULL;
	struct source *s;
	struct chunk c;
	int64_t settled, last_ns = 0;

	s = fd < 0 ? NULL : source_open_file(fd, &why);
	if (!s) {
		fprintf(stderr, "chunks: %s: %s\n", name, fd < 0 ? strerror(errno) : why);
		return 2;
	}
	if (writes) {
		out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0666);
		w = pcapng_writer_new(&out, 1, &options, s->epoch_ns, s->start_ns);
	} else {
		print(s, NULL, bare, &printer);
	}
	while ((rc = s->ops->next(s, &c, &settled)) == 1) {
		last_ns = c.ts_ns;
		if (w)
			pcapng_write(w, &c);
		else
			print(s, &c, bare, &printer);
	}
	if (rc != -ENODATA)
		fprintf(stderr, "chunks: %s: %s\n", name, s->why);
	if (w && pcapng_finish(w, last_ns))
		rc = -EIO;
	pcapng_writer_free(w);
	s->ops->free(s);
	trace_printer_release(&printer);
	return rc != -ENODATA;
}
