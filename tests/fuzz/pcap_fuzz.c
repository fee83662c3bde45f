/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as the file of -r: pcap, pcapng, spf's own, text trace.
 *
 * Asserts what conn/ relies on (no chunk has more bytes than it says; a stream of a pcap goes on
 * where it was), and that what is written with -w is read back as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/file.h"
#include "capture/pcapng_write.h"
#include "capture/trace.h"
#include "util/hash.h"
#include "util/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static int fd_of(struct bytes in)
{
	int fd = memfd_create("fuzz", 0);

	if (fd < 0 || write(fd, in.p, in.len) != (ssize_t)in.len || lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Each direction goes on where it was. */
static void check_offset(struct hash *ends, const struct chunk *c)
{
	uint64_t *end = hash_get(ends, c->sock);

	if (!end) {
		end = calloc(1, sizeof(*end));
		hash_put(ends, c->sock, end);
	}
	must(c->kind == CHUNK_OPEN || c->off == *end);
	if (c->kind == CHUNK_DATA || c->kind == CHUNK_LOST)
		*end += c->len;
}

/* The chunks as text; with w also to there. */
static struct buf run(struct bytes file, bool is_pcap, struct pcapng_writer **w, int *out)
{
	const struct pcapng_options o = { 0 };
	struct trace_printer printer = { 0 };
	struct buf text = { 0 };
	struct hash ends = { 0 };
	const char *why;
	struct source *s = source_open_file(fd_of(file), &why);
	int64_t settled;
	struct chunk c;
	uint64_t *end;
	size_t at = 0;
	int rc;

	if (!s)
		return text;
	if (w)
		*w = pcapng_writer_new(out, 1, &o, s->epoch_ns, s->start_ns);
	while ((rc = s->ops->next(s, &c, &settled)) == 1) {
		must(c.sock && c.data.len <= c.len);
		if (is_pcap)
			check_offset(&ends, &c);
		trace_print(&printer, &text, &c);
		if (w)
			must(pcapng_write(*w, &c) == 0);
	}
	must(rc == -ENODATA || (rc == -EBADMSG && s->why));
	s->ops->free(s);
	while ((end = hash_each(&ends, &at)))
		free(end);
	hash_release(&ends);
	trace_printer_release(&printer);
	return text;
}

static struct bytes content(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *p = malloc((size_t)len + 1);

	must(pread(fd, p, (size_t)len, 0) == len);
	return bytes_of(p, (size_t)len);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	bool is_pcap = len >= 4 && p[0] != 0x0a && (p[0] >= 0x80 || p[0] == 0x4d);
	struct pcapng_writer *w = NULL;
	struct buf text, again;
	int out;

	log_setup(true, false);
	if (!is_pcap) {
		text = run(bytes_of(p, len), false, NULL, NULL);
		buf_release(&text);
		return 0;
	}
	out = memfd_create("out", 0);
	text = run(bytes_of(p, len), true, &w, &out);
	if (w) {
		struct bytes file;

		must(pcapng_finish(w, 0) == 0);
		file = content(out);
		again = run(file, false, NULL, NULL);
		must(bytes_equal(buf_bytes(&text), buf_bytes(&again)));
		buf_release(&again);
		free((void *)file.p);
	}
	pcapng_writer_free(w);
	close(out);
	buf_release(&text);
	return 0;
}
