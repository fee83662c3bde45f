/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "conn/stream.h"

static struct stream_step push(struct stream *s, uint64_t off, const char *bytes, uint64_t len)
{
	struct chunk c = { .kind = CHUNK_DATA, .off = off, .len = len, .data = bytes_str(bytes) };

	return stream_push(s, &c);
}

static void bytes_in_order_pass_as_they_are(void **state)
{
	struct stream s = { .has_begun = true };
	struct stream_step step = push(&s, 0, "abc", 3);

	assert_text(step.data, "abc");
	assert_int_equal(step.gap, 0);
	step = push(&s, 3, "d", 1);
	assert_text(step.data, "d");
	assert_int_equal(s.fed, 4);
}

static void a_jump_of_the_offset_is_a_gap_of_that_size(void **state)
{
	struct stream s = { .has_begun = true };
	struct stream_step step = push(&s, 10, "abc", 3);

	assert_int_equal(step.gap, 10);
	assert_int_equal(step.cause, GAP_RINGBUF_DROP);
	assert_text(step.data, "abc");
	assert_int_equal(s.lost, 10);
	assert_int_equal(stream_end(&s, 20), 7);
	assert_int_equal(s.lost, 17);
	assert_int_equal(stream_end(&s, 20), 0);
}

static void what_comes_twice_is_dropped(void **state)
{
	struct stream s = { .has_begun = true };
	struct stream_step step;

	push(&s, 0, "abcd", 4);
	step = push(&s, 1, "bc", 2);
	assert_int_equal(step.data.len, 0);
	assert_int_equal(s.repeated, 2);
	step = push(&s, 2, "cdef", 4);
	assert_text(step.data, "ef");
	assert_int_equal(s.fed, 6);
	assert_int_equal(s.repeated, 4);
	assert_int_equal(s.lost, 0);
}

static void a_cut_chunk_gives_its_bytes_then_says_how_many_are_missing(void **state)
{
	struct stream s = { .has_begun = true };
	struct stream_step step = push(&s, 0, "abc", 10);

	assert_text(step.data, "abc");
	assert_int_equal(step.cut, 7);
	step = push(&s, 10, "x", 1);
	assert_int_equal(step.gap, 0);
	assert_text(step.data, "x");
	step = push(&s, 5, "abc", 10); /* repeated bytes of it are the ones that were copied */
	assert_int_equal(step.data.len, 0);
	assert_int_equal(step.cut, 4);
	assert_int_equal(s.fed + s.cut + s.lost, 15);
}

static void lost_bytes_are_a_gap_with_their_cause(void **state)
{
	struct stream s = { .has_begun = true };
	struct chunk c = { .kind = CHUNK_LOST, .cause = GAP_TRUNCATED, .off = 4, .len = 6 };
	struct stream_step step = stream_push(&s, &c);

	assert_int_equal(step.gap, 10);
	assert_int_equal(step.cause, GAP_TRUNCATED);
	assert_int_equal(s.lost, 10);
	assert_int_equal(s.next, 10);
}

static void a_stream_may_begin_anywhere(void **state)
{
	struct stream s = { 0 };
	struct stream_step step = push(&s, 1000, "abc", 3);

	assert_int_equal(step.gap, 0);
	assert_text(step.data, "abc");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_in_order_pass_as_they_are),
		cmocka_unit_test(a_jump_of_the_offset_is_a_gap_of_that_size),
		cmocka_unit_test(what_comes_twice_is_dropped),
		cmocka_unit_test(a_cut_chunk_gives_its_bytes_then_says_how_many_are_missing),
		cmocka_unit_test(lost_bytes_are_a_gap_with_their_cause),
		cmocka_unit_test(a_stream_may_begin_anywhere),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
