/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls over HTTP/1, through the whole decoder. */
#include "call_feed.h"

#include <zlib.h>

#include "util/limits.h"

struct part {
	int dir;
	const char *text;
	size_t len;
};

#define C(text) { CLIENT, text, sizeof(text) - 1 }
#define S(text) { SERVER, text, sizeof(text) - 1 }
#define GAP_C(n) { CLIENT, NULL, n }
#define GAP_S(n) { SERVER, NULL, n }
#define END { CLIENT, "", 0 }

static void feed_parts(struct pair *p, const struct part *parts, size_t piece)
{
	for (; parts->len; parts++) {
		struct bytes in = bytes_of(parts->text, parts->len), part = { 0 };

		if (!parts->text) {
			gap_of(p, parts->dir, parts->len);
			continue;
		}
		while (in.len) {
			bytes_take(&in, in.len < piece ? in.len : piece, &part);
			give(p, parts->dir, guarded(part));
		}
	}
}

/* The same records for the parts whole and in small pieces. */
static void check(bool seen_open, const struct part *parts, enum call_outcome end, const char *want)
{
	static const size_t pieces[] = { SIZE_MAX, 1, 2, 7, 40 };
	struct pair p;

	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		pair_init(&p, seen_open);
		feed_parts(&p, parts, pieces[i]);
		close_pair(&p, end);
		assert_text(buf_bytes(&p.out), want);
		pair_release(&p);
	}
}

#define CHECK(end, want, ...) check(true, (const struct part[]){ __VA_ARGS__, END }, end, want)
#define CHECK_LATE(end, want, ...) check(false, (const struct part[]){ __VA_ARGS__, END }, end, want)

static void requests_and_responses_make_calls(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/info body(0)=\n"
	      "http server 200 GET d/info body(2)=ok\n"
	      "call -1 GET /info complete 200 b=0/2\n"
	      "http client POST d/run body(3)=abc\n"
	      "http server 500 POST d/run body(0)=\n"
	      "call -1 POST /run complete 500 b=3/0 failed\n",
	      C("GET /info HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
	      C("POST /run HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\nabc"),
	      S("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"));
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/1 body(0)=\nhttp client HEAD d/2 body(0)=\n"
	      "http client GET d/3 body(0)=\n"
	      "http server 200 GET d/1 body(1)=a\ncall -1 GET /1 complete 200 b=0/1\n"
	      "http server 200 HEAD d/2 body(0)=\ncall -1 HEAD /2 complete 200 b=0/0\n"
	      "http server 404 GET d/3 body(1)=c\ncall -1 GET /3 complete 404 b=0/1\n",
	      C("GET /1 HTTP/1.1\r\nHost: d\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: d\r\n\r\n"
		"GET /3 HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
		"HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nc"));
}

static void continue_comes_before_the_response(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http server 100 PUT d/x body(0)=\n"
	      "http client PUT d/x body(2)=hi\n"
	      "http server 201 PUT d/x body(0)=\n"
	      "call -1 PUT /x complete 201 b=2/0\n",
	      C("PUT /x HTTP/1.1\r\nHost: d\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
	      S("HTTP/1.1 100 Continue\r\n\r\n"), C("hi"),
	      S("HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"));
}

static void a_response_may_come_before_the_request_is_over(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http server 413 PUT d/x body(0)=\n"
	      "http client PUT d/x body(4)=abcd\n"
	      "call -1 PUT /x complete 413 b=4/0\n",
	      C("PUT /x HTTP/1.1\r\nHost: d\r\nContent-Length: 4\r\n\r\nab"),
	      S("HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n"), C("cd"));
}

static void chunked_with_trailers_and_until_close(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/c body(0)=\n"
	      "http server 200 GET d/c body(3)=abc trailer:X-Sum=6\n"
	      "call -1 GET /c complete 200 b=0/3\n"
	      "http client GET d/e body(0)=\n"
	      "http server 200 GET d/e body(4)=rest\n"
	      "call -1 GET /e complete 200 b=0/4\n",
	      C("GET /c HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		"1\r\na\r\n2\r\nbc\r\n0\r\nX-Sum: 6\r\n\r\n"),
	      C("GET /e HTTP/1.1\r\nHost: d\r\n\r\n"), S("HTTP/1.1 200 OK\r\n\r\nre"), S("st"));
}

