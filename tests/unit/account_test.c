/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "account.h"

static const struct want want = { .kind = { [KIND_CONN] = true, [KIND_GAP] = true } };

static void drain(struct conn *c)
{
	static _Alignas(8) char mem[BATCH_LEN];
	struct batch *b = (struct batch *)mem;

	do
		batch_init(b, sizeof(mem));
	while (decoder_next(c->decoder, b) != 0);
}

/* A connection whose direction 0 got the bytes, and then lost and cut so many. */
static void begin(struct conn *c, const char *bytes, uint64_t lost, uint64_t cut)
{
	struct stamp st = { .read_ns = -1, .pid = -1, .tid = -1, .reader_pid = -1 };

	*c = (struct conn){ .info = { .id = 1, .addr = "/x" } };
	c->decoder = decoder_new(&want, &c->info);
	c->stream[0] = (struct stream){ .has_begun = true, .fed = strlen(bytes), .lost = lost,
					.cut = cut };
	decoder_open(c->decoder, &st);
	drain(c);
	decoder_feed(c->decoder, 0, bytes_str(bytes), &st);
	drain(c);
	if (lost)
		decoder_gap(c->decoder, 0, lost, GAP_RINGBUF_DROP, &st);
	drain(c);
	decoder_close(c->decoder, OUTCOME_CLOSED, "test", &st);
	drain(c);
}

static const struct account verbose = { .is_verbose = true };

static void what_was_found_and_what_not_is_told_apart(void **state)
{
	struct account_sums n;
	struct conn c;

	begin(&c, "GET / HTTP/1.1\r\n\r\n", 0, 0);
	n = account_direction(&verbose, &c, 0, NULL);
	assert_int_equal(n.decoded, 18);
	assert_int_equal(n.undecoded, 0);
	decoder_free(c.decoder);
	begin(&c, "\xff\xfe\xfd no protocol at all", 0, 0);
	n = account_direction(&verbose, &c, 0, NULL);
	assert_int_equal(n.decoded, 0);
	assert_int_equal(n.undecoded, 22);
	assert_int_equal(n.accepted, 22);
	assert_int_equal(n.unbalanced, 0);
	decoder_free(c.decoder);
}

static void kernel_and_worker_agree(void **state)
{
	struct live_counts k = { .accepted = 130, .read = 100, .captured = 22, .cut = 8, .lost = 40,
				 .unreadable = 10, .filtered = 20 };
	struct account_sums n;
	struct conn c;

	begin(&c, "\xff\xfe\xfd no protocol at all", 50, 8);
	n = account_direction(&verbose, &c, 0, &k);
	assert_int_equal(n.accepted, 130);
	assert_int_equal(n.unread, 30);
	assert_int_equal(n.undecoded, 22);
	assert_int_equal(n.cut, 8);
	assert_int_equal(n.lost, 50);
	assert_int_equal(n.ring, 40);
	assert_int_equal(n.unreadable, 10);
	assert_int_equal(n.filtered, 20);
	assert_int_equal(n.unbalanced, 0);
	decoder_free(c.decoder);
}

static void byte_too_few_or_too_many_is_seen(void **state)
{
	struct live_counts k = { .accepted = 23, .read = 23, .captured = 23 };
	struct account_sums n;
	struct conn c;

	begin(&c, "\xff\xfe\xfd no protocol at all", 0, 0);
	n = account_direction(&verbose, &c, 0, &k); /* one of them never came */
	assert_int_equal(n.unbalanced, 1);
	k = (struct live_counts){ .accepted = 21, .read = 21, .captured = 21 };
	n = account_direction(&verbose, &c, 0, &k);
	assert_int_equal(n.unbalanced, 1);
	k = (struct live_counts){ .accepted = 22, .read = 22, .captured = 21 };
	n = account_direction(&verbose, &c, 0, &k); /* the kernel's own sum */
	assert_int_equal(n.unbalanced, 1);
	k.captured = 22;
	n = account_direction(&verbose, &c, 0, &k);
	assert_int_equal(n.unbalanced, 0);
	c.stream[0].fed++; /* the decoder's */
	k.read = k.accepted = k.captured = 23;
	n = account_direction(&verbose, &c, 0, &k);
	assert_int_equal(n.unbalanced, 1);
	decoder_free(c.decoder);
}

static void rest_after_enough_is_filtered(void **state)
{
	const struct account enough = { .is_enough = true };
	struct live_counts k = { .accepted = 100, .read = 90, .captured = 90 };
	struct account_sums n;
	struct conn c;

	begin(&c, "\xff\xfe\xfd no protocol at all", 0, 0);
	n = account_direction(&enough, &c, 0, &k);
	assert_int_equal(n.filtered, 68);
	assert_int_equal(n.unread, 10);
	assert_int_equal(n.unbalanced, 0);
	decoder_free(c.decoder);
}

/* No decoder was made: whatever came is filtered, also what the ring lost of it. */
static void nobody_wanted_it(void **state)
{
	struct live_counts k = { .accepted = 100, .read = 90, .captured = 30, .lost = 10,
				 .filtered = 50 };
	struct conn c = { .is_filtered = true, .filtered = { 30, 0 } };
	struct account_sums n = account_direction(&verbose, &c, 0, &k);

	assert_int_equal(n.filtered, 90);
	assert_int_equal(n.lost, 0);
	assert_int_equal(n.unbalanced, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_found_and_what_not_is_told_apart),
		cmocka_unit_test(kernel_and_worker_agree),
		cmocka_unit_test(byte_too_few_or_too_many_is_seen),
		cmocka_unit_test(rest_after_enough_is_filtered),
		cmocka_unit_test(nobody_wanted_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
