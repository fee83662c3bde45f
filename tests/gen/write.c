/* SPDX-License-Identifier: BSD-2-Clause */
/* Every way of writing into a socket. */
#include "gen.h"

#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { IOVECS = 1024, THREADS = 4, MESSAGES = 8 };

size_t next_size(size_t *turn, size_t left)
{
	static const size_t sizes[] = { 1, 9, 100, 4096, 5000, 32768, 17, 65536, 2000, 50001 };
	size_t n = sizes[(*turn)++ % (sizeof(sizes) / sizeof(*sizes))];

	return n < left ? n : left;
}

/* One of the loops around a call that may take only a part; f(fd, p, n) is the call. */
#define IN_PIECES(call)                                                                            \
	do {                                                                                       \
		size_t turn = 0;                                                                   \
		while (len) {                                                                      \
			size_t n = next_size(&turn, len);                                          \
			ssize_t k = (call);                                                        \
			if (k < 0 && (errno == EOPNOTSUPP || errno == ENOSYS))                     \
				return -errno;                                                     \
			if (k < 0)                                                                 \
				die(__func__);                                                     \
			data += k;                                                                 \
			len -= (size_t)k;                                                          \
		}                                                                                  \
		return 0;                                                                          \
	} while (0)

static int by_write(int fd, const uint8_t *data, size_t len)
{
	IN_PIECES(write(fd, data, n));
}

static int by_send(int fd, const uint8_t *data, size_t len)
{
	IN_PIECES(send(fd, data, n, MSG_NOSIGNAL));
}

static int by_sendto(int fd, const uint8_t *data, size_t len)
{
	IN_PIECES(sendto(fd, data, n, 0, NULL, 0));
}

static int by_pwritev2(int fd, const uint8_t *data, size_t len)
{
	struct iovec v[2];

	IN_PIECES((v[0] = (struct iovec){ (void *)data, n / 3 },
		   v[1] = (struct iovec){ (void *)(data + n / 3), n - n / 3 },
		   pwritev2(fd, v, 2, -1, 0)));
}

static int by_sendmsg(int fd, const uint8_t *data, size_t len)
{
	struct iovec v[3];
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 3 };

	IN_PIECES((v[0] = (struct iovec){ (void *)data, n / 2 }, v[1] = (struct iovec){ 0 },
		   v[2] = (struct iovec){ (void *)(data + n / 2), n - n / 2 }, sendmsg(fd, &m, 0)));
}

/* Segments of size bytes in 1,024 iovecs, every gap-th of which is not empty. */
static int by_iovecs(int fd, const uint8_t *data, size_t len, size_t size, int gap)
{
	static struct iovec v[IOVECS];

	while (len) {
		size_t at = 0;
		ssize_t k;

		for (int i = 0; i < IOVECS; i++) {
			size_t n = i % gap || at >= len ? 0 : len - at < size ? len - at : size;

			v[i] = (struct iovec){ (void *)(data + at), n };
			at += n;
		}
		k = writev(fd, v, IOVECS);
		if (k < 0)
			die("writev");
		data += k;
		len -= (size_t)k;
	}
	return 0;
}

static int by_writev_9(int fd, const uint8_t *data, size_t len)
{
	return by_iovecs(fd, data, len, 9, 1);
}

static int by_writev_empty(int fd, const uint8_t *data, size_t len)
{
	return by_iovecs(fd, data, len, 333, 3);
}

static int by_writev_1000(int fd, const uint8_t *data, size_t len)
{
	return by_iovecs(fd, data, len, 1000, 1);
}

static int by_sendmmsg(int fd, const uint8_t *data, size_t len)
{
	size_t turn = 0;

	while (len) {
		struct mmsghdr m[MESSAGES] = { 0 };
		struct iovec v[MESSAGES];
		size_t at = 0;
		int cnt = 0, k;

		for (; cnt < MESSAGES && at < len; cnt++) {
			v[cnt] = (struct iovec){ (void *)(data + at), next_size(&turn, len - at) };
			at += v[cnt].iov_len;
			m[cnt].msg_hdr.msg_iov = &v[cnt];
			m[cnt].msg_hdr.msg_iovlen = 1;
		}
		k = sendmmsg(fd, m, (unsigned)cnt, 0);
		if (k < 0)
			die("sendmmsg");
		for (int i = 0; i < k; i++) {
			data += m[i].msg_len;
			len -= m[i].msg_len;
			if (m[i].msg_len != v[i].iov_len && i != k - 1)
				die("sendmmsg: a part in the middle");
		}
	}
	return 0;
}

