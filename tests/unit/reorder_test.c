/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "capture/reorder.h"

#define MS 1000000ll
#define ALL INT64_MAX

static struct chunk base(enum chunk_kind kind, uint64_t sock, int64_t ts)
{
	struct chunk c = chunk_of(kind);

	c.sock = sock;
	c.ts_ns = ts;
	return c;
}

static void open_at(struct reorder *r, uint64_t a, uint64_t b, int64_t ts)
{
	struct chunk c = base(CHUNK_OPEN, a, ts);

	c.peer = b;
	c.addr = "/run/x";
	reorder_push(r, &c);
}

static void sent(struct reorder *r, uint64_t sock, uint64_t off, uint64_t len, int64_t ts, int pid)
{
	struct chunk c = base(CHUNK_SENT, sock, ts);

	c.off = off;
	c.len = len;
	c.has_writer = true;
	c.pid = pid;
	reorder_push(r, &c);
}

static void data(struct reorder *r, uint64_t sock, uint64_t off, const char *bytes, int64_t ts)
{
	struct chunk c = base(CHUNK_DATA, sock, ts);

	c.off = off;
	c.len = strlen(bytes);
	c.data = bytes_str(bytes);
	c.read_ns = ts;
	reorder_push(r, &c);
}

/* TCP: seen when it is sent. */
static void sending(struct reorder *r, uint64_t sock, uint64_t off, const char *bytes, int64_t ts)
{
	struct chunk c = base(CHUNK_DATA, sock, ts);

	c.off = off;
	c.len = strlen(bytes);
	c.data = bytes_str(bytes);
	c.has_writer = true;
	reorder_push(r, &c);
}

static void read_up_to(struct reorder *r, uint64_t sock, uint64_t off, int64_t ts, int pid)
{
	struct chunk c = base(CHUNK_READ, sock, ts);

	c.off = off;
	c.read_ns = ts;
	c.reader_pid = pid;
	reorder_push(r, &c);
}

/* What comes out up to settled: "1:ab 2:c" for data, "O1" and "C1" for open and close. */
static const char *take(struct reorder *r, int64_t settled)
{
	static char out[4096];
	struct chunk c;
	char *p = out;

	*p = '\0';
	while (reorder_next(r, settled, &c)) {
		p += sprintf(p, "%s", p == out ? "" : " ");
		if (c.kind == CHUNK_DATA)
			p += sprintf(p, "%d:%.*s", (int)c.sock, (int)c.data.len, (const char *)c.data.p);
		else
			p += sprintf(p, "%c%d", c.kind == CHUNK_OPEN ? 'O' : 'C', (int)c.sock);
	}
	return out;
}

static void what_is_known_to_be_in_order_is_not_held(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	open_at(r, 1, 2, 10);
	sent(r, 1, 0, 2, 20, 7);
	data(r, 1, 0, "ab", 30);
	assert_string_equal(take(r, 30), "O1 1:ab");
	assert_int_equal(reorder_held(r), 0);
	reorder_free(r);
}

static void the_order_is_that_of_writing_not_of_reading(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	open_at(r, 1, 2, 1);
	open_at(r, 3, 4, 2);
	sent(r, 1, 0, 1, 10, 7); /* written first, read last */
	sent(r, 3, 0, 1, 20, 7);
	data(r, 3, 0, "b", 30);
	assert_string_equal(take(r, 40), "O1 O3"); /* the older write is known, and not read yet */
	data(r, 1, 0, "a", 50);
	assert_string_equal(take(r, 60), "1:a 3:b");
	reorder_free(r);
}

static void an_unread_write_holds_others_for_the_window_only(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	open_at(r, 1, 2, 1);
	open_at(r, 3, 4, 2);
	sent(r, 1, 0, 1, 1 * MS, 7);
	sent(r, 3, 0, 1, 2 * MS, 7);
	data(r, 3, 0, "b", 3 * MS);
	assert_string_equal(take(r, 100 * MS), "O1 O3");
	assert_string_equal(take(r, 102 * MS), "3:b");
	data(r, 1, 0, "a", 200 * MS);
	assert_string_equal(take(r, 200 * MS), "1:a");
	assert_int_equal(reorder_stats(r)->late, 1);
	reorder_free(r);
}

static void nothing_goes_before_its_time_is_settled(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	open_at(r, 1, 2, 1);
	sent(r, 1, 0, 1, 10, 7);
	data(r, 1, 0, "a", 20);
	assert_string_equal(take(r, 9), "O1");
	assert_string_equal(take(r, 10), "1:a");
	reorder_free(r);
}

/* The writer is interrupted between queueing its bytes and reporting them: the response is
 * written, and even reported, before the request's report comes. */
static void a_response_never_precedes_its_request(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	open_at(r, 1, 2, 1);
	data(r, 1, 0, "req", 100);
	sent(r, 2, 0, 4, 200, 9);
	data(r, 2, 0, "resp", 300);
	sent(r, 1, 0, 3, 400, 7);
	assert_string_equal(take(r, 500), "O1 1:req 2:resp");
	reorder_free(r);
}

