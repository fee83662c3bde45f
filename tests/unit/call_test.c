/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls over HTTP/2, through the whole decoder. */
#include "call_feed.h"

#include <zlib.h>

#include "util/limits.h"

/* A unary call: both sides' bytes. */
static void unary(struct buf *c, struct buf *s)
{
	buf_append(c, bytes_of(PREFACE, sizeof(PREFACE) - 1));
	rpc(c, 1, "/a.B/Do");
	RAW(c, 0, END_STREAM, 1, "\0\0\0\0\3abc");
	buf_append(s, SETTINGS_ONLY);
	HEADERS(s, END_HEADERS, 1, ":status", "200", "content-type", "application/grpc");
	RAW(s, 0, 0, 1, "\0\0\0\0\2de");
	HEADERS(s, END_HEADERS | END_STREAM, 1, "grpc-status", "5", "grpc-message", "no%20such");
}

static const char unary_records[] =
	"message client 1.1 len=3 /a.B/Do data=abc\n"
	"message server 1.1 len=2 /a.B/Do data=de\n"
	"call 1 POST /a.B/Do complete 200 grpc=5 m=1/1 msg=no\\20such b=8/7 failed\n";

static void a_unary_call_is_the_same_however_it_is_cut(void **state)
{
	struct buf c = { 0 }, s = { 0 };
	struct pair p;

	unary(&c, &s);
	for (size_t cut = 0; cut <= c.len + s.len; cut++) {
		size_t at = cut <= c.len ? cut : c.len, at2 = cut - at;
		struct bytes bc = buf_bytes(&c), bs = buf_bytes(&s);

		pair_init(&p, true);
		give(&p, CLIENT, guarded(bytes_of(bc.p, at)));
		give(&p, CLIENT, bytes_of(bc.p + at, bc.len - at));
		give(&p, SERVER, guarded(bytes_of(bs.p, at2)));
		give(&p, SERVER, bytes_of(bs.p + at2, bs.len - at2));
		close_pair(&p, OUTCOME_CLOSED);
		assert_text(buf_bytes(&p.out), unary_records);
		pair_release(&p);
	}
	pair_init(&p, true);
	for (size_t i = 0; i < c.len; i++)
		give(&p, CLIENT, bytes_of(buf_bytes(&c).p + i, 1));
	for (size_t i = 0; i < s.len; i++)
		give(&p, SERVER, bytes_of(buf_bytes(&s).p + i, 1));
	assert_text(buf_bytes(&p.out), unary_records);
	pair_release(&p);
	buf_release(&c);
	buf_release(&s);
}

/* What the two buffers give, then the end of the connection. They are released. */
static void check(struct buf *c, struct buf *s, enum call_outcome end, const char *want)
{
	struct pair p;

	pair_init(&p, true);
	give(&p, CLIENT, BYTES_LIT(PREFACE));
	give(&p, SERVER, SETTINGS_ONLY);
	give(&p, CLIENT, guarded(buf_bytes(c)));
	give(&p, SERVER, guarded(buf_bytes(s)));
	close_pair(&p, end);
	assert_text(buf_bytes(&p.out), want);
	pair_release(&p);
	buf_release(c);
	buf_release(s);
}

static void a_small_batch_gives_the_same_records(void **state)
{
	struct buf c = { 0 }, s = { 0 };
	struct pair p;

	unary(&c, &s);
	pair_init(&p, true);
	batch_init(p.b, sizeof(struct batch) + 64);
	give(&p, CLIENT, buf_bytes(&c));
	give(&p, SERVER, buf_bytes(&s));
	assert_text(buf_bytes(&p.out), unary_records);
	pair_release(&p);
	buf_release(&c);
	buf_release(&s);
}

