/* SPDX-License-Identifier: BSD-2-Clause */
#include "decode_feed.h"

#include "decode/hints.h"
#include "util/limits.h"

#define PREFACE "505249202a20485454502f322e300d0a0d0a534d0d0a0d0a"
#define SETTINGS "000000040000000000"

static struct feed f;

/* Plays "C hex" or "S hex" pieces, whole or a byte at a time. */
static void play(const char *const *pieces, size_t step)
{
	for (; *pieces; pieces++) {
		struct bytes in = HEX(*pieces + 2), part;

		while (bytes_take(&in, step && step < in.len ? step : in.len, &part) && part.len)
			feed_bytes(&f, **pieces == 'S', guarded(part));
	}
}

/* The same records whole, byte by byte, and in pieces of other lengths; one at a time and not. */
static void feed_all_splits(const char *const *pieces, const char *want)
{
	for (size_t step = 0; step < 48; step++) {
		feed_init(&f, true);
		f.fill = step % 2;
		play(pieces, step / 2);
		assert_string_equal(feed_text(&f), want);
		feed_release(&f);
	}
}

#define PIECES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void frames_of_all_types_are_shown(void **state)
{
	feed_all_splits(PIECES("C " PREFACE SETTINGS "000005020000000003 80000001 0f"
			       "000004080000000000 00000064 000008060000000000 0102030405060708"
			       "000002 2a ff 00000001 abcd 000003 0a 00 00000000 000161"),
			"1 SETTINGS 0:0 flags=0\n"
			"1 PRIORITY 3:5 flags=0\n"
			"1 WINDOW_UPDATE 0:4 flags=0\n"
			"1 PING 0:8 flags=0 data=\\01\\02\\03\\04\\05\\06\\07\\08\n"
			"1 0x2a 1:2 flags=ff data=\\ab\\cd\n"
			"1 ALTSVC 0:3 flags=0 data=\\00\\01a\n");
}

static void padding_and_priority_are_cut_off(void **state)
{
	feed_all_splits(PIECES("C " PREFACE SETTINGS "00000d 01 2c 00000001 03 00000000 10 82868441 000000 00"),
			"1 SETTINGS 0:0 flags=0\n"
			"1 HEADERS 1:13 flags=2c path=/ missing=1 :method=GET :scheme=http :path=/ "
			"why=header block ends before a string: connection error COMPRESSION_ERROR (RFC 7541 §5.2)\n"
			"gap 4 4 recovered\n");
	feed_all_splits(PIECES("C " PREFACE SETTINGS "000003 01 04 00000001 828684"
			       "000006 00 09 00000001 02 616263 0000"),
			"1 SETTINGS 0:0 flags=0\n"
			"1 HEADERS 1:3 flags=4 path=/ :method=GET :scheme=http :path=/\n"
			"1 DATA 1:6 flags=9 path=/ data=abc\n");
}

static void a_block_goes_on_in_continuation_frames(void **state)
{
	feed_all_splits(PIECES("C " PREFACE SETTINGS "000001 01 01 00000001 82 000002 09 00 00000001 8684"
			       "000000 09 04 00000001"),
			"1 SETTINGS 0:0 flags=0\n"
			"1 HEADERS 1:1 flags=1 path=/ continuations=2 :method=GET :scheme=http :path=/\n"
			"1 CONTINUATION 1:2 flags=0 path=/ of=3\n"
			"1 CONTINUATION 1:0 flags=4 path=/ of=3\n");
}

static void a_block_that_is_not_continued_taints_the_table(void **state)
{
	feed_all_splits(PIECES("C " PREFACE SETTINGS "000001 01 00 00000001 82 000000 04 01 00000000"
			       "000004 01 05 00000003 828684be"),
			"1 SETTINGS 0:0 flags=0\n"
			"1 HEADERS 1:1 flags=0 missing=1 truncated why=header block not continued: connection error PROTOCOL_ERROR "
			"(RFC 9113 §6.10)\n"
			"gap 4 1 recovered\n"
			"1 SETTINGS 0:0 flags=1\n"
			"1 HEADERS 3:4 flags=5 path=/ missing=1 :method=GET :scheme=http :path=/ "
			"?c3-1=?c3-1\n");
}

