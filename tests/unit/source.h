/* SPDX-License-Identifier: BSD-2-Clause */
/* A file source over bytes in memory, and what it gives as trace text. */
#ifndef SPF_TESTS_SOURCE_H
#define SPF_TESTS_SOURCE_H

#include "test.h"

#include <errno.h>

#include "capture/file.h"
#include "capture/trace.h"

/* A descriptor from which in can be read. */
static inline int fd_of(struct bytes in)
{
	int fd = memfd_create("test", 0);

	if (fd < 0 || write(fd, in.p, in.len) != (ssize_t)in.len || lseek(fd, 0, SEEK_SET))
		abort();
	return fd;
}

/* All chunks of the file as text; *end is what the source ended with, *why its message (copied,
 * never freed). An unknown file gives "" and -EINVAL. */
static inline struct buf text_of(struct bytes file, int *end, char **why)
{
	struct trace_printer p = { 0 };
	struct buf out = { 0 };
	const char *reason = NULL;
	struct source *s = source_open_file(fd_of(file), &reason);
	int64_t settled;
	struct chunk c;
	int rc = -EINVAL;

	if (s) {
		while ((rc = s->ops->next(s, &c, &settled)) == 1)
			trace_print(&p, &out, &c);
		*why = s->why ? strdup(s->why) : NULL;
		s->ops->free(s);
	} else {
		*why = strdup(reason);
	}
	*end = rc;
	trace_printer_release(&p);
	return out;
}

static inline void assert_file_at(struct bytes file, const char *text, const char *file_name,
				  int line)
{
	char *why;
	int end;
	struct buf out = text_of(file, &end, &why);

	if (bytes_equal(buf_bytes(&out), bytes_str(text)) && end == -ENODATA) {
		buf_release(&out);
		free(why);
		return;
	}
	fprintf(stderr, "got (ends with %d, %s):\n%.*s\nwant:\n%s\n", end, why ? why : "-",
		(int)out.len, (const char *)buf_bytes(&out).p, text);
	_fail(file_name, line);
}

#define assert_file(file, text) assert_file_at((file), (text), __FILE__, __LINE__)

#endif