static void the_author_comes_from_the_report_even_if_it_is_late(void **state)
{
	struct reorder *r = reorder_new(100 * MS);
	struct chunk c;

	open_at(r, 1, 2, 1);
	data(r, 1, 0, "a", 10);
	assert_int_equal(reorder_next(r, 20, &c), 1); /* OPEN */
	assert_int_equal(reorder_next(r, 20, &c), 0); /* waits for its author */
	sent(r, 1, 0, 1, 30, 42);
	assert_int_equal(reorder_next(r, 40, &c), 1);
	assert_true(c.has_writer);
	assert_int_equal(c.pid, 42);
	assert_int_equal(c.ts_ns, 10);
	data(r, 1, 1, "b", 50);
	assert_int_equal(reorder_next(r, 60, &c), 0);
	assert_int_equal(reorder_next(r, 60 + 5 * MS, &c), 1); /* given up */
	assert_false(c.has_writer);
	assert_int_equal(reorder_stats(r)->no_writer, 1);
	reorder_free(r);
}

static void each_write_of_a_direction_keeps_its_own_author(void **state)
{
	struct reorder *r = reorder_new(100 * MS);
	struct chunk c;

	open_at(r, 1, 2, 1);
	sent(r, 1, 0, 3, 10, 100);
	sent(r, 1, 3, 2, 20, 200);
	data(r, 1, 0, "ab", 30);
	data(r, 1, 2, "c", 31);
	data(r, 1, 3, "de", 32);
	assert_int_equal(reorder_unread(r, 1), 0);
	assert_int_equal(reorder_next(r, 40, &c), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(reorder_next(r, 40, &c), 1);
		assert_int_equal(c.pid, i < 2 ? 100 : 200);
		assert_int_equal(c.ts_ns, i < 2 ? 10 : 20);
	}
	reorder_free(r);
}

static void bytes_of_a_socket_without_news_wait_for_the_news(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	data(r, 1, 0, "a", 10);
	assert_string_equal(take(r, 20), "");
	open_at(r, 1, 2, 30);
	sent(r, 1, 0, 1, 31, 7);
	assert_string_equal(take(r, 40), "O1 1:a");
	data(r, 9, 0, "z", 50); /* never announced: given after the window, and counted */
	assert_string_equal(take(r, 60), "");
	assert_string_equal(take(r, 50 + 101 * MS), "9:z");
	assert_int_equal(reorder_stats(r)->orphans, 1);
	data(r, 9, 1, "y", 200 * MS); /* given up once; and its news are still news */
	open_at(r, 9, 8, 201 * MS);
	assert_string_equal(take(r, 300 * MS), "O9 9:y");
	assert_int_equal(reorder_stats(r)->orphans, 1);
	reorder_free(r);
}

/* The other end is announced first: its OPEN still goes before what waits at this one. */
static void news_of_one_end_is_news_of_both(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	data(r, 1, 0, "a", 10);
	sent(r, 1, 0, 1, 11, 7);
	data(r, 2, 0, "b", 12);
	sent(r, 2, 0, 1, 13, 7);
	open_at(r, 2, 1, 30);
	assert_string_equal(take(r, 40), "O2 1:a 2:b");
	reorder_free(r);
	r = reorder_new(100 * MS);
	data(r, 2, 0, "b", 10);
	sent(r, 2, 0, 1, 11, 7);
	open_at(r, 1, 2, 30);
	assert_string_equal(take(r, 40), "O1 2:b");
	reorder_free(r);
}

static void a_close_comes_after_the_bytes_before_it(void **state)
{
	struct reorder *r = reorder_new(100 * MS);
	struct chunk c = base(CHUNK_CLOSE, 1, 15);

	open_at(r, 1, 2, 1);
	sent(r, 1, 0, 1, 20, 7);
	data(r, 1, 0, "a", 30);
	reorder_push(r, &c);
	assert_string_equal(take(r, 40), "O1 1:a C1");
	reorder_free(r);
}

static void what_was_seen_being_sent_waits_for_its_reader(void **state)
{
	struct reorder *r = reorder_new(100 * MS);
	struct chunk c = base(CHUNK_OPEN, 1, 1);

	c.peer = 2;
	c.addr = "127.0.0.1:80";
	c.local = true;
	reorder_push(r, &c);
	sending(r, 1, 0, "ab", 10);
	sending(r, 1, 2, "cd", 11);
	assert_string_equal(take(r, 50), "O1");
	read_up_to(r, 1, 3, 60, 7); /* "cd" only in part */
	assert_int_equal(reorder_next(r, 70, &c), 1);
	assert_int_equal(c.read_ns, 60);
	assert_int_equal(c.reader_pid, 7);
	assert_int_equal(c.ts_ns, 10);
	assert_int_equal(reorder_next(r, 70, &c), 0);
	read_up_to(r, 1, 4, 80, 8);
	assert_int_equal(reorder_next(r, 80, &c), 1);
	assert_int_equal(c.read_ns, 80);
	assert_int_equal(c.reader_pid, 8);
	reorder_free(r);
}

