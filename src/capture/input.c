/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/input.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "util/watch.h"
#include "util/xalloc.h"

#define READ_LEN (256u << 10) /* larger reads are not faster, and leave the L2 cache */

void input_init(struct input *in, int fd)
{
	/* not fstat(), which is newfstatat() to the kernel, and that the sandbox forbids */
	off_t here = lseek(fd, 0, SEEK_CUR), end = here < 0 ? -1 : lseek(fd, 0, SEEK_END);

	*in = (struct input){ .fd = fd, .cap = READ_LEN };
	in->mem = xmalloc(in->cap);
	if (end > here && lseek(fd, here, SEEK_SET) == here)
		in->size = (uint64_t)(end - here);
}

void input_release(struct input *in)
{
	if (!in->mem)
		return;
	free(in->mem);
	if (in->fd >= 0)
		close(in->fd);
	*in = (struct input){ .fd = -1 };
}

static void make_room(struct input *in, size_t n)
{
	if (in->head && in->head + n > in->cap) {
		memmove(in->mem, in->mem + in->head, in->len);
		in->head = 0;
	}
	if (n <= in->cap)
		return;
	while (in->cap < n)
		in->cap *= 2;
	in->mem = xrealloc(in->mem, in->cap);
}

static bool has_more_now(struct input *in)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	return poll(&p, 1, 0) != 0;
}

int input_need(struct input *in, size_t n)
{
	if (n <= in->len)
		return 1;
	make_room(in, n);
	while (in->len < n && !in->eof) {
		ssize_t got;

		if (in->may_wait && !has_more_now(in))
			return -EAGAIN;
		got = read(in->fd, in->mem + in->head + in->len, in->cap - in->head - in->len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		watch_step();
		in->eof = got == 0;
		in->len += (size_t)got;
	}
	return in->len >= n;
}

void input_skip(struct input *in, size_t n)
{
	in->head += n;
	in->len -= n;
	in->off += n;
	if (!in->len)
		in->head = 0;
}

void input_wait(struct input *in, int timeout_ms)
{
	struct pollfd p = { .fd = in->fd, .events = POLLIN };

	poll(&p, 1, timeout_ms);
}