static void violations_are_named_and_decoding_goes_on(void **state)
{
	feed_all_splits(PIECES("C " PREFACE "000000 04 01 00000000 000003 04 00 00000000 010203"
			       "000004 03 00 00000000 00000008 000000 00 01 00000005"
			       "000000 09 04 00000001 000004 08 00 00000000 00000000"),
			"1 SETTINGS 0:0 flags=1 why=first frame is not SETTINGS: "
			"connection error PROTOCOL_ERROR (RFC 9113 §3.4)\n"
			"1 SETTINGS 0:3 flags=0 why=SETTINGS of a wrong length: "
			"connection error FRAME_SIZE_ERROR (RFC 9113 §6.5)\n"
			"1 RST_STREAM 0:4 flags=0 why=RST_STREAM on stream 0: "
			"connection error PROTOCOL_ERROR (RFC 9113 §6.4)\n"
			"1 DATA 5:0 flags=1 data= why=frame on an idle stream: "
			"connection error PROTOCOL_ERROR (RFC 9113 §5.1)\n"
			"1 CONTINUATION 1:0 flags=4 data= why=CONTINUATION without a header block to "
			"continue: connection error PROTOCOL_ERROR (RFC 9113 §6.10)\n"
			"1 WINDOW_UPDATE 0:4 flags=0 why=WINDOW_UPDATE with an increment of 0: "
			"connection error PROTOCOL_ERROR (RFC 9113 §6.9)\n");
}

/* Each is shown although nothing can continue it, and what it held is not known. */
static void blocks_on_stream_0_are_shown(void **state)
{
	feed_all_splits(PIECES("C " PREFACE SETTINGS "000001 01 00 00000000 82 000003 05 00 00000000 828684"
			       "000001 01 05 00000001 be"),
			"1 SETTINGS 0:0 flags=0\n"
			"1 HEADERS 0:1 flags=0 missing=1 truncated why=HEADERS on stream 0: "
			"connection error PROTOCOL_ERROR (RFC 9113 §6.2)\n"
			"gap 4 1 recovered\n"
			"1 PUSH_PROMISE 0:3 flags=0 missing=1 truncated why=PUSH_PROMISE on stream 0: "
			"connection error PROTOCOL_ERROR (RFC 9113 §6.6)\n"
			"gap 4 3 recovered\n"
			"1 HEADERS 1:1 flags=5 path=?c3.2-1 missing=1 ?c3.2-1=?c3.2-1\n");
}

/* HEADER_TABLE_SIZE binds from the acknowledgement on, in the direction that acknowledges. */
static void a_table_size_binds_once_it_is_acknowledged(void **state)
{
	feed_all_splits(PIECES("C " PREFACE SETTINGS, "S 000006 04 00 00000000 0001 00000000",
			       "C 000003 01 05 00000001 828684 000000 04 01 00000000"
			       "000003 01 05 00000003 828684 000004 01 05 00000005 20828684"),
			"1 SETTINGS 0:0 flags=0\n"
			"2 SETTINGS 0:6 flags=0 1:0\n"
			"1 HEADERS 1:3 flags=5 path=/ :method=GET :scheme=http :path=/\n"
			"1 SETTINGS 0:0 flags=1\n"
			"1 HEADERS 3:3 flags=5 path=/ :method=GET :scheme=http :path=/ why=no table size "
			"update after a lowered limit: connection error COMPRESSION_ERROR (RFC 7541 §4.2)\n"
			"1 HEADERS 5:4 flags=5 path=/ :method=GET :scheme=http :path=/\n");
}

static void lose(uint64_t len, int dir)
{
	struct stamp st = feed_stamp(&f);

	decoder_gap(f.d, dir, len, GAP_RINGBUF_DROP, &st);
	feed_drain(&f);
}