static void a_reader_that_does_not_come_is_waited_for_as_long_as_the_window(void **state)
{
	struct reorder *r = reorder_new(100 * MS);
	struct chunk c;

	open_at(r, 1, 2, 1);
	sending(r, 1, 0, "a", 2); /* nobody is known to be seen reading */
	assert_string_equal(take(r, 3), "O1 1:a");
	read_up_to(r, 1, 1, 4, 7);
	sending(r, 1, 1, "b", 5);
	assert_string_equal(take(r, 100 * MS), "");
	assert_int_equal(reorder_next(r, 101 * MS, &c), 1);
	assert_int_equal(c.read_ns, -1);
	sending(r, 1, 2, "c", 102 * MS);
	c = base(CHUNK_CLOSE, 1, 103 * MS);
	reorder_push(r, &c);
	assert_string_equal(take(r, 103 * MS), "1:c C1");
	reorder_free(r);
}

static void at_the_end_everything_comes_out_in_order(void **state)
{
	struct reorder *r = reorder_new(100 * MS);

	open_at(r, 1, 2, 1);
	open_at(r, 3, 4, 1);
	sent(r, 1, 0, 9, 5, 7); /* never read */
	data(r, 3, 0, "c", 30);
	data(r, 4, 0, "b", 20);
	assert_string_equal(take(r, ALL), "O1 O3 4:b 3:c");
	reorder_free(r);
}

/* Many directions, reports and reads shuffled against each other within what the kernel can
 * do: the output must be sorted by the time of writing, and by offset in each direction. */
static void shuffled_input_comes_out_sorted(void **state)
{
	enum { DIRS = 40, WRITES = 50 };

	for (unsigned seed = 1; seed <= 20; seed++) {
		struct reorder *r = reorder_new(1000 * MS);
		uint64_t wrote[DIRS] = { 0 }, read_to[DIRS] = { 0 }, next[DIRS] = { 0 };
		int64_t now = 100, last = 0;
		struct chunk c;
		int got = 0;

		srand(seed);
		for (int d = 0; d < DIRS; d += 2)
			open_at(r, (uint64_t)d + 1, (uint64_t)d + 2, 1);
		for (int i = 0; i < DIRS * WRITES * 2; i++) {
			int d = rand() % DIRS;

			now += rand() % 1000;
			if (rand() % 2 && wrote[d] < WRITES) {
				sent(r, (uint64_t)d + 1, wrote[d]++, 1, now, d);
			} else if (read_to[d] < wrote[d]) {
				data(r, (uint64_t)d + 1, read_to[d]++, "x", now);
			}
			while (reorder_next(r, now, &c)) {
				assert_true(c.ts_ns >= last);
				last = c.ts_ns;
				if (c.kind == CHUNK_DATA) {
					assert_int_equal(c.off, next[c.sock - 1]++);
					assert_int_equal(c.pid, c.sock - 1);
					got++;
				}
			}
		}
		for (int d = 0; d < DIRS; d++)
			while (read_to[d] < wrote[d])
				data(r, (uint64_t)d + 1, read_to[d]++, "x", ++now);
		while (reorder_next(r, now, &c)) {
			assert_true(c.ts_ns >= last);
			last = c.ts_ns;
			got++;
		}
		for (int d = 0; d < DIRS; d++)
			got -= (int)wrote[d];
		assert_int_equal(got, 0);
		assert_int_equal(reorder_stats(r)->late, 0);
		reorder_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_known_to_be_in_order_is_not_held),
		cmocka_unit_test(the_order_is_that_of_writing_not_of_reading),
		cmocka_unit_test(an_unread_write_holds_others_for_the_window_only),
		cmocka_unit_test(nothing_goes_before_its_time_is_settled),
		cmocka_unit_test(a_response_never_precedes_its_request),
		cmocka_unit_test(the_author_comes_from_the_report_even_if_it_is_late),
		cmocka_unit_test(each_write_of_a_direction_keeps_its_own_author),
		cmocka_unit_test(bytes_of_a_socket_without_news_wait_for_the_news),
		cmocka_unit_test(news_of_one_end_is_news_of_both),
		cmocka_unit_test(a_close_comes_after_the_bytes_before_it),
		cmocka_unit_test(what_was_seen_being_sent_waits_for_its_reader),
		cmocka_unit_test(a_reader_that_does_not_come_is_waited_for_as_long_as_the_window),
		cmocka_unit_test(at_the_end_everything_comes_out_in_order),
		cmocka_unit_test(shuffled_input_comes_out_sorted),
	};

	return cmocka_run_group_tests_name("reorder", tests, NULL, NULL);
}