/* Small send buffer, never blocks: many writes take a part or nothing. */
static int by_nonblocking(int fd, const uint8_t *data, size_t len)
{
	int small = 4608, flags = fcntl(fd, F_GETFL);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	while (len) {
		size_t n = len < 200000 ? len : 200000;
		ssize_t k = write(fd, data, n);

		if (k < 0 && errno == EAGAIN) {
			struct pollfd p = { fd, POLLOUT, 0 };

			poll(&p, 1, 1000);
			continue;
		}
		if (k < 0)
			die("non-blocking write");
		data += k;
		len -= (size_t)k;
	}
	fcntl(fd, F_SETFL, flags);
	return 0;
}

static int by_one_write(int fd, const uint8_t *data, size_t len)
{
	write_all(fd, data, len, "one write");
	return 0;
}

/* ---- without user memory ---- */

static int by_sendfile(int fd, const uint8_t *data, size_t len)
{
	int file = memfd_create("gen", 0);
	off_t at = 0;

	write_all(file, data, len, "memfd");
	while ((size_t)at < len) {
		if (sendfile(fd, file, &at, len - (size_t)at) < 0) {
			close(file);
			if (at == 0 && errno == EINVAL)
				return -errno;
			die("sendfile");
		}
	}
	close(file);
	return 0;
}