static void bytes_missing_within_data_harm_nothing_else(void **state)
{
	feed_init(&f, true);
	play(PIECES("C " PREFACE SETTINGS "000009 01 04 00000001 828684 40 01 61 01 62 be",
		    "C 000005 00 00 00000001 61"), 0);
	lose(4, 0);
	play(PIECES("C 000001 01 05 00000001 be"), 0);
	assert_string_equal(feed_text(&f),
			    "1 SETTINGS 0:0 flags=0\n"
			    "1 HEADERS 1:9 flags=4 path=/ :method=GET :scheme=http :path=/ a=b a=b\n"
			    "gap 0 4 recovered\n"
			    "1 DATA 1:5 flags=0 path=/ data=a truncated inexact\n"
			    "1 HEADERS 1:1 flags=5 path=/ trailers a=b inexact\n");
	feed_release(&f);
}

/* What was inserted before a gap may be anywhere in the table now: it is not shown any more. */
static void after_a_gap_no_old_entry_is_believed(void **state)
{
	feed_init(&f, true);
	play(PIECES("C " PREFACE SETTINGS "000008 01 05 00000001 828684 40 01 61 01 62"), 0);
	lose(0, 0);
	play(PIECES("C 000004 01 05 00000005 828684be 000004080000000000 00000064",
		    "C 000009 01 05 00000007 828684 40 01 63 01 64 be"), 0);
	assert_string_equal(feed_text(&f),
			    "1 SETTINGS 0:0 flags=0\n"
			    "1 HEADERS 1:8 flags=5 path=/ :method=GET :scheme=http :path=/ a=b\n"
			    "gap 0 0 recovered\n"
			    "1 HEADERS 5:4 flags=5 path=/ missing=1 :method=GET :scheme=http :path=/ "
			    "?c3-1=?c3-1\n"
			    "1 WINDOW_UPDATE 0:4 flags=0\n"
			    "1 HEADERS 7:9 flags=5 path=/ :method=GET :scheme=http :path=/ c=d c=d\n");
	feed_release(&f);
}

static void after_a_gap_framing_is_found_in_the_middle_of_data(void **state)
{
	feed_init(&f, true);
	play(PIECES("C " PREFACE SETTINGS), 0);
	lose(0, 0);
	play(PIECES("C 616263646566 000008060000000000 0102030405060708 000004080000000000 00000064"), 0);
	assert_string_equal(feed_text(&f), "1 SETTINGS 0:0 flags=0\ngap 0 6 recovered\n"
					   "1 PING 0:8 flags=0 data=\\01\\02\\03\\04\\05\\06\\07\\08\n"
					   "1 WINDOW_UPDATE 0:4 flags=0\n");
	assert_int_equal(decoder_bytes(f.d, 0).skipped, 6);
	feed_release(&f);
}

static void what_looks_a_little_like_a_frame_is_no_boundary(void **state)
{
	feed_init(&f, true);
	play(PIECES("C " PREFACE SETTINGS), 0);
	lose(0, 0);
	play(PIECES("C 000004000000000001 61626364 7a7a7a7a7a7a7a7a7a7a7a7a"), 0);
	assert_string_equal(feed_text(&f), "1 SETTINGS 0:0 flags=0\n");
	feed_release(&f);
}

static void the_path_of_an_unknown_request_is_its_symbol(void **state)
{
	feed_init(&f, false);
	play(PIECES("C 000004 01 05 00000009 83 86 be c0 000004080000000000 00000064"
		    "000004 01 05 0000000b 83 86 bf c0"), 0);
	assert_string_equal(feed_text(&f), "gap 4 0 recovered\n"
					   "1 HEADERS 9:4 flags=5 path=?c3-1\\20?c3-3 missing=2 :method=POST "
					   ":scheme=http ?c3-1=?c3-1 ?c3-3=?c3-3\n"
					   "1 WINDOW_UPDATE 0:4 flags=0\n"
					   "1 HEADERS 11:4 flags=5 path=?c3-2\\20?c3-3 missing=2 :method=POST "
					   ":scheme=http ?c3-2=?c3-2 ?c3-3=?c3-3\n");
	feed_release(&f);
}

static void put_u24(struct buf *b, uint32_t v)
{
	buf_putc(b, (char)(v >> 16));
	buf_putc(b, (char)(v >> 8));
	buf_putc(b, (char)v);
}