static void streams_in_one_write_are_told_apart(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	rpc(&c, 1, "/a.B/One");
	rpc(&c, 3, "/a.B/Two");
	rpc(&c, 5, "/a.B/Three");
	RAW(&c, 0, END_STREAM, 5, "\0\0\0\0\1z");
	RAW(&c, 0, 0, 1, "\0\0\0\0\2");
	RAW(&c, 0, END_STREAM, 3, "\0\0\0\0\1y\0\0\0\0\0");
	RAW(&c, 0, END_STREAM, 1, "xx");
	HEADERS(&s, END_HEADERS, 3, ":status", "200");
	HEADERS(&s, END_HEADERS, 1, ":status", "200");
	HEADERS(&s, END_HEADERS, 5, ":status", "200");
	HEADERS(&s, END_HEADERS | END_STREAM, 1, "grpc-status", "0");
	HEADERS(&s, END_HEADERS | END_STREAM, 5, "grpc-status", "1");
	HEADERS(&s, END_HEADERS | END_STREAM, 3, "grpc-status", "2");
	check(&c, &s, OUTCOME_CLOSED,
	      "message client 5.1 len=1 /a.B/Three data=z\n"
	      "message client 3.1 len=1 /a.B/Two data=y\n"
	      "message client 3.2 len=0 /a.B/Two data=\n"
	      "message client 1.1 len=2 /a.B/One data=xx\n"
	      "call 1 POST /a.B/One complete 200 grpc=0 m=1/0 b=7/0\n"
	      "call 5 POST /a.B/Three complete 200 grpc=1 m=1/0 b=6/0 failed\n"
	      "call 3 POST /a.B/Two complete 200 grpc=2 m=2/0 b=11/0 failed\n");
}

static void a_prefix_may_be_a_frame_of_its_own_or_two(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	rpc(&c, 1, "/a.B/Do");
	RAW(&c, 0, 0, 1, "\0\0\0\0\4");
	RAW(&c, 0, 8, 1, "\2body\0\0"); /* padded */
	RAW(&c, 0, 0, 1, "\0\0");
	RAW(&c, 0, 0, 1, "");
	RAW(&c, 0, END_STREAM, 1, "\0\0\1!");
	check(&c, &s, OUTCOME_CAPTURE_END,
	      "message client 1.1 len=4 /a.B/Do data=body\n"
	      "message client 1.2 len=1 /a.B/Do data=!\n"
	      "call 1 POST /a.B/Do capture_end -1 grpc=-1 m=2/0 b=15/0 incomplete\n");
}

static void trailers_only_are_head_and_status_at_once(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	rpc(&c, 1, "/a.B/Do");
	RAW(&c, 0, END_STREAM, 1, "\0\0\0\0\0");
	HEADERS(&s, END_HEADERS | END_STREAM, 1, ":status", "200", "content-type",
		"application/grpc", "grpc-status", "12", "grpc-message", "");
	check(&c, &s, OUTCOME_CLOSED,
	      "message client 1.1 len=0 /a.B/Do data=\n"
	      "call 1 POST /a.B/Do complete 200 grpc=12 m=1/0 msg= b=5/0 failed\n");
}

static void a_reset_ends_a_call_with_its_code(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	rpc(&c, 1, "/a.B/Do");
	rpc(&c, 3, "/a.B/Other");
	RAW(&c, 0, 0, 1, "\0\0\0\0\4bo");
	RAW(&c, 3, 0, 1, "\0\0\0\x08"); /* CANCEL */
	RAW(&s, 3, 0, 3, "\0\0\0\x07"); /* REFUSED_STREAM */
	check(&c, &s, OUTCOME_CLOSED,
	      "message client 1.1 len=4 /a.B/Do data=bo incomplete\n"
	      "call 1 POST /a.B/Do reset -1 grpc=-1 m=0/0 error=8 b=7/0 failed\n"
	      "call 3 POST /a.B/Other reset -1 grpc=-1 m=0/0 error=7 b=0/0 failed\n");
}

static void a_reset_behind_the_whole_response_leaves_it_complete(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	rpc(&c, 1, "/a.B/Do");
	HEADERS(&s, END_HEADERS | END_STREAM, 1, ":status", "200", "grpc-status", "0");
	RAW(&s, 3, 0, 1, "\0\0\0\0"); /* NO_ERROR: do not send the rest */
	check(&c, &s, OUTCOME_CLOSED, "call 1 POST /a.B/Do complete 200 grpc=0 m=0/0 b=0/0\n");
}

