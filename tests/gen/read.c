/* SPDX-License-Identifier: BSD-2-Clause */
/* Every way of reading from a socket. */
#include "gen.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum { BUF = 1 << 20, MESSAGES = 8 };

static uint8_t *buffer(void)
{
	static uint8_t *mem;

	if (!mem)
		mem = malloc(BUF);
	return mem;
}

/* The loop around a call that reads up to n bytes into p. */
#define UNTIL_END(most, call)                                                                      \
	do {                                                                                       \
		uint8_t *p = buffer();                                                             \
		while (len) {                                                                      \
			size_t n = len < (most) ? len : (most);                                    \
			ssize_t k = (call);                                                        \
			if (k < 0 && errno == EINTR)                                               \
				continue;                                                          \
			if (k < 0)                                                                 \
				die(__func__);                                                     \
			if (k == 0)                                                                \
				return 0;                                                          \
			store_put(s, p, (size_t)k);                                                \
			len -= (size_t)k;                                                          \
		}                                                                                  \
		return 0;                                                                          \
	} while (0)

static int by_read(int fd, size_t len, struct store *s)
{
	UNTIL_END(BUF, read(fd, p, n));
}

static int by_small_read(int fd, size_t len, struct store *s)
{
	UNTIL_END(37, read(fd, p, n));
}

static int by_recv(int fd, size_t len, struct store *s)
{
	UNTIL_END(10000, recv(fd, p, n, 0));
}

static int by_recv_waitall(int fd, size_t len, struct store *s)
{
	UNTIL_END(100000, recv(fd, p, n, MSG_WAITALL));
}

static int by_recvfrom(int fd, size_t len, struct store *s)
{
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);

	UNTIL_END(70000, recvfrom(fd, p, n, 0, (struct sockaddr *)&from, &from_len));
}

static int by_readv(int fd, size_t len, struct store *s)
{
	struct iovec v[3];

	UNTIL_END(9000, (v[0] = (struct iovec){ p, n / 7 }, v[1] = (struct iovec){ 0 },
			 v[2] = (struct iovec){ p + n / 7, n - n / 7 }, readv(fd, v, 3)));
}

/* Closes the descriptors that came along. */
static void close_passed(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
				close(((int *)CMSG_DATA(c))[i]);
}

