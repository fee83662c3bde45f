/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "capture/tcp.h"

#define S TCP_SYN
#define A TCP_ACK
#define F TCP_FIN
#define R TCP_RST

struct seg {
	char from; /* 'c' or 's' */
	int flags;
	uint32_t seq;
	const char *data;
	uint32_t ack;
	uint32_t cut; /* bytes at the end that were not captured */
};

static struct buf got;
static int64_t now_ns;

/* Appends what t gives as text; c is the side that spoke first, with odd ids. */
static void take(struct tcp *t)
{
	struct chunk c;

	while (tcp_next(t, &c)) {
		char side = c.sock % 2 ? 'c' : 's';

		if (got.len)
			buf_putc(&got, ' ');
		switch (c.kind) {
		case CHUNK_OPEN:
			buf_printf(&got, "open(%c%s)", side,
				   c.role == ROLE_CLIENT ? ",client" :
				   c.role == ROLE_SERVER ? ",server" : "");
			break;
		case CHUNK_CLOSE:
			buf_printf(&got, "%c@%llu:end", side, (unsigned long long)c.off);
			break;
		case CHUNK_LOST:
			assert_int_equal(c.cause, GAP_NOT_IN_FILE);
			buf_printf(&got, "%c@%llu:lost(%llu)", side, (unsigned long long)c.off,
				   (unsigned long long)c.len);
			break;
		default:
			buf_printf(&got, "%c@%llu:%.*s", side, (unsigned long long)c.off,
				   (int)c.data.len, c.data.p);
			if (c.len == c.data.len)
				break;
			assert_int_equal(c.cause, GAP_TRUNCATED);
			buf_printf(&got, "+%llu", (unsigned long long)(c.len - c.data.len));
		}
	}
}

static void push(struct tcp *t, struct seg s)
{
	struct chunk_net client = { 4, { 10, 0, 0, 1 }, 40000 }, server = { 4, { 10, 0, 0, 2 }, 80 };
	size_t len = s.data ? strlen(s.data) : 0;
	struct segment g = {
		.src = s.from == 'c' ? client : server,
		.dst = s.from == 'c' ? server : client,
		.seq = s.seq,
		.ack = s.ack,
		.flags = (uint8_t)s.flags,
		.len = (uint32_t)len,
	};

	/* each segment lies in memory of its own that is gone afterwards: nothing may be borrowed */
	g.data = guarded(bytes_of(s.data, len - s.cut));
	tcp_push(t, &g, now_ns += 1000);
	take(t);
	if (len > s.cut)
		memset((void *)g.data.p, 'X', g.data.len);
}

#define RUN(want, ...) run((const struct seg[]){ __VA_ARGS__, { 0 } }, want, __FILE__, __LINE__)

static void run(const struct seg *segs, const char *want, const char *file, int line)
{
	struct tcp *t = tcp_new();

	buf_consume(&got, got.len);
	for (; segs->from; segs++)
		push(t, *segs);
	buf_puts(&got, " |");
	tcp_finish(t);
	take(t);
	tcp_free(t);
	assert_bytes_at(buf_bytes(&got), bytes_str(want), file, line);
	buf_release(&got);
}

#define SYN { 'c', S, 99, NULL, 0, 0 }, { 's', S | A, 199, NULL, 100, 0 }

static void a_connection_opens_speaks_and_closes(void **state)
{
	RUN("open(c,client) c@0:GET s@0:OK c@3:end s@2:end |", SYN, { 'c', A, 100, "GET", 200, 0 },
	    { 's', A, 200, "OK", 103, 0 }, { 'c', A | F, 103, NULL, 202, 0 },
	    { 's', A | F, 202, NULL, 104, 0 });
	RUN("open(c,server) c@0:OK |", { 's', S | A, 199, NULL, 100, 0 }, { 's', A, 200, "OK", 100, 0 });
	RUN("open(c,client) c@0:fast |", { 'c', S, 99, "fast", 0, 0 });
}

static void retransmissions_and_overlaps_count_once(void **state)
{
	RUN("open(c,client) c@0:abc c@3:def c@6:gh |", SYN, SYN, { 'c', A, 100, "abc", 200, 0 },
	    { 'c', A, 100, "abc", 200, 0 }, { 'c', A, 101, "XXdef", 200, 0 },
	    { 'c', A, 99, "\1", 200, 0 }, { 'c', A, 100, "XXXXXXgh", 200, 0 });
	/* what waits is trimmed too: the first that came counts */
	RUN("open(c,client) c@0:ab c@2:cd c@4:efg c@7:hi |", SYN, { 'c', A, 104, "efg", 200, 0 },
	    { 'c', A, 102, "cdXX", 200, 0 }, { 'c', A, 103, "XXXXhi", 200, 0 },
	    { 'c', A, 100, "ab", 200, 0 });
}