static void goaway_ends_the_streams_above_its_last(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	rpc(&c, 1, "/a.B/Do");
	rpc(&c, 3, "/a.B/Lost");
	RAW(&s, 7, 0, 0, "\x7f\xff\xff\xff\0\0\0\0"); /* announced: none ends yet */
	RAW(&s, 7, 0, 0, "\0\0\0\1\0\0\0\x0b" "calm");
	HEADERS(&s, END_HEADERS | END_STREAM, 1, ":status", "200", "grpc-status", "0");
	check(&c, &s, OUTCOME_CLOSED,
	      "call 3 POST /a.B/Lost goaway -1 grpc=-1 m=0/0 error=11 b=0/0 failed\n"
	      "call 1 POST /a.B/Do closed 200 grpc=0 m=0/0 b=0/0 incomplete\n");
}

static void open_calls_are_reported_at_the_end(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	rpc(&c, 1, "/a.B/Watch");
	RAW(&c, 0, END_STREAM, 1, "\0\0\0\0\0");
	HEADERS(&s, END_HEADERS, 1, ":status", "200");
	RAW(&s, 0, 0, 1, "\0\0\0\0\1a\0\0\0\0\4bc");
	check(&c, &s, OUTCOME_CAPTURE_END,
	      "message client 1.1 len=0 /a.B/Watch data=\n"
	      "message server 1.1 len=1 /a.B/Watch data=a\n"
	      "message server 1.2 len=4 /a.B/Watch data=bc incomplete\n"
	      "call 1 POST /a.B/Watch capture_end 200 grpc=-1 m=1/1 b=5/13 incomplete\n");
}

static void a_call_without_response_at_the_close_has_failed(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	HEADERS(&c, END_HEADERS | END_STREAM, 1, ":method", "GET", ":path", "/x");
	check(&c, &s, OUTCOME_CLOSED, "call 1 GET /x closed -1 b=0/0 failed incomplete\n");
}

static void interim_responses_are_not_the_response(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	HEADERS(&c, END_HEADERS | END_STREAM, 1, ":method", "GET", ":path", "/x");
	HEADERS(&s, END_HEADERS, 1, ":status", "103", "link", "</a>");
	HEADERS(&s, END_HEADERS, 1, ":status", "503");
	RAW(&s, 0, END_STREAM, 1, "busy");
	check(&c, &s, OUTCOME_CLOSED, "call 1 GET /x complete 503 b=0/4 failed\n");
}

static void a_promise_is_a_request_of_its_own(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	HEADERS(&c, END_HEADERS | END_STREAM, 1, ":method", "GET", ":path", "/x");
	RAW(&s, 5, END_HEADERS, 1, "\0\0\0\2\0\7:method\3GET\0\5:path\2/p");
	HEADERS(&s, END_HEADERS | END_STREAM, 1, ":status", "200");
	HEADERS(&s, END_HEADERS, 2, ":status", "200");
	RAW(&s, 0, END_STREAM, 2, "pushed");
	check(&c, &s, OUTCOME_CLOSED, "call 1 GET /x complete 200 b=0/0\n"
				      "call 2 GET /p complete 200 b=0/6\n");
}

/* window: what zlib takes for gzip (31) or deflate (15). */
static void check_compressed(const char *encoding, int window, const char *want)
{
	struct buf c = { 0 }, s = { 0 }, body = { 0 };
	uint8_t z[128];
	z_stream zs = { .next_in = (Bytef *)(uintptr_t)"hello hello hello", .avail_in = 17,
			.next_out = z + 5, .avail_out = sizeof(z) - 5 };

	deflateInit2(&zs, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY);
	assert_int_equal(deflate(&zs, Z_FINISH), Z_STREAM_END);
	memcpy(z, "\1\0\0\0", 4);
	z[4] = (uint8_t)zs.total_out;
	buf_append(&body, bytes_of(z, 5 + zs.total_out));
	buf_append(&body, BYTES_LIT("\0\0\0\0\5plain"));
	deflateEnd(&zs);
	HEADERS(&c, END_HEADERS, 1, ":method", "POST", ":path", "/a.B/Do", "content-type",
		"application/grpc", "grpc-encoding", encoding);
	frame(&c, 0, 0, 1, buf_bytes(&body));
	HEADERS(&s, END_HEADERS, 1, ":status", "200", "grpc-encoding", "snappy");
	RAW(&s, 0, 0, 1, "\1\0\0\0\2zz");
	buf_release(&body);
	check(&c, &s, OUTCOME_CAPTURE_END, want);
}