static int by_splice(int fd, const uint8_t *data, size_t len)
{
	int pipe_fd[2];
	size_t turn = 0;

	if (pipe(pipe_fd))
		die("pipe");
	while (len) {
		size_t n = next_size(&turn, len), left;

		n = left = n < 65536 ? n : 65536;
		if (write(pipe_fd[1], data, n) != (ssize_t)n)
			die("write to the pipe");
		while (left) {
			ssize_t k = splice(pipe_fd[0], NULL, fd, NULL, left, 0);

			if (k <= 0)
				die("splice in");
			left -= (size_t)k;
		}
		data += n;
		len -= n;
	}
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

/* ---- io_uring ---- */

enum ring_op { RING_SEND, RING_WRITE, RING_SENDMSG };

static int by_ring(int fd, const uint8_t *data, size_t len, enum ring_op op)
{
	struct io_uring ring;
	size_t turn = 0;
	int rc = io_uring_queue_init(4, &ring, 0);

	if (rc)
		return rc;
	while (len) {
		struct iovec v = { (void *)data, next_size(&turn, len) };
		struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct io_uring_cqe *cqe;

		if (op == RING_SEND)
			io_uring_prep_send(sqe, fd, data, v.iov_len, 0);
		else if (op == RING_WRITE)
			io_uring_prep_write(sqe, fd, data, (unsigned)v.iov_len, 0);
		else
			io_uring_prep_sendmsg(sqe, fd, &m, 0);
		io_uring_submit(&ring);
		if (io_uring_wait_cqe(&ring, &cqe) || cqe->res < 0)
			die("io_uring");
		data += cqe->res;
		len -= (size_t)cqe->res;
		io_uring_cqe_seen(&ring, cqe);
	}
	io_uring_queue_exit(&ring);
	return 0;
}

static int by_ring_send(int fd, const uint8_t *data, size_t len)
{
	return by_ring(fd, data, len, RING_SEND);
}

static int by_ring_write(int fd, const uint8_t *data, size_t len)
{
	return by_ring(fd, data, len, RING_WRITE);
}

static int by_ring_sendmsg(int fd, const uint8_t *data, size_t len)
{
	return by_ring(fd, data, len, RING_SENDMSG);
}

/* ---- several at once: what order results, only the reader knows ---- */

struct share {
	pthread_t thread;
	int fd;
	const uint8_t *data;
	size_t len;
};

static void *write_share(void *arg)
{
	struct share *s = arg;

	by_write(s->fd, s->data, s->len);
	return NULL;
}

/* The label goes first, alone: a capture is recognised by it. */
static size_t write_label(int fd, const uint8_t *data)
{
	size_t n = (size_t)((const uint8_t *)strchr((const char *)data, '\n') + 1 - data);

	by_write(fd, data, n);
	return n;
}

static int by_threads(int fd, const uint8_t *data, size_t len)
{
	struct share s[THREADS];
	size_t n = write_label(fd, data), each = (len - n) / THREADS;

	for (int i = 0; i < THREADS; i++) {
		s[i] = (struct share){ .fd = fd, .data = data + n, .len = each };
		n += each;
		if (i == THREADS - 1)
			s[i].len += len - n;
		pthread_create(&s[i].thread, NULL, write_share, &s[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(s[i].thread, NULL);
	return 0;
}

static int by_processes(int fd, const uint8_t *data, size_t len)
{
	size_t n = write_label(fd, data), each = (len - n) / THREADS;
	pid_t pid[THREADS];

	for (int i = 0; i < THREADS; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			by_write(fd, data + n, i == THREADS - 1 ? len - n : each);
			_exit(0);
		}
		n += each;
	}
	for (int i = 0; i < THREADS; i++)
		waitpid(pid[i], NULL, 0);
	return 0;
}

/* ---- with something beside the bytes ---- */

int write_fds(int fd, const uint8_t *data, size_t len)
{
	union control control;
	int fds[MAX_FDS] = { 1, 2 };
	struct iovec v = { 0 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	attach_fds(&m, &control, fds, MAX_FDS);
	IN_PIECES((v = (struct iovec){ (void *)data, n }, sendmsg(fd, &m, 0)));
}

/* Every second message's last byte is urgent, where the kernel has that. */
int write_oob(int fd, const uint8_t *data, size_t len)
{
	size_t n = write_label(fd, data), turn = 3;

	for (int i = 0; n < len; i++) {
		size_t m = next_size(&turn, len - n);
		ssize_t k = send(fd, data + n, m, i % 2 ? MSG_OOB : 0);

		if (k < 0 && i == 1 && errno == EOPNOTSUPP)
			return by_write(fd, data + n, len - n);
		if (k < 0)
			die("send MSG_OOB");
		n += (size_t)k;
	}
	return 0;
}

/* The last byte is urgent, and the only one that waits when the writer ends. */
int write_last_oob(int fd, const uint8_t *data, size_t len)
{
	int waits = 1;

	write_all(fd, data, len - 1, "write before MSG_OOB");
	while (waits) {
		if (ioctl(fd, SIOCOUTQ, &waits))
			die("SIOCOUTQ");
		usleep(1000);
	}
	if (send(fd, data + len - 1, 1, MSG_OOB) != 1)
		write_all(fd, data + len - 1, 1, "write for MSG_OOB");
	return 0;
}

const struct writer writers[] = {
	{ "write", by_write, 0 },
	{ "writev-9-bytes", by_writev_9, 0 },
	{ "writev-many-empty", by_writev_empty, 0 },
	{ "writev-1024x1000", by_writev_1000, 1024 * 1000 },
	{ "pwritev2", by_pwritev2, 0 },
	{ "send", by_send, 0 },
	{ "sendto", by_sendto, 0 },
	{ "sendmsg", by_sendmsg, 0 },
	{ "sendmmsg", by_sendmmsg, 0 },
	{ "io_uring-send", by_ring_send, 0 },
	{ "io_uring-write", by_ring_write, 0 },
	{ "io_uring-sendmsg", by_ring_sendmsg, 0 },
	{ "splice", by_splice, 0 },
	{ "sendfile", by_sendfile, 0 },
	{ "partial-writes", by_nonblocking, 3000000 },
	{ "threads", by_threads, 4000000 },
	{ "processes", by_processes, 4000000 },
	{ "64-MiB-write", by_one_write, 64 << 20 },
	{ 0 },
};