static void what_comes_early_waits(void **state)
{
	RUN("open(c,client) c@0:a c@1:b c@2:c c@3:d | c@4:end", SYN, { 'c', A | F, 103, "d", 200, 0 },
	    { 'c', A, 101, "b", 200, 0 }, { 'c', A, 102, "c", 200, 0 }, { 'c', A, 100, "a", 200, 0 });
}

static void a_hole_is_given_up_when_its_answer_comes(void **state)
{
	RUN("open(c,client) c@0:ab c@2:lost(2) c@4:ef s@0:ok c@6:g |", SYN, { 'c', A, 100, "ab", 200, 0 },
	    { 'c', A, 104, "ef", 200, 0 }, { 's', A, 200, "ok", 106, 0 }, { 'c', A, 106, "g", 202, 0 });
	/* an answer to what is before the hole does not tell */
	RUN("open(c,client) c@0:ab s@0:ok c@2:cd c@4:ef |", SYN, { 'c', A, 100, "ab", 200, 0 },
	    { 'c', A, 104, "ef", 200, 0 }, { 's', A, 200, "ok", 102, 0 }, { 'c', A, 102, "cd", 200, 0 });
	/* a bare acknowledgement was perhaps captured before what it acknowledges */
	RUN("open(c,client) c@0:ab c@2:cd c@4:ef |", SYN, { 'c', A, 100, "ab", 200, 0 },
	    { 'c', A, 104, "ef", 200, 0 }, { 's', A, 200, NULL, 106, 0 }, { 'c', A, 102, "cd", 200, 0 });
}

static void a_hole_is_given_up_after_some_bare_acknowledgements(void **state)
{
	struct tcp *t = tcp_new();
	int n = 0;

	push(t, (struct seg){ 'c', A, 100, "a", 200, 0 });
	push(t, (struct seg){ 'c', A, 102, "c", 200, 0 });
	while (!strstr(got.len ? (buf_putc(&got, 0), got.len--, (char *)buf_bytes(&got).p) : "", "lost") &&
	       n < 100) {
		push(t, (struct seg){ 's', A, 200, NULL, 103, 0 });
		n++;
	}
	assert_true(n > 2 && n < 40);
	assert_text(buf_bytes(&got), "open(c) c@0:a c@1:lost(1) c@2:c");
	tcp_free(t);
	buf_release(&got);
}

static void what_is_missing_at_the_end_is_said(void **state)
{
	RUN("open(c,client) c@0:ab | c@2:lost(1) c@3:d", SYN, { 'c', A, 100, "ab", 200, 0 },
	    { 'c', A, 103, "d", 200, 0 });
	RUN("open(c,client) c@0:ab | c@2:lost(3) c@5:end", SYN, { 'c', A, 100, "ab", 200, 0 },
	    { 'c', A | F, 105, NULL, 200, 0 });
}

static void a_reset_ends_both_sides(void **state)
{
	RUN("open(c,client) c@0:ab c@2:lost(1) c@3:d c@4:end s@0:end |", SYN,
	    { 'c', A, 100, "ab", 200, 0 }, { 'c', A, 103, "d", 200, 0 },
	    { 's', R, 200, NULL, 0, 0 }, { 'c', A, 104, "late", 200, 0 });
	/* out of the window it means nothing: RFC 9293 §3.10.7.4 */
	RUN("open(c,client) c@0:ab s@0:x |", SYN, { 'c', A, 100, "ab", 200, 0 },
	    { 's', R, 900000000, NULL, 0, 0 }, { 's', A, 200, "x", 102, 0 });
}

static void a_capture_may_start_in_the_middle(void **state)
{
	RUN("open(c) c@0:world s@0:again |", { 'c', A, 5000, NULL, 9000, 0 },
	    { 's', A, 9000, "world", 5000, 0 }, { 's', A, 8990, "before", 5000, 0 },
	    { 'c', A, 5000, "again", 9005, 0 });
}

static void sequence_numbers_wrap(void **state)
{
	RUN("open(c,client) c@0:abcd c@4:efgh c@8:ij | c@10:end", { 'c', S, 0xfffffffa, NULL, 0, 0 },
	    { 'c', A, 0xfffffffb, "abcd", 0, 0 }, { 'c', A | F, 3, "ij", 0, 0 },
	    { 'c', A, 0xffffffff, "efgh", 0, 0 });
}

