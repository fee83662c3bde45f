/* SPDX-License-Identifier: BSD-2-Clause */
/* Reader of a BPF ring buffer, on its memory alone: no system call, so the worker can use it
 * after it has given up bpf(2). Layout: Linux kernel/bpf/ringbuf.c.
 *
 *     page 0: consumer position   page 1: producer position   then the data, mapped twice
 */
#ifndef SPF_CAPTURE_RING_H
#define SPF_CAPTURE_RING_H

#include "util/bytes.h"

struct ring {
	uint64_t *consumer; /* shared with the kernel */
	const uint64_t *producer;
	const uint8_t *data;
	size_t size;  /* bytes, a power of two */
	uint64_t at;  /* where the next record is read */
	uint64_t given_back; /* the room before it */
	uint64_t end; /* records before it were reserved when ring_round() was called */
};

/* Maps the ring behind the map descriptor fd. Returns 0 or -errno. */
int ring_init(struct ring *r, int fd, size_t size);
void ring_release(struct ring *r);

/* Starts a round: everything reserved up to now is part of it. */
void ring_round(struct ring *r);

/* Gives the next record of the round: 1; 0 at its end; -EAGAIN if a record is still being
 * written by another CPU. The record stays valid until ring_done(). */
int ring_next(struct ring *r, struct bytes *rec);

/* Says that everything that ring_next() has returned is used. Its room goes back to the kernel
 * now and then, and at the end of the round: the position is in a cache line that the kernel
 * reads for each record. */
void ring_done(struct ring *r);

#endif