static void compressed_messages_are_inflated_or_their_coding_named(void **state)
{
	check_compressed("gzip", 31,
			 "message client 1.1 len=28 /a.B/Do z:gzip data=hello\\20hello\\20hello\n"
			 "message client 1.2 len=5 /a.B/Do enc:gzip data=plain\n"
			 "message server 1.1 len=2 /a.B/Do z:snappy\n"
			 "call 1 POST /a.B/Do capture_end 200 grpc=-1 m=2/1 b=43/7 incomplete\n");
	check_compressed("deflate", 15,
			 "message client 1.1 len=16 /a.B/Do z:deflate data=hello\\20hello\\20hello\n"
			 "message client 1.2 len=5 /a.B/Do enc:deflate data=plain\n"
			 "message server 1.1 len=2 /a.B/Do z:snappy\n"
			 "call 1 POST /a.B/Do capture_end 200 grpc=-1 m=2/1 b=31/7 incomplete\n");
}

static void grpc_web_over_http2_has_its_status_in_the_body(void **state)
{
	struct buf c = { 0 }, s = { 0 };

	HEADERS(&c, END_HEADERS, 1, ":method", "POST", ":scheme", "http", ":path", "/a.B/Do",
		"content-type", "application/grpc-web+proto");
	RAW(&c, 0, END_STREAM, 1, "\0\0\0\0\2hi");
	HEADERS(&s, END_HEADERS, 1, ":status", "200", "content-type", "application/grpc-web");
	RAW(&s, 0, END_STREAM, 1, "\0\0\0\0\1x\x80\0\0\0\x0fgrpc-status:3\r\n");
	check(&c, &s, OUTCOME_CLOSED,
	      "message client 1.1 len=2 /a.B/Do data=hi\n"
	      "message server 1.1 len=1 /a.B/Do data=x\n"
	      "call 1 POST /a.B/Do complete 200 grpc=3 m=1/1 b=7/26 failed\n");
}

/* The record of the only call, kept apart from the batch. */
static struct rec_call only_call(struct pair *p)
{
	struct rec_call c = { 0 };

	while (decoder_next(p->d, p->b) == 1)
		;
	for (uint32_t i = 0; i < p->b->count; i++)
		if (batch_at(p->b, i)->kind == KIND_CALL)
			c = *(struct rec_call *)batch_at(p->b, i);
	return c;
}

static void written_and_read_make_three_times(void **state)
{
	struct buf c = { 0 }, s = { 0 }, t = { 0 };
	struct stamp st;
	struct rec_call r;
	struct pair p;

	pair_init(&p, true);
	rpc(&c, 1, "/a.B/Do");
	RAW(&c, 0, END_STREAM, 1, "\0\0\0\0\0");
	HEADERS(&s, END_HEADERS, 1, ":status", "200");
	HEADERS(&t, END_HEADERS | END_STREAM, 1, "grpc-status", "0");
	give_at(&p, CLIENT, BYTES_LIT(PREFACE), 100, 101);
	give_at(&p, SERVER, SETTINGS_ONLY, 110, 111);
	give_at(&p, CLIENT, buf_bytes(&c), 1000, 51000); /* lies 50 ms in the socket */
	give_at(&p, SERVER, buf_bytes(&s), 53000, 53500);
	p.ts_us = 60000;
	p.read_us = 60700;
	st = stamp_of(&p, SERVER);
	decoder_feed(p.d, SERVER, buf_bytes(&t), &st);
	r = only_call(&p);
	assert_int_equal(r.start_ns, 1000000);
	assert_int_equal(r.latency_ns, 52500000);
	assert_int_equal(r.server_ns, 2000000);
	assert_int_equal(r.call_queue_ns, 50500000);
	assert_int_equal(r.duration_ns, 59700000);
	assert_int_equal(r.client_pid, 10);
	assert_int_equal(r.server_pid, 20);
	pair_release(&p);
	buf_release(&c);
	buf_release(&s);
	buf_release(&t);
}