static void cut_segments_keep_their_length(void **state)
{
	RUN("open(c,client) c@0:ab+3 c@5:fg |", SYN, { 'c', A, 100, "abcde", 200, 3 },
	    { 'c', A, 105, "fg", 200, 0 });
	RUN("open(c,client) c@0:ab c@2:c+2 c@5:+1 |", SYN, { 'c', A, 102, "cde", 200, 2 },
	    { 'c', A, 100, "ab", 200, 0 }, { 'c', A, 103, "def", 200, 2 });
}

static void addresses_are_used_again(void **state)
{
	RUN("open(c,client) c@0:ab c@2:end s@0:end open(c,client) c@0:new |", SYN,
	    { 'c', A, 100, "ab", 200, 0 }, { 'c', S, 5000, NULL, 0, 0 },
	    { 'c', A, 5001, "new", 200, 0 });
	RUN("open(c,client) c@0:a c@1:end s@0:end |", SYN, { 'c', A | F, 100, "a", 200, 0 },
	    { 's', A | F, 200, NULL, 102, 0 }, { 'c', A | F, 100, "a", 201, 0 });
}

/* Memory has its bound: what waits behind a hole that nobody acknowledges is given at last. */
static void a_hole_cannot_hold_everything(void **state)
{
	struct tcp *t = tcp_new();
	struct segment g = { .src = { 4, { 1 }, 1 }, .dst = { 4, { 2 }, 2 }, .seq = 1, .len = 1 };
	uint8_t block[1000] = { 0 };
	uint64_t bytes = 0, lost = 0;
	struct chunk c;

	g.data = bytes_of(block, 1);
	tcp_push(t, &g, 0);
	g.len = sizeof(block);
	g.data = bytes_of(block, sizeof(block));
	for (g.seq = 1000; g.seq < 4000000; g.seq += sizeof(block)) {
		tcp_push(t, &g, 0);
		while (tcp_next(t, &c)) {
			bytes += c.kind == CHUNK_DATA ? c.len : 0;
			lost += c.kind == CHUNK_LOST ? c.len : 0;
		}
	}
	assert_int_equal(lost, 998);
	assert_true(bytes > 3900000);
	tcp_free(t);
}

/* Whatever the order and the cuts into segments, the streams are what was sent. */
static void shuffled_and_repeated_segments_give_the_stream(void **state)
{
	enum { LEN = 2000 };
	char text[LEN];

	srand(1);
	for (int i = 0; i < LEN; i++)
		text[i] = (char)('a' + i % 23);
	for (int round = 0; round < 200; round++) {
		struct tcp *t = tcp_new();
		struct segment g = { .src = { 4, { 1 }, 1 }, .dst = { 4, { 2 }, 2 } };
		uint32_t isn = (uint32_t)rand() * 3;
		uint64_t off = 0;
		struct chunk c;

		g.flags = TCP_SYN;
		g.seq = isn;
		tcp_push(t, &g, 0);
		g.flags = 0;
		while (off < LEN) {
			uint32_t at = (uint32_t)(rand() % LEN), len = 1 + (uint32_t)(rand() % 300);

			while (tcp_next(t, &c)) {
				if (c.kind != CHUNK_DATA)
					continue;
				assert_int_equal(c.off, off);
				assert_memory_equal(c.data.p, text + off, c.len);
				off += c.len;
			}
			len = at + len > LEN ? LEN - at : len;
			g.seq = isn + 1 + at;
			g.len = len;
			g.data = bytes_of(text + at, len);
			tcp_push(t, &g, 0);
		}
		assert_int_equal(tcp_counts(t).lost, 0);
		tcp_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_opens_speaks_and_closes),
		cmocka_unit_test(retransmissions_and_overlaps_count_once),
		cmocka_unit_test(what_comes_early_waits),
		cmocka_unit_test(a_hole_is_given_up_when_its_answer_comes),
		cmocka_unit_test(a_hole_is_given_up_after_some_bare_acknowledgements),
		cmocka_unit_test(what_is_missing_at_the_end_is_said),
		cmocka_unit_test(a_reset_ends_both_sides),
		cmocka_unit_test(a_capture_may_start_in_the_middle),
		cmocka_unit_test(sequence_numbers_wrap),
		cmocka_unit_test(cut_segments_keep_their_length),
		cmocka_unit_test(addresses_are_used_again),
		cmocka_unit_test(a_hole_cannot_hold_everything),
		cmocka_unit_test(shuffled_and_repeated_segments_give_the_stream),
	};

	return cmocka_run_group_tests_name("tcp", tests, NULL, NULL);
}