static void put_head(struct buf *b, uint32_t len, uint8_t type, uint8_t flags, uint32_t id)
{
	put_u24(b, len);
	buf_putc(b, (char)type);
	buf_putc(b, (char)flags);
	buf_putc(b, 0);
	put_u24(b, id);
}

static void a_flood_of_continuations_is_cut_off_and_shown(void **state)
{
	struct buf in = { 0 };

	feed_init(&f, true);
	play(PIECES("C " PREFACE SETTINGS), 0);
	put_head(&in, 0, 1, 0, 1);
	for (int i = 0; i < 1000; i++)
		put_head(&in, 0, 9, i == 999 ? 4 : 0, 1);
	put_head(&in, 0, 4, 1, 0);
	feed_bytes(&f, 0, buf_bytes(&in));
	assert_int_equal(f.seq, 1 + 1 + 1 + 1000 + 1 + 1); /* conn proto first, and a gap */
	assert_non_null(strstr(feed_text(&f), "header block beyond what spf keeps"));
	assert_int_equal(decoder_bytes(f.d, 0).decoded, 24 + 9 + in.len);
	buf_release(&in);
	feed_release(&f);
}

static void the_oldest_of_too_many_streams_is_evicted_with_a_record(void **state)
{
	struct buf in = { 0 };

	feed_init(&f, true);
	play(PIECES("C " PREFACE SETTINGS), 0);
	for (uint32_t i = 0; i < LIMIT_STREAMS + 2; i++) {
		put_head(&in, 3, 1, 4, 1 + 2 * i);
		buf_append(&in, HEX("828684"));
	}
	feed_bytes(&f, 0, buf_bytes(&in));
	assert_int_equal(f.seq, 2 + LIMIT_STREAMS + 2 + 2);
	assert_non_null(strstr(feed_text(&f), "gap 5 0 recovered\n"));
	buf_release(&in);
	feed_release(&f);
}

/* It stays marked: the field counts as missing. */
static void a_symbol_goes_by_the_name_that_a_script_gives_it(void **state)
{
	const struct rec_frame *r;

	feed_init(&f, true);
	play(PIECES("C " PREFACE SETTINGS), 0);
	lose(0, 0);
	assert_true(hints_set(bytes_str("?c3-2"), bytes_str(":path"), bytes_str("/a.B/C")));
	play(PIECES("C 000003 01 05 00000001 8386bf 000003 01 05 00000003 8386be", "C 000004080000000000 00000064"), 0);
	hints_release();
	play(PIECES("C 000003 01 05 00000005 8386bf"), 0);
	assert_string_equal(feed_text(&f),
			    "1 SETTINGS 0:0 flags=0\n"
			    "gap 0 0 recovered\n"
			    "1 HEADERS 1:3 flags=5 path=/a.B/C missing=1 :method=POST :scheme=http "
			    ":path=/a.B/C\n"
			    "1 HEADERS 3:3 flags=5 path=?c3-1 missing=1 :method=POST :scheme=http "
			    "?c3-1=?c3-1\n"
			    "1 WINDOW_UPDATE 0:4 flags=0\n"
			    "1 HEADERS 5:3 flags=5 path=?c3-2 missing=1 :method=POST :scheme=http "
			    "?c3-2=?c3-2\n");
	r = (const struct rec_frame *)batch_at(f.b, 3);
	assert_int_equal(r->complete, 0);
	assert_int_equal(r->ctx.path_unknown, 2);
	assert_int_equal(batch_headers(f.b, r->headers)[2].unknown, HEADER_HINTED);
	feed_release(&f);
}

struct flow {
	int type;
	int64_t window, conn_window, stalled_ns;
};

static void assert_flow(struct feed *feed, const struct flow *want, int cnt)
{
	int n = 0;

	for (uint32_t i = 0; i < feed->b->count; i++) {
		const struct rec_frame *r = (const struct rec_frame *)batch_at(feed->b, i);

		if (r->r.kind != KIND_FRAME || r->conn_window + r->window + r->stalled_ns == -3)
			continue;
		assert_true(n < cnt);
		assert_int_equal(r->type, want[n].type);
		assert_int_equal(r->window, want[n].window);
		assert_int_equal(r->conn_window, want[n].conn_window);
		assert_int_equal(r->stalled_ns, want[n].stalled_ns);
		n++;
	}
	assert_int_equal(n, cnt);
}