static void without_read_times_the_latency_is_that_of_the_capture(void **state)
{
	struct buf c = { 0 }, s = { 0 };
	struct rec_call r;
	struct stamp st;
	struct pair p;

	pair_init(&p, true);
	rpc(&c, 1, "/a.B/Do");
	RAW(&c, 0, END_STREAM, 1, "\0\0\0\0\0");
	HEADERS(&s, END_HEADERS | END_STREAM, 1, ":status", "200", "grpc-status", "0");
	give_at(&p, CLIENT, BYTES_LIT(PREFACE), 100, -1);
	give_at(&p, CLIENT, buf_bytes(&c), 1000, -1);
	p.ts_us = 5000;
	st = stamp_of(&p, SERVER);
	decoder_feed(p.d, SERVER, buf_bytes(&s), &st);
	r = only_call(&p);
	assert_int_equal(r.latency_ns, 4000000);
	assert_int_equal(r.server_ns, -1);
	assert_int_equal(r.call_queue_ns, -1);
	pair_release(&p);
	buf_release(&c);
	buf_release(&s);
}

/* Begins a call whose first message, abcdef, has a gap after ab; returns what comes behind it. */
static struct bytes begin_cut_call(struct pair *p, struct buf *c, uint64_t missing)
{
	struct bytes in;

	pair_init(p, true);
	give(p, CLIENT, BYTES_LIT(PREFACE));
	rpc(c, 1, "/a.B/Do");
	RAW(c, 0, 0, 1, "\0\0\0\0\6abcdef\0\0\0\0\2gh");
	in = buf_bytes(c);
	give(p, CLIENT, bytes_of(in.p, in.len - 11));
	gap_of(p, CLIENT, missing);
	return bytes_of(in.p + in.len - 11 + missing, 11 - missing);
}

static void a_gap_in_a_body_cuts_one_message(void **state)
{
	struct buf c = { 0 };
	struct pair p;

	give(&p, CLIENT, begin_cut_call(&p, &c, 3));
	close_pair(&p, OUTCOME_CAPTURE_END);
	assert_text(buf_bytes(&p.out),
		    "gap ringbuf_drop 3 recovered\n"
		    "message client 1.1 len=6 /a.B/Do data=abf incomplete\n"
		    "message client 1.2 len=2 /a.B/Do data=gh\n"
		    "call 1 POST /a.B/Do capture_end -1 grpc=-1 m=2/0 b=18/0 incomplete inexact\n");
	pair_release(&p);
	buf_release(&c);
}

static void a_message_that_ends_in_a_gap_comes_before_the_next_gap(void **state)
{
	struct buf c = { 0 };
	struct bytes rest;
	struct pair p;

	rest = begin_cut_call(&p, &c, 4);
	assert_text(buf_bytes(&p.out),
		    "gap ringbuf_drop 4 recovered\n"
		    "message client 1.1 len=6 /a.B/Do data=ab incomplete\n");
	gap_of(&p, CLIENT, 3);
	give(&p, CLIENT, bytes_of(rest.p + 3, rest.len - 3));
	close_pair(&p, OUTCOME_CAPTURE_END);
	assert_text(buf_bytes(&p.out),
		    "gap ringbuf_drop 4 recovered\n"
		    "message client 1.1 len=6 /a.B/Do data=ab incomplete\n"
		    "gap ringbuf_drop 3 recovered\n"
		    "call 1 POST /a.B/Do capture_end -1 grpc=-1 m=1/0 b=18/0 incomplete inexact\n");
	pair_release(&p);
	buf_release(&c);
}

