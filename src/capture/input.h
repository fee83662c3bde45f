/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffered reading of a capture file or pipe, front to back, with the offset for messages.
 *
 * Memory is what the caller asks to see at once (its formats have their own limits), never the
 * file. Only read(2) is called, so it works behind the sandbox.
 */
#ifndef SPF_CAPTURE_INPUT_H
#define SPF_CAPTURE_INPUT_H

#include "util/buf.h"

struct input {
	int fd;
	bool eof;
	bool may_wait;   /* a pipe: input_need() says -EAGAIN rather than to sleep */
	uint64_t off;    /* of the first byte that was not skipped */
	uint64_t size;   /* of a file from where it began to be read; 0 = not known: a pipe */
	uint8_t *mem;
	size_t head, len, cap;
};

/* fd stays the caller's until input_release(), which closes it. */
void input_init(struct input *in, int fd);
void input_release(struct input *in);

/* Makes at least n bytes visible: 1; 0 if the file ends before (what there is, is visible);
 * -EAGAIN if a pipe has no more now; another -errno of read(2). */
int input_need(struct input *in, size_t n);

/* The visible bytes; valid until the next input_need(). */
static inline struct bytes input_bytes(const struct input *in)
{
	return bytes_of(in->mem + in->head, in->len);
}

/* Passes n <= visible bytes. */
void input_skip(struct input *in, size_t n);

/* Sleeps until a pipe has more, at most timeout_ms. */
void input_wait(struct input *in, int timeout_ms);

#endif