static void a_cut_off_response_is_a_failed_call(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/c body(0)=\n"
	      "http server 200 GET d/c body(2+)=ab\n"
	      "call -1 GET /c closed 200 b=0/2 failed incomplete\n",
	      C("GET /c HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"));
}

static void an_open_call_is_reported_at_the_end(void **state)
{
	CHECK(OUTCOME_CAPTURE_END,
	      "http client GET d/w body(0)=\ncall -1 GET /w capture_end -1 b=0/0 incomplete\n",
	      C("GET /w HTTP/1.1\r\nHost: d\r\n\r\n"));
}

static void h2c_goes_on_as_stream_1(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/u upgrade=h2c body(0)=\n"
	      "http server 101 GET d/u upgrade=h2c body(0)=\n"
	      "call 1 GET /u complete 204 b=0/0\n",
	      C("GET /u HTTP/1.1\r\nHost: d\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
	      S("HTTP/1.1 101 Switch\r\nUpgrade: h2c\r\n\r\n\0\0\0\4\0\0\0\0\0"),
	      C(PREFACE),
	      S("\0\0\1\1\5\0\0\0\1\x89")); /* :status 204 */
}

/* HEADER_TABLE_SIZE 65536 in HTTP2-Settings: the server may use it at once. */
static void the_settings_of_an_upgrade_bind_the_server(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/u upgrade=h2c body(0)=\n"
	      "http server 101 GET d/u upgrade=h2c body(0)=\n"
	      "call 1 GET /u complete 204 b=0/0\n",
	      C("GET /u HTTP/1.1\r\nHost: d\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAQAA\r\n\r\n"),
	      S("HTTP/1.1 101 Switch\r\nUpgrade: h2c\r\n\r\n\0\0\0\4\0\0\0\0\0"),
	      S("\0\0\5\1\5\0\0\0\1\x3f\xe1\xff\3\x89"), C(PREFACE));
}

static void a_websocket_is_named_and_goes_on_as_raw(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/ws upgrade=websocket body(0)=\n"
	      "http server 101 GET d/ws upgrade=websocket body(0)=\n"
	      "call -1 GET /ws complete 101 b=0/0\n",
	      C("GET /ws HTTP/1.1\r\nHost: d\r\nUpgrade: websocket\r\n\r\n"),
	      S("HTTP/1.1 101 Switch\r\nUpgrade: websocket\r\n\r\n\x81\2hi"), C("\x81\2hi"));
}