/* Attached late: all names but the method's are unknown, the messages tell what it is. */
static void a_late_attach_tells_grpc_by_its_messages(void **state)
{
	struct buf c = { 0 }, s = { 0 };
	struct pair p;

	pair_init(&p, false);
	RAW(&c, 1, END_HEADERS, 7, "\x83\xc5\xc4\xc3"); /* :method POST and three unknown fields */
	RAW(&c, 0, END_STREAM, 7, "\0\0\0\0\2hi");
	RAW(&c, 6, 0, 0, "12345678");
	RAW(&s, 1, END_HEADERS, 7, "\x88\xc5"); /* :status 200 and one */
	RAW(&s, 0, 0, 7, "\0\0\0\0\1a\0\0\0\0\1b");
	RAW(&s, 1, END_HEADERS | END_STREAM, 7, "\xc4");
	RAW(&s, 6, 0, 0, "12345678");
	give(&p, CLIENT, buf_bytes(&c));
	give(&p, SERVER, buf_bytes(&s));
	close_pair(&p, OUTCOME_CAPTURE_END);
	assert_non_null(memmem(p.out.mem, p.out.len, "data=hi\n", 8));
	assert_non_null(memmem(p.out.mem, p.out.len, "complete 200 grpc=-1 m=1/2 b=7/12", 33));
	pair_release(&p);
	buf_release(&c);
	buf_release(&s);
}

/* Attached late: a call whose response ends in these fields (all but 0x88 from before), without
 * messages or behind one. Literals are \x0f, index - 15, the value. */
static void late_call(struct pair *p, uint32_t id, bool has_message, struct bytes end,
		      const char *want)
{
	struct buf c = { 0 }, s = { 0 };
	char *call;

	RAW(&c, 1, END_HEADERS, id, "\x83\xc5\xc4\xc3");
	RAW(&c, 0, END_STREAM, id, "\0\0\0\0\2hi");
	RAW(&c, 6, 0, 0, "12345678");
	if (has_message) {
		RAW(&s, 1, END_HEADERS, id, "\x88\xc5");
		RAW(&s, 0, 0, id, "\0\0\0\0\1a");
	}
	frame(&s, 1, END_HEADERS | END_STREAM, id, end);
	RAW(&s, 6, 0, 0, "12345678");
	buf_consume(&p->out, p->out.len);
	give(p, CLIENT, buf_bytes(&c));
	give(p, SERVER, buf_bytes(&s));
	buf_putc(&p->out, 0);
	call = strstr((char *)p->out.mem, "complete 200");
	assert_non_null(call);
	*strchr(call, '\n') = 0;
	assert_string_equal(call, want);
	buf_release(&c);
	buf_release(&s);
}

#define TRAILERS_ONLY "\x88\xc5" /* which stands in heads too: no status */

static void a_status_that_the_table_hides_is_known_only_if_no_other_field_can_be_it(void **state)
{
	struct pair p;

	pair_init(&p, false);
	late_call(&p, 7, false, BYTES_LIT(TRAILERS_ONLY "\x0f\x34\0015"), /* which of two? */
		  "complete 200 grpc=-1 m=1/0 b=7/0 incomplete inexact");
	late_call(&p, 9, true, BYTES_LIT("\xc4"),
		  "complete 200 grpc=-1(likely 0) m=1/1 b=7/6 incomplete inexact");
	late_call(&p, 11, false, BYTES_LIT(TRAILERS_ONLY "\xc4"),
		  "complete 200 grpc=-1(likely 0) m=1/0 b=7/0 incomplete inexact");
	late_call(&p, 13, false, BYTES_LIT(TRAILERS_ONLY "\xc3"),
		  "complete 200 grpc=-1 m=1/0 b=7/0 incomplete inexact");
	late_call(&p, 15, true, BYTES_LIT("\xc3"),
		  "complete 200 grpc=-1 m=1/1 b=7/6 incomplete inexact");
	late_call(&p, 17, false, BYTES_LIT(TRAILERS_ONLY "\x0f\x34\0015"),
		  "complete 200 grpc=5 m=1/0 b=7/0 failed incomplete inexact");
	late_call(&p, 19, false, BYTES_LIT(TRAILERS_ONLY "\x0f\x34\0015\x0f\x35\4oops"),
		  "complete 200 grpc=5 m=1/0 b=7/0 failed incomplete inexact");
	late_call(&p, 21, false, BYTES_LIT(TRAILERS_ONLY "\x0f\x34\0015\x0f\x35\0017"),
		  "complete 200 grpc=-1 m=1/0 b=7/0 incomplete inexact");
	late_call(&p, 23, false, BYTES_LIT(TRAILERS_ONLY "\x0f\x34\0015\xc4"),
		  "complete 200 grpc=-1 m=1/0 b=7/0 incomplete inexact");
	pair_release(&p);
}

