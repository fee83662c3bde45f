/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode_feed.h"

#define PREFACE "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a"
#define REQUEST                                                                                \
	"00005c010400000001838645956272d141fc1eca245f15852a4b631b87eb1968a0ff418ba0e41d139d09b8" \
	"d800d87f5f8b1d75d0620d263d4c4d65647a8a9acac8b4c7602b89b5c140027465864d833505b11f40899a" \
	"cac8b24d494f6a7f867df7df719b7f"
#define REQUEST_DATA "00000c00010000000100000000070a05776f726c64"
#define RESPONSE                                                                               \
	"00000e010400000001885f8b1d75d0620d263d4c4d6564000012000000000001000000000d0a0b48656c6c" \
	"6f20776f726c6400001801050000000140889acac8b21234da8f013040899acac8b5254207317f00"

static const char *const unary =
	"1 SETTINGS 0:0 flags=0\n"
	"1 HEADERS 1:92 flags=4 rpc=/helloworld.Greeter/SayHello :method=POST :scheme=http "
	":path=/helloworld.Greeter/SayHello :authority=localhost:50051 "
	"content-type=application/grpc user-agent=grpc-go/1.25.0 te=trailers "
	"grpc-timeout=999963u\n"
	"1 DATA 1:12 flags=1 rpc=/helloworld.Greeter/SayHello "
	"data=\\00\\00\\00\\00\\07\\0a\\05world\n"
	"2 SETTINGS 0:6 flags=0 5:16384\n"
	"2 HEADERS 1:14 flags=4 rpc=/helloworld.Greeter/SayHello status=200 :status=200 "
	"content-type=application/grpc\n"
	"2 DATA 1:18 flags=0 rpc=/helloworld.Greeter/SayHello "
	"data=\\00\\00\\00\\00\\0d\\0a\\0bHello\\20world\n"
	"2 HEADERS 1:24 flags=5 rpc=/helloworld.Greeter/SayHello trailers grpc-status=0 "
	"grpc-message=\n";

/* Feeds client then server, each cut into pieces of at most step bytes, the first shorter. */
static void feed_cut(struct feed *f, struct bytes client, struct bytes server, size_t first,
		     size_t step)
{
	struct bytes part;

	for (int dir = 0; dir < 2; dir++) {
		struct bytes in = dir ? server : client;
		size_t n = first;

		while (bytes_take(&in, n < in.len ? n : in.len, &part) && part.len) {
			feed_bytes(f, dir, guarded(part));
			n = step;
		}
	}
}

static void a_unary_call_shows_each_frame_however_it_is_cut(void **state)
{
	struct bytes client = HEX(PREFACE "000000040000000000" REQUEST REQUEST_DATA);
	struct bytes server = HEX("000006040000000000000500004000" RESPONSE);
	struct feed f;

	for (size_t cut = 1; cut <= client.len; cut++) {
		feed_init(&f, true);
		feed_cut(&f, client, server, cut, cut % 3 ? SIZE_MAX : 1);
		assert_string_equal(feed_text(&f), unary);
		assert_int_equal(decoder_bytes(f.d, 0).decoded, client.len);
		assert_int_equal(decoder_bytes(f.d, 1).decoded, server.len);
		feed_release(&f);
	}
}

/* The request is the record that fills the batch: its path must be there all the same. */
static void the_last_record_of_a_batch_has_its_context_too(void **state)
{
	struct want want = { .kind = { [KIND_FRAME] = true } };
	struct conn_info info = { .id = 1, .addr = "/run/x", .seen_open = true,
				  .role = { ROLE_CLIENT, ROLE_SERVER } };
	struct stamp st = { .read_ns = -1, .pid = -1, .tid = -1, .reader_pid = -1 };
	struct bytes ping = HEX("000008060000000000" "0102030405060708");
	struct bytes begin = HEX(PREFACE "000000040000000000"), request = HEX(REQUEST);
	struct decoder *d = decoder_new(&want, &info);
	struct batch *b = batch_new();
	struct rec_frame *r;

	decoder_feed(d, 0, begin, &st);
	while (decoder_next(d, b) > 0)
		;
	while (b->count < BATCH_RECORDS - 1) {
		decoder_feed(d, 0, ping, &st);
		while (decoder_next(d, b) > 0)
			;
	}
	decoder_feed(d, 0, request, &st);
	assert_int_equal(decoder_next(d, b), 1);
	assert_int_equal(b->count, BATCH_RECORDS);
	r = (struct rec_frame *)batch_at(b, BATCH_RECORDS - 1);
	assert_int_equal(r->type, 1);
	assert_text(batch_bytes(b, r->ctx.path), "/helloworld.Greeter/SayHello");
	free(b);
	decoder_free(d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_record_of_a_batch_has_its_context_too),
		cmocka_unit_test(a_unary_call_shows_each_frame_however_it_is_cut),
	};

	return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}