static void what_goes_through_connect_is_found_out_anew(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client CONNECT db:80db:80 body(0)=\n"
	      "http server 200 CONNECT db:80db:80 body(0)=\n"
	      "call -1 CONNECT db:80 complete 200 b=0/0\n"
	      "http client GET d/in body(0)=\n"
	      "http server 200 GET d/in body(0)=\n"
	      "call -1 GET /in complete 200 b=0/0\n",
	      C("CONNECT db:80 HTTP/1.1\r\nHost: db:80\r\n\r\n"),
	      S("HTTP/1.1 200 Established\r\nContent-Length: 5\r\n\r\n"),
	      C("GET /in HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
}

static void check_inflated(const char *head, int window, const char *want)
{
	uint8_t z[128];
	z_stream zs = { .next_in = (Bytef *)(uintptr_t)"hello hello hello", .avail_in = 17,
			.next_out = z, .avail_out = sizeof(z) };
	struct pair p;

	deflateInit2(&zs, 9, Z_DEFLATED, window, 9, Z_DEFAULT_STRATEGY);
	assert_int_equal(deflate(&zs, Z_FINISH), Z_STREAM_END);
	pair_init(&p, true);
	give(&p, CLIENT, BYTES_LIT("GET / HTTP/1.1\r\nHost: d\r\n\r\n"));
	give(&p, SERVER, bytes_str(head));
	give(&p, SERVER, bytes_of(z, zs.total_out));
	close_pair(&p, OUTCOME_CLOSED);
	assert_text(buf_bytes(&p.out), want);
	pair_release(&p);
	deflateEnd(&zs);
}

static void a_compressed_body_is_shown_inflated(void **state)
{
	check_inflated("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", 31,
		       "http client GET d/ body(0)=\n"
		       "http server 200 GET d/ body(28)=hello\\20hello\\20hello\n"
		       "call -1 GET / complete 200 b=0/28\n");
	check_inflated("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n", 15,
		       "http client GET d/ body(0)=\n"
		       "http server 200 GET d/ body(16)=hello\\20hello\\20hello\n"
		       "call -1 GET / complete 200 b=0/16\n");
	check_inflated("HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 16\r\n\r\n", 15,
		       "http client GET d/ body(0)=\n"
		       "http server 200 GET d/ body(16)=x\\da\\cbH\\cd\\c9\\c9W\\c8@\\90\\00:.\\06}\n"
		       "call -1 GET / complete 200 b=0/16\n");
}

/* Parts as whole writes, and what is shown after each of them. */
static void check_as_they_come(const struct part *parts, const char *const *wants,
			       enum call_outcome end)
{
	struct pair p;

	pair_init(&p, true);
	p.as_they_come = true;
	for (; parts->len; parts++) {
		feed_parts(&p, (const struct part[]){ *parts, END }, SIZE_MAX);
		assert_text(buf_bytes(&p.out), *wants++);
		buf_consume(&p.out, p.out.len);
	}
	close_pair(&p, end);
	assert_text(buf_bytes(&p.out), *wants);
	pair_release(&p);
}

#define WANTS(...) ((const char *const[]){ __VA_ARGS__ })
#define PARTS(...) ((const struct part[]){ __VA_ARGS__, END })
#define GET_LOGS C("GET /logs HTTP/1.1\r\nHost: d\r\n\r\n")

static void a_stream_until_close_is_shown_as_it_comes(void **state)
{
	check_as_they_come(PARTS(GET_LOGS, S("HTTP/1.1 200 OK\r\n\r\n"), S("one\n"), S("two\n")),
			   WANTS("http client GET d/logs body(0)=\n",
				 "http server 200 GET d/logs body(0+…)=\n",
				 "http server more of GET d/logs body(4+…)=one\\0a\n",
				 "http server more of GET d/logs body(4+…)=two\\0a\n",
				 "http server more of GET d/logs body(0)=\n"
				 "call -1 GET /logs complete 200 b=0/8\n"),
			   OUTCOME_CLOSED);
}

static void a_chunked_stream_is_shown_as_it_comes(void **state)
{
	check_as_they_come(PARTS(GET_LOGS,
				 S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"),
				 S("2\r\nbc\r\n1\r\nd\r\n3\r\n"), S("efg"),
				 S("\r\n0\r\nX-Sum: 6\r\n\r\n")),
			   WANTS("http client GET d/logs body(0)=\n",
				 "http server 200 GET d/logs body(1+…)=a\n",
				 "http server more of GET d/logs body(3+…)=bcd\n",
				 "http server more of GET d/logs body(3+…)=efg\n",
				 "http server more of GET d/logs body(0)= trailer:X-Sum=6\n"
				 "call -1 GET /logs complete 200 b=0/7\n",
				 ""),
			   OUTCOME_CLOSED);
}

static void a_stream_that_the_capture_outlives_not_is_incomplete(void **state)
{
	check_as_they_come(PARTS(GET_LOGS, S("HTTP/1.1 200 OK\r\n\r\none")),
			   WANTS("http client GET d/logs body(0)=\n",
				 "http server 200 GET d/logs body(3+…)=one\n",
				 "http server more of GET d/logs body(0+)=\n"
				 "call -1 GET /logs capture_end 200 b=0/3 incomplete\n"),
			   OUTCOME_CAPTURE_END);
}

static void a_short_body_is_waited_for(void **state)
{
	check_as_they_come(PARTS(GET_LOGS, S("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"),
				 S("ab"), S("c")),
			   WANTS("http client GET d/logs body(0)=\n", "", "",
				 "http server 200 GET d/logs body(3)=abc\n"
				 "call -1 GET /logs complete 200 b=0/3\n",
				 ""),
			   OUTCOME_CLOSED);
}

static void a_long_body_is_not_waited_for(void **state)
{
	check_as_they_come(PARTS(GET_LOGS, S("HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n")),
			   WANTS("http client GET d/logs body(0)=\n",
				 "http server 200 GET d/logs body(0+…)=\n",
				 "http server more of GET d/logs body(0+)=\n"
				 "call -1 GET /logs closed 200 b=0/0 failed incomplete\n"),
			   OUTCOME_CLOSED);
}

static void a_request_is_shown_before_its_response(void **state)
{
	check_as_they_come(PARTS(C("PUT /x HTTP/1.1\r\nHost: d\r\nContent-Length: 4\r\n\r\nab"),
				 S("HTTP/1.1 413 Large\r\nContent-Length: 0\r\n\r\n"), C("cd")),
			   WANTS("",
				 "http client PUT d/x body(2+…)=ab\n"
				 "http server 413 PUT d/x body(0)=\n",
				 "http client more of PUT d/x body(2)=cd\n"
				 "call -1 PUT /x complete 413 b=4/0\n",
				 ""),
			   OUTCOME_CLOSED);
}

static void a_compressed_stream_comes_at_its_end(void **state)
{
	static const struct part gzip[] = {
		GET_LOGS,
		S("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"),
		S("\x1f\x8b\x08\0\0\0\0\0\2\3\xcb\x48\5\0"), /* "he", then the sum */
		S("\x87\x66\x25\xd1\2\0\0\0"),
		END,
	};

	check_as_they_come(gzip,
			   WANTS("http client GET d/logs body(0)=\n",
				 "http server 200 GET d/logs body(0+…)\n", "", "",
				 "http server more of GET d/logs body(22)=he\n"
				 "call -1 GET /logs complete 200 b=0/22\n"),
			   OUTCOME_CLOSED);
}

static void what_is_due_is_not_asked_for_if_nobody_wants_it(void **state)
{
	struct pair p;

	pair_init(&p, true);
	p.want.kind[KIND_HTTP] = false;
	feed_parts(&p, PARTS(GET_LOGS, S("HTTP/1.1 200 OK\r\n\r\none")), SIZE_MAX);
	close_pair(&p, OUTCOME_CLOSED);
	assert_text(buf_bytes(&p.out), "call -1 GET /logs complete 200 b=0/3\n");
	pair_release(&p);
}

static void a_late_attach_pairs_what_it_saw_whole(void **state)
{
	CHECK_LATE(OUTCOME_CLOSED,
		   "http server 200 body(1)=a inexact\n"
		   "call -1 complete 200 b=0/1 incomplete inexact\n"
		   "http client GET d/2 body(0)= inexact\n"
		   "http server 200 GET d/2 body(1)=b inexact\n"
		   "call -1 GET /2 complete 200 b=0/1 incomplete inexact\n"
		   "http client GET d/3 body(0)= inexact\n"
		   "http server 200 GET d/3 body(1)=c inexact\n"
		   "call -1 GET /3 complete 200 b=0/1 incomplete inexact\n",
		   S("body of an older one\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
		   C("GET /2 HTTP/1.1\r\nHost: d\r\n\r\n"),
		   S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"),
		   C("GET /3 HTTP/1.1\r\nHost: d\r\n\r\n"),
		   S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc"));
}

/* Else a client that pipelines steadily looks as if it did not. */
static void after_a_late_attach_only_a_silence_makes_pairs_certain(void **state)
{
	static const struct part get[] = { C("GET /5 HTTP/1.1\r\nHost: d\r\n\r\n"), { 0 } };
	static const struct part ok[] = { S("HTTP/1.1 204 No\r\n\r\n"), { 0 } };
	static const int64_t asked_us[] = { 0, 999999, 2000000, 2000100 };
	struct pair p;

	pair_init(&p, false);
	for (int i = 0; i < 4; i++) {
		p.ts_us = 1000000 + asked_us[i];
		feed_parts(&p, get, SIZE_MAX);
		feed_parts(&p, ok, SIZE_MAX);
	}
	close_pair(&p, OUTCOME_CLOSED);
	assert_text(buf_bytes(&p.out), "http client GET d/5 body(0)= inexact\n"
				       "http server 204 GET d/5 body(0)= inexact\n"
				       "call -1 GET /5 complete 204 b=0/0 incomplete inexact\n"
				       "http client GET d/5 body(0)= inexact\n"
				       "http server 204 GET d/5 body(0)= inexact\n"
				       "call -1 GET /5 complete 204 b=0/0 incomplete inexact\n"
				       "http client GET d/5 body(0)= inexact\n"
				       "http server 204 GET d/5 body(0)= inexact\n"
				       "call -1 GET /5 complete 204 b=0/0\n"
				       "http client GET d/5 body(0)= inexact\n"
				       "http server 204 GET d/5 body(0)= inexact\n"
				       "call -1 GET /5 complete 204 b=0/0\n");
	pair_release(&p);
}

/* Of four requests that were under way at the attach and of those that follow each response, no
 * order is known. */
static void a_late_attach_to_a_client_that_pipelines_pairs_nothing(void **state)
{
	CHECK_LATE(OUTCOME_CLOSED,
		   "http client GET d/5 body(0)= inexact\n"
		   "call -1 GET /5 evicted -1 b=0/0 incomplete inexact\n"
		   "http client GET d/6 body(0)= inexact\n"
		   "http server 200 body(1)=a inexact\n"
		   "call -1 complete 200 b=0/1 incomplete inexact\n"
		   "call -1 GET /6 evicted -1 b=0/0 incomplete inexact\n"
		   "http client GET d/7 body(0)= inexact\n"
		   "http server 200 body(1)=b inexact\n"
		   "call -1 complete 200 b=0/1 incomplete inexact\n"
		   "call -1 GET /7 evicted -1 b=0/0 incomplete inexact\n",
		   C("GET /5 HTTP/1.1\r\nHost: d\r\n\r\nGET /6 HTTP/1.1\r\nHost: d\r\n\r\n"),
		   S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
		   C("GET /7 HTTP/1.1\r\nHost: d\r\n\r\n"),
		   S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"));
	CHECK_LATE(OUTCOME_CLOSED, /* two that nobody asked for, after one exchange went by */
		   "http client GET d/5 body(0)= inexact\n"
		   "http server 200 GET d/5 body(1)=a inexact\n"
		   "call -1 GET /5 complete 200 b=0/1 incomplete inexact\n"
		   "http server 200 body(1)=b inexact\n"
		   "call -1 complete 200 b=0/1 incomplete inexact\n"
		   "http client GET d/6 body(0)= inexact\n"
		   "http server 200 body(1)=c inexact\n"
		   "call -1 complete 200 b=0/1 incomplete inexact\n"
		   "call -1 GET /6 evicted -1 b=0/0 incomplete inexact\n",
		   C("GET /5 HTTP/1.1\r\nHost: d\r\n\r\n"),
		   S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"
		     "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"),
		   C("GET /6 HTTP/1.1\r\nHost: d\r\n\r\n"),
		   S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc"));
}

static void a_response_written_before_a_request_was_read_does_not_answer_it(void **state)
{
	struct pair p;

	pair_init(&p, false);
	p.ts_us = 1000;
	p.read_us = 2000;
	feed_parts(&p, PARTS(C("GET /5 HTTP/1.1\r\nHost: d\r\n\r\n")), SIZE_MAX);
	p.ts_us = 1500;
	p.read_us = 1600;
	feed_parts(&p, PARTS(S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na")), SIZE_MAX);
	close_pair(&p, OUTCOME_CLOSED);
	assert_text(buf_bytes(&p.out), "http client GET d/5 body(0)= inexact\n"
				       "http server 200 body(1)=a inexact\n"
				       "call -1 complete 200 b=0/1 incomplete inexact\n"
				       "call -1 GET /5 evicted -1 b=0/0 incomplete inexact\n");
	pair_release(&p);
}

static void a_gap_before_the_first_response_that_was_seen_unpairs(void **state)
{
	CHECK_LATE(OUTCOME_CLOSED,
		   "http client GET d/1 body(0)= inexact\n"
		   "gap ringbuf_drop 60 recovered\n"
		   "call -1 GET /1 evicted -1 b=0/0 incomplete inexact\n"
		   "http server 200 body(1)=b inexact\n"
		   "call -1 complete 200 b=0/1 incomplete inexact\n",
		   C("GET /1 HTTP/1.1\r\nHost: d\r\n\r\n"), GAP_S(60),
		   S("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"));
}

static void a_gap_in_a_body_is_counted_and_framing_holds(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/1 body(0)=\n"
	      "gap ringbuf_drop 5 recovered\n"
	      "http server 200 GET d/1 body(8+)=abc\n"
	      "call -1 GET /1 complete 200 b=0/8 incomplete inexact\n"
	      "http client GET d/2 body(0)=\n"
	      "http server 200 GET d/2 body(0)=\n"
	      "call -1 GET /2 complete 200 b=0/0\n",
	      C("GET /1 HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nab"), GAP_S(5), S("c"),
	      C("GET /2 HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
}

static void a_gap_over_heads_never_pairs_wrongly(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/1 body(0)=\n"
	      "call -1 GET /1 evicted -1 b=0/0 incomplete inexact\n"
	      "http client GET d/2 body(0)=\n"
	      "gap ringbuf_drop 60 recovered\n"
	      "http server 200 GET d/2 body(0)= inexact\n"
	      "call -1 GET /2 complete 200 b=0/0 incomplete inexact\n",
	      C("GET /1 HTTP/1.1\r\nHost: d\r\n\r\n"), GAP_S(60),
	      C("GET /2 HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
}

static void broken_framing_is_a_gap_and_the_next_message_is_found(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET d/1 body(0)=\n"
	      "http server 200 GET d/1 body(1+)=a\n"
	      "call -1 GET /1 complete 200 b=0/1 incomplete inexact\n"
	      "gap decode_error 3 recovered\n"
	      "http server 204 body(0)=\n"
	      "call -1 complete 204 b=0/0 incomplete inexact\n",
	      C("GET /1 HTTP/1.1\r\nHost: d\r\n\r\n"),
	      S("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\nzz\n"
		"HTTP/1.1 204 None\r\n\r\n"));
}

static void grpc_web_has_messages_and_its_status_in_the_body(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "message client 0.1 len=2 /a.B/Do data=hi\n"
	      "http client POST d/a.B/Do body(7)=\\00\\00\\00\\00\\02hi\n"
	      "message server 0.1 len=1 /a.B/Do data=x\n"
	      "http server 200 POST d/a.B/Do body(26)=\\00\\00\\00\\00\\01x\\80\\00\\00\\00\\0f"
	      "grpc-status:3\\0d\\0a\n"
	      "call -1 POST /a.B/Do complete 200 grpc=3 m=1/1 b=7/26 failed\n",
	      C("POST /a.B/Do HTTP/1.1\r\nHost: d\r\nContent-Type: application/grpc-web+proto\r\n"
		"Content-Length: 7\r\n\r\n\0\0\0\0\2hi"),
	      S("HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web+proto\r\n"
		"Content-Length: 26\r\n\r\n\0\0\0\0\1x\x80\0\0\0\x0fgrpc-status:3\r\n"));
}

static void grpc_web_text_is_read_through_its_base64(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "message client 0.1 len=2 /a.B/Do data=hi\n"
	      "http client POST d/a.B/Do body(12)=AAAAAAJoaQ==\n"
	      "message server 0.1 len=1 /a.B/Do data=x\n"
	      "http server 200 POST d/a.B/Do body(36)=AAAAAAF4gAAAAA9ncnBjLXN0YXR1czowDQo=\n"
	      "call -1 POST /a.B/Do complete 200 grpc=0 m=1/1 b=12/36\n",
	      C("POST /a.B/Do HTTP/1.1\r\nHost: d\r\nContent-Type: application/grpc-web-text\r\n"
		"Content-Length: 12\r\n\r\nAAAAAAJoaQ=="),
	      S("HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web-text+proto\r\n"
		"Content-Length: 36\r\n\r\nAAAAAAF4gAAAAA9ncnBjLXN0YXR1czowDQo="));
}

static void more_requests_than_are_kept_evict_the_oldest(void **state)
{
	static const char get[] = "GET /x HTTP/1.1\r\nHost: d\r\n\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	struct pair p;

	pair_init(&p, true);
	p.want.kind[KIND_HTTP] = false;
	for (int i = 0; i < LIMIT_HTTP1_PIPELINE + 1; i++)
		give(&p, CLIENT, bytes_of(get, sizeof(get) - 1));
	give(&p, SERVER, bytes_of(answer, sizeof(answer) - 1));
	give(&p, SERVER, bytes_of(answer, sizeof(answer) - 1));
	assert_text(buf_bytes(&p.out), "call -1 GET /x evicted -1 b=0/0 incomplete\n"
				       "call -1 complete 200 b=0/0 incomplete inexact\n"
				       "call -1 GET /x complete 200 b=0/0\n");
	pair_release(&p);
}

static void the_target_in_absolute_form_names_the_authority(void **state)
{
	CHECK(OUTCOME_CLOSED,
	      "http client GET h:80/p body(0)=\ncall -1 GET /p closed -1 b=0/0 failed incomplete\n",
	      C("GET http://h:80/p HTTP/1.1\r\nHost: d\r\n\r\n"));
}

static void what_is_no_http_gives_nothing(void **state)
{
	CHECK(OUTCOME_CLOSED, "", C("*1\r\n$4\r\nPING\r\n"), S("+PONG\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_responses_make_calls),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(continue_comes_before_the_response),
		cmocka_unit_test(a_response_may_come_before_the_request_is_over),
		cmocka_unit_test(chunked_with_trailers_and_until_close),
		cmocka_unit_test(a_cut_off_response_is_a_failed_call),
		cmocka_unit_test(an_open_call_is_reported_at_the_end),
		cmocka_unit_test(h2c_goes_on_as_stream_1),
		cmocka_unit_test(the_settings_of_an_upgrade_bind_the_server),
		cmocka_unit_test(a_websocket_is_named_and_goes_on_as_raw),
		cmocka_unit_test(what_goes_through_connect_is_found_out_anew),
		cmocka_unit_test(a_compressed_body_is_shown_inflated),
		cmocka_unit_test(a_stream_until_close_is_shown_as_it_comes),
		cmocka_unit_test(a_chunked_stream_is_shown_as_it_comes),
		cmocka_unit_test(a_stream_that_the_capture_outlives_not_is_incomplete),
		cmocka_unit_test(a_short_body_is_waited_for),
		cmocka_unit_test(a_long_body_is_not_waited_for),
		cmocka_unit_test(a_request_is_shown_before_its_response),
		cmocka_unit_test(a_compressed_stream_comes_at_its_end),
		cmocka_unit_test(what_is_due_is_not_asked_for_if_nobody_wants_it),
		cmocka_unit_test(a_late_attach_pairs_what_it_saw_whole),
		cmocka_unit_test(after_a_late_attach_only_a_silence_makes_pairs_certain),
		cmocka_unit_test(a_late_attach_to_a_client_that_pipelines_pairs_nothing),
		cmocka_unit_test(a_response_written_before_a_request_was_read_does_not_answer_it),
		cmocka_unit_test(a_gap_before_the_first_response_that_was_seen_unpairs),
		cmocka_unit_test(a_gap_in_a_body_is_counted_and_framing_holds),
		cmocka_unit_test(a_gap_over_heads_never_pairs_wrongly),
		cmocka_unit_test(broken_framing_is_a_gap_and_the_next_message_is_found),
		cmocka_unit_test(grpc_web_has_messages_and_its_status_in_the_body),
		cmocka_unit_test(grpc_web_text_is_read_through_its_base64),
		cmocka_unit_test(more_requests_than_are_kept_evict_the_oldest),
		cmocka_unit_test(the_target_in_absolute_form_names_the_authority),
		cmocka_unit_test(what_is_no_http_gives_nothing),
	};

	return cmocka_run_group_tests_name("call_http1", tests, NULL, NULL);
}
