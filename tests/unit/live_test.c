/* SPDX-License-Identifier: BSD-2-Clause */
/* What a live source makes of the slots that a sweep did not find; its memory is a file's. */
#include "test.h"

#include "../../bpf/event.h"
#include "capture/chunk.h"
#include "capture/live.h"
#include "capture/source.h"

enum { RING = 4096, SLOT = 7, ID = 4711 };

static struct spf_control *control;
static struct spf_slot *slots;
static uint8_t *ring; /* a page each for how far it is read and written, and what is in it */
static size_t page;
static uint32_t freed;

static void free_slots(void *arg, const uint32_t *numbers, uint32_t cnt)
{
	assert_int_equal(cnt, 1);
	freed = numbers[0];
}

/* Memory that the source can map too, mapped at *at. */
static int shared(size_t len, void **at)
{
	int fd = memfd_create("live_test", 0);

	assert_true(fd >= 0 && !ftruncate(fd, (off_t)len));
	*at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(*at != MAP_FAILED);
	return fd;
}

static struct source *begin(void)
{
	struct live_maps maps = { .ring_size = RING };
	void *at[3];

	page = (size_t)sysconf(_SC_PAGESIZE);
	maps.ring = shared(2 * page + 2 * RING, &at[0]);
	maps.control = shared(sizeof(*control), &at[1]);
	maps.slots = shared(SPF_SLOTS * sizeof(*slots), &at[2]);
	ring = at[0];
	control = at[1];
	slots = at[2];
	freed = SPF_SLOTS;
	return live_new(&maps, free_slots, NULL);
}

static void end(struct source *s)
{
	s->ops->free(s);
	munmap(ring, 2 * page + 2 * RING);
	munmap(control, sizeof(*control));
	munmap(slots, SPF_SLOTS * sizeof(*slots));
}

/* A sweep ends; returns how many sockets the source says are closed. */
static int sweep(struct source *s)
{
	int64_t settled;
	struct chunk c;
	int closed = 0;

	control->sweep++;
	control->swept = control->sweep;
	for (int i = 0; i < 3; i++)
		while (s->ops->next(s, &c, &settled) > 0)
			closed += c.kind == CHUNK_CLOSE && c.sock == ID;
	return closed;
}

/* The socket's first bytes are captured, none of them copied. */
static void say(void)
{
	struct spf_event_data e = {
		.e = { .kind = SPF_EVENT_DATA, .slot = SLOT, .sock = ID },
		.len = 1,
	};
	uint32_t head[2] = { sizeof(e), 0 };

	memcpy(ring + 2 * page, head, sizeof(head));
	memcpy(ring + 2 * page + sizeof(head), &e, sizeof(e));
	*(uint64_t *)(void *)(ring + page) = sizeof(head) + sizeof(e);
}

/* Its slot is taken, but no sweep can find it before the program that saw it goes on. */
static void a_slot_that_was_just_taken_is_not_given_away(void **state)
{
	struct source *s = begin();

	slots[SLOT].sock = ID;
	slots[SLOT].seen = control->sweep;
	assert_int_equal(sweep(s), 0);
	assert_int_equal(freed, SPF_SLOTS);
	assert_int_equal(slots[SLOT].sock, ID);
	slots[SLOT].seen = control->sweep;
	say();
	assert_int_equal(sweep(s), 1);
	end(s);
}

static void a_socket_that_said_nothing_is_forgotten_one_sweep_later(void **state)
{
	struct source *s = begin();

	slots[SLOT].sock = ID;
	slots[SLOT].seen = control->sweep;
	sweep(s);
	assert_int_equal(sweep(s), 0);
	assert_int_equal(freed, SLOT);
	assert_int_equal(slots[SLOT].sock, 0);
	end(s);
}

static void a_socket_that_was_heard_of_is_closed_once_and_kept_until_forgotten(void **state)
{
	struct source *s = begin();

	slots[SLOT].sock = ID;
	slots[SLOT].seen = control->sweep;
	say();
	assert_int_equal(sweep(s), 1);
	assert_int_equal(sweep(s), 0);
	assert_int_equal(freed, SPF_SLOTS);
	live_forget(s, ID);
	assert_int_equal(sweep(s), 0);
	assert_int_equal(freed, SLOT);
	end(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_that_was_just_taken_is_not_given_away),
		cmocka_unit_test(a_socket_that_said_nothing_is_forgotten_one_sweep_later),
		cmocka_unit_test(a_socket_that_was_heard_of_is_closed_once_and_kept_until_forgotten),
	};

	return cmocka_run_group_tests_name("live", tests, NULL, NULL);
}