static void more_streams_than_are_kept_evict_the_oldest(void **state)
{
	struct buf c = { 0 };
	struct pair p;

	pair_init(&p, true);
	give(&p, CLIENT, BYTES_LIT(PREFACE));
	for (uint32_t i = 0; i < LIMIT_STREAMS + 1; i++)
		HEADERS(&c, END_HEADERS, 2 * i + 1, ":method", "GET", ":path", "/x");
	give(&p, CLIENT, buf_bytes(&c));
	assert_text(buf_bytes(&p.out),
		    "call 1 GET /x evicted -1 b=0/0 incomplete\ngap evicted 0 recovered\n");
	pair_release(&p);
	buf_release(&c);
}

static void what_nobody_wants_is_not_made(void **state)
{
	struct buf c = { 0 }, s = { 0 };
	struct pair p;

	unary(&c, &s);
	pair_init(&p, true);
	memset(&p.want, 0, sizeof(p.want));
	give(&p, CLIENT, buf_bytes(&c));
	give(&p, SERVER, buf_bytes(&s));
	assert_int_equal(p.out.len, 0);
	pair_release(&p);
	pair_init(&p, true);
	p.want.data = p.want.headers = p.want.kind[KIND_MESSAGE] = false;
	give(&p, CLIENT, buf_bytes(&c));
	give(&p, SERVER, buf_bytes(&s));
	assert_text(buf_bytes(&p.out),
		    "call 1 POST /a.B/Do complete 200 grpc=5 m=1/1 msg=no\\20such b=8/7 failed\n");
	pair_release(&p);
	buf_release(&c);
	buf_release(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unary_call_is_the_same_however_it_is_cut),
		cmocka_unit_test(a_small_batch_gives_the_same_records),
		cmocka_unit_test(streams_in_one_write_are_told_apart),
		cmocka_unit_test(a_prefix_may_be_a_frame_of_its_own_or_two),
		cmocka_unit_test(trailers_only_are_head_and_status_at_once),
		cmocka_unit_test(a_reset_ends_a_call_with_its_code),
		cmocka_unit_test(a_reset_behind_the_whole_response_leaves_it_complete),
		cmocka_unit_test(goaway_ends_the_streams_above_its_last),
		cmocka_unit_test(open_calls_are_reported_at_the_end),
		cmocka_unit_test(a_call_without_response_at_the_close_has_failed),
		cmocka_unit_test(interim_responses_are_not_the_response),
		cmocka_unit_test(a_promise_is_a_request_of_its_own),
		cmocka_unit_test(compressed_messages_are_inflated_or_their_coding_named),
		cmocka_unit_test(grpc_web_over_http2_has_its_status_in_the_body),
		cmocka_unit_test(written_and_read_make_three_times),
		cmocka_unit_test(without_read_times_the_latency_is_that_of_the_capture),
		cmocka_unit_test(a_gap_in_a_body_cuts_one_message),
		cmocka_unit_test(a_message_that_ends_in_a_gap_comes_before_the_next_gap),
		cmocka_unit_test(a_late_attach_tells_grpc_by_its_messages),
		cmocka_unit_test(a_status_that_the_table_hides_is_known_only_if_no_other_field_can_be_it),
		cmocka_unit_test(more_streams_than_are_kept_evict_the_oldest),
		cmocka_unit_test(what_nobody_wants_is_not_made),
	};

	return cmocka_run_group_tests_name("call", tests, NULL, NULL);
}