static ssize_t receive_message(int fd, uint8_t *p, size_t n)
{
	union {
		char mem[256];
		struct cmsghdr align;
	} control;
	struct iovec v = { p, n };
	struct msghdr m = {
		.msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t k = recvmsg(fd, &m, 0);

	if (k >= 0)
		close_passed(&m);
	return k;
}

int read_messages(int fd, size_t len, struct store *s)
{
	UNTIL_END(BUF, receive_message(fd, p, n));
}

static int by_recvmmsg(int fd, size_t len, struct store *s)
{
	while (len) {
		struct mmsghdr m[MESSAGES] = { 0 };
		struct iovec v[MESSAGES];
		size_t each = len / MESSAGES + 1 < 20000 ? len / MESSAGES + 1 : 20000;
		int k;

		for (int i = 0; i < MESSAGES; i++) {
			v[i] = (struct iovec){ buffer() + (size_t)i * each, each };
			m[i].msg_hdr.msg_iov = &v[i];
			m[i].msg_hdr.msg_iovlen = 1;
		}
		k = recvmmsg(fd, m, len < MESSAGES ? 1 : MESSAGES, MSG_WAITFORONE, NULL);
		if (k < 0)
			die("recvmmsg");
		if (k == 0 || !m[0].msg_len)
			return 0;
		for (int i = 0; i < k; i++) {
			store_put(s, v[i].iov_base, m[i].msg_len);
			len -= m[i].msg_len;
		}
	}
	return 0;
}

/* Looks at everything twice before it takes it. */
static int by_peek(int fd, size_t len, struct store *s)
{
	UNTIL_END(30000, (recv(fd, p, n, MSG_PEEK) <= 0 ? 0 : recv(fd, p, n / 2 + 1, MSG_PEEK),
			  read(fd, p, n)));
}

static int by_nonblocking(int fd, size_t len, struct store *s)
{
	struct pollfd w = { fd, POLLIN, 0 };

	UNTIL_END(5000, (poll(&w, 1, 1), n = (size_t)recv(fd, p, n, MSG_DONTWAIT),
			 (ssize_t)n < 0 && errno == EAGAIN ? (errno = EINTR, -1) : (ssize_t)n));
}

static int by_splice(int fd, size_t len, struct store *s)
{
	int pipe_fd[2];

	if (pipe(pipe_fd))
		die("pipe");
	while (len) {
		ssize_t k = splice(fd, NULL, pipe_fd[1], NULL, len < 65536 ? len : 65536, 0);
		size_t left = (size_t)k;

		if (k < 0)
			die("splice out");
		if (k == 0)
			break;
		while (left) {
			ssize_t n = read(pipe_fd[0], buffer(), left);

			if (n <= 0)
				die("read from the pipe");
			store_put(s, buffer(), (size_t)n);
			left -= (size_t)n;
		}
		len -= (size_t)k;
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

static int by_ring(int fd, size_t len, struct store *s)
{
	struct io_uring ring;
	int rc = io_uring_queue_init(4, &ring, 0);

	if (rc)
		return rc;
	while (len) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct io_uring_cqe *cqe;
		int k;

		io_uring_prep_recv(sqe, fd, buffer(), len < 30000 ? len : 30000, 0);
		io_uring_submit(&ring);
		if (io_uring_wait_cqe(&ring, &cqe) || cqe->res < 0)
			die("io_uring receive");
		k = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
		if (!k)
			break;
		store_put(s, buffer(), (size_t)k);
		len -= (size_t)k;
	}
	io_uring_queue_exit(&ring);
	return 0;
}

/* Reads into memory that is not there: EFAULT, and the bytes stay in the socket. */
static int by_fault(int fd, size_t len, struct store *s)
{
	uint8_t *hole = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(hole + 4096, 4096, PROT_NONE);
	UNTIL_END(7000, (recv(fd, hole + 4096, 4096, 0), recv(fd, p, n, 0)));
}

/* The urgent byte if it is to be taken and there is one, or else what is there to read. */
static ssize_t read_beside_oob(int fd, uint8_t *p, size_t len, int takes_urgent)
{
	ssize_t k;
	int left = 0;

	if (takes_urgent && recv(fd, p, 1, MSG_OOB | MSG_DONTWAIT) == 1)
		return 1;
	/* 0 is not always the end: up to 6.9.7, once the writer has shut down, also what a read
	 * gets that begins where an urgent byte was taken (mended by 93c99f21db36). */
	do {
		k = read(fd, p, len);
		if (k < 0 || ioctl(fd, FIONREAD, &left))
			die("read beside MSG_OOB");
	} while (!k && left);
	return k;
}

static size_t read_label(int fd, struct store *s)
{
	uint8_t *p = buffer();

	do {
		if (read(fd, p, 1) != 1)
			die("read the label");
		store_put(s, p, 1);
	} while (*p != '\n');
	return s->len;
}

/* Takes the urgent byte whenever there is one, before what stands ahead of it; but first the
 * label. */
int read_oob(int fd, size_t len, struct store *s)
{
	len -= read_label(fd, s);
	UNTIL_END(3000, read_beside_oob(fd, p, n, 1));
}

/* Takes the urgent byte where it stands. */
int read_oob_at_mark(int fd, size_t len, struct store *s)
{
	int is_there = 0;

	UNTIL_END(3000, (ioctl(fd, SIOCATMARK, &is_there), read_beside_oob(fd, p, n, is_there)));
}

/* Takes the last byte when the writer is gone, an urgent one as such. What a read of no bytes
 * returns before that is not the end. */
int read_after_close(int fd, size_t len, struct store *s)
{
	struct pollfd writer = { .fd = fd };
	uint8_t byte;

	by_read(fd, len - 1, s);
	while (!(writer.revents & POLLHUP))
		poll(&writer, 1, 1000);
	if (recv(fd, &byte, 1, MSG_OOB | MSG_DONTWAIT) != 1 &&
	    (recv(fd, &byte, 0, 0) || read(fd, &byte, 1) != 1))
		die("read after the writer's end");
	store_put(s, &byte, 1);
	return 0;
}

const struct reader readers[] = {
	{ "read", by_read },
	{ "small-read", by_small_read },
	{ "readv", by_readv },
	{ "recv", by_recv },
	{ "recv-waitall", by_recv_waitall },
	{ "recvfrom", by_recvfrom },
	{ "recvmsg", read_messages },
	{ "recvmmsg", by_recvmmsg },
	{ "peek", by_peek },
	{ "nonblocking", by_nonblocking },
	{ "io_uring-recv", by_ring },
	{ "efault", by_fault },
	{ "splice-out", by_splice },
	{ 0 },
};
