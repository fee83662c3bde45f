/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture/ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <unistd.h>

int ring_init(struct ring *r, int fd, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return -errno;
	producer = mmap(NULL, page + 2 * size, PROT_READ, MAP_SHARED, fd, (off_t)page);
	if (producer == MAP_FAILED) {
		int err = -errno;

		munmap(consumer, page);
		return err;
	}
	*r = (struct ring){
		.consumer = consumer,
		.producer = producer,
		.data = (const uint8_t *)producer + page,
		.size = size,
	};
	r->at = r->end = r->given_back = *r->consumer;
	return 0;
}

void ring_release(struct ring *r)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (!r->consumer)
		return;
	munmap(r->consumer, page);
	munmap((void *)(uintptr_t)r->producer, page + 2 * r->size);
	*r = (struct ring){ 0 };
}

void ring_round(struct ring *r)
{
	r->end = __atomic_load_n(r->producer, __ATOMIC_ACQUIRE);
}

int ring_next(struct ring *r, struct bytes *rec)
{
	while (r->at < r->end) {
		const uint8_t *head = r->data + (r->at & (r->size - 1));
		uint32_t word = __atomic_load_n((const uint32_t *)(const void *)head,
						__ATOMIC_ACQUIRE);
		uint32_t len = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (word & BPF_RINGBUF_BUSY_BIT)
			return -EAGAIN;
		r->at += (len + BPF_RINGBUF_HDR_SZ + 7) & ~7ull;
		if (word & BPF_RINGBUF_DISCARD_BIT)
			continue;
		*rec = bytes_of(head + BPF_RINGBUF_HDR_SZ, len);
		return 1;
	}
	return 0;
}

void ring_done(struct ring *r)
{
	if (r->at - r->given_back < r->size / 16 && r->at < r->end)
		return;
	if (r->at == r->given_back)
		return;
	__atomic_store_n(r->consumer, r->at, __ATOMIC_RELEASE);
	r->given_back = r->at;
}