/* The server has set windows of 5 bytes for streams; each write is a microsecond after the last. */
#define SMALL_WINDOWS \
	"C " PREFACE SETTINGS, "S 000006 04 00 00000000 0004 00000005", "C 000000 04 01 00000000", \
	"C 000003 01 04 00000001 838684"

static void windows_are_told_and_how_long_they_were_used_up(void **state)
{
	feed_init(&f, true);
	play(PIECES(SMALL_WINDOWS, "C 000002 00 00 00000001 6161", "C 000003 00 00 00000001 616161",
		    "S 000004 08 00 00000000 00000001", "S 000004 08 00 00000001 00000004",
		    "C 000004 00 01 00000001 61616161", "S 000004 08 00 00000001 00000001"), 0);
	assert_flow(&f, (const struct flow[]){ { H2_DATA, 3, 65533, -1 },
					       { H2_DATA, 0, 65530, -1 },
					       { H2_WINDOW_UPDATE, -1, 65531, -1 },
					       { H2_WINDOW_UPDATE, 4, 65531, 2000 },
					       { H2_DATA, 0, 65527, -1 },
					       { H2_WINDOW_UPDATE, 1, 65527, -1 } }, 6);
	feed_release(&f);
}

static void settings_open_windows_too(void **state)
{
	feed_init(&f, true);
	play(PIECES(SMALL_WINDOWS, "C 000005 00 00 00000001 6161616161",
		    "S 000006 04 00 00000000 0004 00000003", "C 000000 04 01 00000000",
		    "S 000006 04 00 00000000 0004 00000008", "C 000000 04 01 00000000",
		    "C 000001 00 00 00000001 61"), 0);
	assert_flow(&f, (const struct flow[]){ { H2_DATA, 0, 65530, -1 },
					       { H2_SETTINGS, -1, -1, 4000 },
					       { H2_DATA, 2, 65529, -1 } }, 3);
	feed_release(&f);
}

static void windows_are_not_known_after_a_loss(void **state)
{
	feed_init(&f, true);
	play(PIECES(SMALL_WINDOWS, "S 000004 08 00 00000001"), 0);
	lose(4, 1); /* by how much the window was opened */
	play(PIECES("C 000005 00 00 00000001 6161616161", "S 000004 08 00 00000001 00000004"), 0);
	assert_flow(&f, NULL, 0);
	feed_release(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_of_all_types_are_shown),
		cmocka_unit_test(a_symbol_goes_by_the_name_that_a_script_gives_it),
		cmocka_unit_test(windows_are_told_and_how_long_they_were_used_up),
		cmocka_unit_test(settings_open_windows_too),
		cmocka_unit_test(windows_are_not_known_after_a_loss),
		cmocka_unit_test(padding_and_priority_are_cut_off),
		cmocka_unit_test(a_block_goes_on_in_continuation_frames),
		cmocka_unit_test(a_block_that_is_not_continued_taints_the_table),
		cmocka_unit_test(violations_are_named_and_decoding_goes_on),
		cmocka_unit_test(blocks_on_stream_0_are_shown),
		cmocka_unit_test(a_table_size_binds_once_it_is_acknowledged),
		cmocka_unit_test(bytes_missing_within_data_harm_nothing_else),
		cmocka_unit_test(after_a_gap_no_old_entry_is_believed),
		cmocka_unit_test(after_a_gap_framing_is_found_in_the_middle_of_data),
		cmocka_unit_test(what_looks_a_little_like_a_frame_is_no_boundary),
		cmocka_unit_test(the_path_of_an_unknown_request_is_its_symbol),
		cmocka_unit_test(a_flood_of_continuations_is_cut_off_and_shown),
		cmocka_unit_test(the_oldest_of_too_many_streams_is_evicted_with_a_record),
	};

	return cmocka_run_group_tests_name("http2", tests, NULL, NULL);
}
