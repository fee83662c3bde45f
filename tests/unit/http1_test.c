/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <ctype.h>
#include <errno.h>

#include "decode/http1.h"
#include "decode/http1_line.h"
#include "util/limits.h"

/* What a direction gave, as text: one line an event, pieces of a body joined. */
struct trace {
	struct http1 h;
	struct buf log;
	bool body_open;
	bool heads_are_head; /* every response answers a HEAD request */
	bool tunnel_on_101;
};

static void put(struct buf *log, struct bytes b)
{
	for (size_t i = 0; i < b.len; i++) {
		if (b.p[i] == '\r')
			buf_puts(log, "\\r");
		else if (b.p[i] == '\n')
			buf_puts(log, "\\n");
		else if (b.p[i] == 0)
			buf_puts(log, "\\0");
		else
			buf_putc(log, (char)b.p[i]);
	}
}

static void log_fields(struct buf *log, const struct http1_fields *f)
{
	for (uint32_t i = 0; i < f->cnt; i++) {
		buf_puts(log, " [");
		put(log, f->v[i].name);
		buf_puts(log, f->v[i].value.p ? "=" : "");
		put(log, f->v[i].value);
		buf_puts(log, "]");
	}
}

static void log_event(struct trace *t, const struct http1_event *ev)
{
	struct buf *log = &t->log;

	if (t->body_open && ev->what != HTTP1_BODY)
		buf_putc(log, '\n');
	switch (ev->what) {
	case HTTP1_HEAD:
		if (ev->head->is_response) {
			buf_printf(log, "RESP %d ", ev->head->status);
			put(log, ev->head->reason);
		} else {
			buf_puts(log, "REQ ");
			put(log, ev->head->method);
			buf_putc(log, ' ');
			put(log, ev->head->target);
		}
		buf_puts(log, " ");
		put(log, ev->head->version);
		buf_printf(log, " f%d ka%d", ev->head->framing, ev->head->keep_alive);
		log_fields(log, ev->fields);
		if (ev->head->why)
			buf_printf(log, " !%.24s", ev->head->why);
		buf_putc(log, '\n');
		break;
	case HTTP1_BODY:
		if (!t->body_open)
			buf_puts(log, "BODY ");
		assert_true(ev->body.len > 0);
		put(log, ev->body);
		break;
	case HTTP1_END:
		buf_printf(log, "END %d", ev->complete);
		log_fields(log, ev->fields);
		if (ev->why)
			buf_printf(log, " !%.24s", ev->why);
		buf_putc(log, '\n');
		break;
	}
	t->body_open = ev->what == HTTP1_BODY;
}

static void trace_feed(struct trace *t, struct bytes in)
{
	struct http1_event ev;
	size_t used;
	int rc;

	while ((rc = http1_next(&t->h, in, &used, &ev)) != 0) {
		assert_true(used <= in.len);
		bytes_take(&in, used, &(struct bytes){ 0 });
		if (rc < 0) {
			if (t->body_open)
				buf_putc(&t->log, '\n');
			t->body_open = false;
			buf_printf(&t->log, "LOST %.24s\n", t->h.why);
			continue;
		}
		log_event(t, &ev);
		if (ev.what == HTTP1_HEAD && t->heads_are_head)
			http1_no_body(&t->h);
		if (ev.what == HTTP1_HEAD && t->tunnel_on_101 && ev.head->status == 101)
			http1_tunnel(&t->h);
	}
	assert_true(used == in.len || t->h.state == HTTP1_TUNNEL);
}

static void trace_end(struct trace *t)
{
	struct http1_event ev;

	if (http1_close(&t->h, &ev))
		log_event(t, &ev);
	if (t->h.skipped)
		buf_printf(&t->log, "SKIPPED %d\n", (int)t->h.skipped);
	http1_release(&t->h);
}

static void assert_trace(struct trace *t, const char *want, size_t cut)
{
	trace_end(t);
	if (t->log.len != strlen(want) || memcmp(t->log.mem, want, t->log.len))
		fprintf(stderr, "cut at %zu\n", cut);
	assert_text(buf_bytes(&t->log), want);
	buf_release(&t->log);
}

/* The same events whether the input comes whole, byte by byte or cut in two anywhere. */
static void check_with(struct trace like, const char *text, size_t len, const char *want)
{
	struct bytes in = guarded(bytes_of(text, len));
	struct trace t = like;

	trace_feed(&t, in);
	assert_trace(&t, want, len);
	t = like;
	for (size_t i = 0; i < in.len; i++)
		trace_feed(&t, bytes_of(in.p + i, 1));
	assert_trace(&t, want, 0);
	for (size_t cut = 1; cut < in.len; cut++) {
		struct bytes head = guarded(bytes_of(in.p, cut));

		t = like;
		trace_feed(&t, head);
		munmap((void *)((uintptr_t)head.p & ~4095ul), 4096);
		trace_feed(&t, bytes_of(in.p + cut, in.len - cut));
		assert_trace(&t, want, cut);
	}
}

#define REQUESTS(text, want) check_with((struct trace){ 0 }, text, sizeof(text) - 1, want)
#define RESPONSES(text, want) \
	check_with((struct trace){ .h.is_response = true }, text, sizeof(text) - 1, want)

static void a_request_without_body(void **state)
{
	REQUESTS("GET /v1.41/info HTTP/1.1\r\nHost: docker\r\nX-Empty:\r\n\r\n",
		 "REQ GET /v1.41/info 1.1 f0 ka1 [Host=docker] [X-Empty=]\nEND 1\n");
}

static void pipelined_requests_are_told_apart(void **state)
{
	REQUESTS("\r\nPOST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET /b HTTP/1.0\r\n\r\n",
		 "REQ POST /a 1.1 f1 ka1 [Content-Length=3]\nBODY abc\nEND 1\n"
		 "REQ GET /b 1.0 f0 ka0\nEND 1\n");
}

static void chunks_are_joined_and_trailers_shown(void **state)
{
	RESPONSES("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n"
		  "5;ext=\"x\"\r\nhello\r\n00a\r\n, world!!!\r\n0\r\nX-Sum: 7\r\n\r\n"
		  "HTTP/1.1 204 No Content\r\n\r\n",
		  "RESP 200 OK 1.1 f2 ka1 [Transfer-Encoding=gzip, Chunked]\n"
		  "BODY hello, world!!!\nEND 1 [X-Sum=7]\n"
		  "RESP 204 No Content 1.1 f0 ka1\nEND 1\n");
}

static void interim_204_and_304_have_no_body(void **state)
{
	RESPONSES("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
		  "HTTP/1.1 304 Not Modified\r\nContent-Length: 900\r\n\r\n"
		  "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n",
		  "RESP 100 Continue 1.1 f0 ka1\nEND 1\n"
		  "RESP 103 Early Hints 1.1 f0 ka1 [Link=</a>]\nEND 1\n"
		  "RESP 304 Not Modified 1.1 f0 ka1 [Content-Length=900]\nEND 1\n"
		  "RESP 200  1.1 f0 ka1 [Content-Length=0]\nEND 1\n");
}

static void a_body_without_length_lasts_until_close(void **state)
{
	RESPONSES("HTTP/1.0 200 OK\r\n\r\nall\r\n\r\nof it",
		  "RESP 200 OK 1.0 f3 ka0\nBODY all\\r\\n\\r\\nof it\nEND 1\n");
}

static void a_body_cut_off_by_the_close_is_incomplete(void **state)
{
	RESPONSES("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall",
		  "RESP 200 OK 1.1 f1 ka1 [Content-Length=9]\nBODY all\nEND 0\n");
	RESPONSES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nA: b\r\n",
		  "RESP 200 OK 1.1 f2 ka1 [Transfer-Encoding=chunked]\nBODY abc\nEND 0\n"
		  "SKIPPED 6\n");
}

static void a_response_to_head_has_no_body(void **state)
{
	struct trace head = { .h.is_response = true, .heads_are_head = true };
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
				   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

	check_with(head, text, sizeof(text) - 1,
		   "RESP 200 OK 1.1 f1 ka1 [Content-Length=9]\nEND 1\n"
		   "RESP 200 OK 1.1 f2 ka1 [Transfer-Encoding=chunked]\nEND 1\n");
}

static void after_an_upgrade_nothing_is_consumed(void **state)
{
	struct trace t = { .h.is_response = true, .tunnel_on_101 = true };
	static const char text[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n";

	check_with(t, text, sizeof(text) - 1,
		   "RESP 101 Switching Protocols 1.1 f0 ka1 [Upgrade=h2c]\n");
	t.log = (struct buf){ 0 };
	trace_feed(&t, bytes_of(text, sizeof(text) - 1));
	trace_feed(&t, BYTES_LIT("\0\0\0\4\0\0\0\0\0"));
	trace_end(&t);
	buf_release(&t.log);
}

static void odd_heads_are_shown_as_they_came(void **state)
{
	REQUESTS("GET /a b HTTP/1.1\nhOsT : x\nX: 1\r\n\t 2\r\nno colon\r\nBad(: v\r\n\r\n",
		 "REQ GET /a b 1.1 f0 ka1 [hOsT =x] [X=1\\r\\n\t 2] [no colon] [Bad(=v]"
		 " !a line ends in a bare LF\nEND 1\n");
	REQUESTS("GET / HTTP/1.1\r\n folded: first\r\nA: b\r\n\r\n",
		 "REQ GET / 1.1 f0 ka1 [ folded=first] [A=b] !blanks before the first \nEND 1\n");
	REQUESTS("GET / HTTP/1.1\r\nA: x\0y\r\nB: p\rq\r\n\r\n",
		 "REQ GET / 1.1 f0 ka1 [A=x\\0y] [B=p\\rq] !a control character in a\nEND 1\n");
	REQUESTS("GET /old\r\n\r\n", "REQ GET /old  f0 ka0 !a request-line without H\nEND 1\n");
	RESPONSES("HTTP/1.1 404\r\nContent-Length: 0\r\n\r\n",
		  "RESP 404  1.1 f0 ka1 [Content-Length=0] !no blank after the statu\nEND 1\n");
}

/* RFC 9112 §5.1 */
static void blanks_around_a_value_are_not_of_it(void **state)
{
	REQUESTS("GET / HTTP/1.1\r\nA:  b c  \r\nB:\t d \t\r\nC:  \r\nD:e\r\n\r\n",
		 "REQ GET / 1.1 f0 ka1 [A=b c] [B=d] [C=] [D=e]\nEND 1\n");
}

static void a_fold_after_an_empty_value_is_its_value(void **state)
{
	REQUESTS("GET / HTTP/1.1\r\nA:\r\n b\r\n\r\n",
		 "REQ GET / 1.1 f0 ka1 [A=b] !a folded field line, RFC\nEND 1\n");
}

static void two_framings_at_once_are_named(void **state)
{
	REQUESTS("POST / HTTP/1.1\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "1\r\nx\r\n0\r\n\r\n",
		 "REQ POST / 1.1 f2 ka1 [Content-Length=9] [Transfer-Encoding=chunked]"
		 " !both Content-Length and \nBODY x\nEND 1\n");
	REQUESTS("POST / HTTP/1.1\r\nContent-Length: 1, 1\r\nContent-Length: 1\r\n\r\nx",
		 "REQ POST / 1.1 f1 ka1 [Content-Length=1, 1] [Content-Length=1]\nBODY x\nEND 1\n");
}

static void a_request_that_contradicts_itself_ends_framing(void **state)
{
	REQUESTS("POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy\n"
		 "GET /next HTTP/1.1\r\n\r\n",
		 "REQ POST / 1.1 f4 ka1 [Content-Length=1] [Content-Length=2]"
		 " !Content-Length is no num\nEND 0\n"
		 "REQ GET /next 1.1 f0 ka1\nEND 1\nSKIPPED 3\n");
}

static void a_bad_chunk_ends_framing_until_the_next_start_line(void **state)
{
	RESPONSES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
		  "3\r\nabcdHTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
		  "RESP 200 OK 1.1 f2 ka1 [Transfer-Encoding=chunked]\nBODY abc\n"
		  "LOST a chunk that goes on pas\n"
		  "RESP 500 Oops 1.1 f0 ka1 [Content-Length=0]\nEND 1\nSKIPPED 1\n");
	RESPONSES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
		  "RESP 200 OK 1.1 f2 ka1 [Transfer-Encoding=chunked]\n"
		  "LOST a chunk size that is non\nSKIPPED 3\n");
	RESPONSES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
		  "RESP 200 OK 1.1 f2 ka1 [Transfer-Encoding=chunked]\n"
		  "LOST a chunk size that is non\nSKIPPED 4\n");
}

static void garbage_before_a_start_line_is_skipped_and_counted(void **state)
{
	REQUESTS("\x16\x03\x01zz\r\nxGET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\n\r\n",
		 "LOST no request-line, RFC 911\n"
		 "REQ GET /a 1.1 f0 ka1 [Host=a]\nEND 1\nREQ GET /b 1.1 f0 ka1\nEND 1\nSKIPPED 8\n");
}

static void a_search_in_the_middle_finds_the_next_message(void **state)
{
	struct trace t = { 0 };
	static const char text[] = "of a body POST \n} HTTP/1.1\r\n\r\nGET /c HTTP/1.1\r\n\r\n";

	http1_start_lost(&t.h);
	check_with(t, text, sizeof(text) - 1, "REQ GET /c 1.1 f0 ka1\nEND 1\nSKIPPED 30\n");
}

static void a_gap_within_a_body_keeps_framing(void **state)
{
	struct trace t = { .h.is_response = true };

	trace_feed(&t, BYTES_LIT("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"));
	assert_true(http1_gap(&t.h, 6));
	trace_feed(&t, BYTES_LIT("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"));
	assert_true(http1_gap(&t.h, 2));
	trace_feed(&t, BYTES_LIT("e\r\n0\r\n\r\n"));
	trace_feed(&t, BYTES_LIT("HTTP/1.0 200 OK\r\n\r\nxy"));
	assert_true(http1_gap(&t.h, 0));
	assert_trace(&t, "RESP 200 OK 1.1 f1 ka1 [Content-Length=9]\nBODY abc\nEND 0\n"
			 "RESP 200 OK 1.1 f2 ka1 [Transfer-Encoding=chunked]\nBODY abe\nEND 0\n"
			 "RESP 200 OK 1.0 f3 ka0\nBODY xy\nEND 0\n", 0);
}

static void a_gap_elsewhere_begins_a_search(void **state)
{
	struct trace t = { 0 };

	trace_feed(&t, BYTES_LIT("POST / HTTP/1.1\r\nContent-Le"));
	assert_false(http1_gap(&t.h, 10));
	trace_feed(&t, BYTES_LIT("body\nGET /d HTTP/1.1\r\n"));
	trace_feed(&t, BYTES_LIT("A: b\r\n\r\n"));
	assert_trace(&t, "REQ GET /d 1.1 f0 ka1 [A=b]\nEND 1\nSKIPPED 32\n", 0);
}

static void an_endless_head_is_given_up(void **state)
{
	struct trace t = { 0 };
	struct http1_event ev;
	size_t used;
	int rc = 0;

	trace_feed(&t, BYTES_LIT("GET / HTTP/1.1\r\n"));
	for (int i = 0; i < 40000 && !rc; i++)
		rc = http1_next(&t.h, BYTES_LIT("A: 456789\r\n"), &used, &ev);
	assert_int_equal(rc, -E2BIG);
	assert_true(t.h.skipped > LIMIT_HTTP1_HEAD && t.h.skipped < LIMIT_HTTP1_HEAD + 64);
	trace_feed(&t, BYTES_LIT("\r\nGET /e HTTP/1.1\r\n\r\n"));
	assert_true(t.log.len == strlen("REQ GET /e 1.1 f0 ka1\nEND 1\n"));
	trace_end(&t);
	buf_release(&t.log);
}

static void lists_are_read_without_regard_to_case(void **state)
{
	assert_true(http1_list_has(BYTES_LIT("keep-alive ,\tUpgrade"), BYTES_LIT("upgrade")));
	assert_false(http1_list_has(BYTES_LIT("upgraded, up grade"), BYTES_LIT("upgrade")));
	assert_false(http1_list_has(BYTES_LIT(""), BYTES_LIT("upgrade")));
}

/* Also after a status-line that has been told from others word by word. */
static void a_head_that_is_cut_off_is_named_as_the_reason(void **state)
{
	struct trace t = { .h.is_response = true };

	trace_feed(&t, BYTES_LIT("HTTP/1.1  204 No\r\n\r\nHTTP/1.1 200 OK\r\n"));
	trace_end(&t);
	assert_int_equal(t.h.skipped, 17);
	assert_string_equal(t.h.why, "the end came within a head or trailers");
	buf_release(&t.log);
}

/* What differs only in the case of letters is the same, at any length and place. */
static void names_are_the_same_whatever_their_case(void **state)
{
	static const char name[] = "Transfer-Encoding_0\x80@[";
	uint8_t text[sizeof(name)];

	for (size_t len = 0; len < sizeof(name); len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				bool same = c == (uint8_t)name[at] ||
					    (isalpha((uint8_t)name[at]) && c == (name[at] ^ 0x20));

				memcpy(text, name, len);
				text[at] = (uint8_t)c;
				assert_int_equal(http1_same(bytes_of(text, len), bytes_of(name, len)),
						 same);
			}
	assert_true(http1_same(bytes_of(NULL, 0), BYTES_LIT("")));
	assert_false(http1_same(BYTES_LIT("host"), BYTES_LIT("hos")));
}

static void a_separator_ends_a_token(void **state)
{
	uint8_t text[19];

	for (size_t at = 0; at < sizeof(text); at++)
		for (int c = 0; c < 256; c++) {
			bool is_tchar = isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));

			memcpy(text, "X-Content_1.ype-abc", sizeof(text));
			text[at] = (uint8_t)c;
			assert_int_equal(http1_token_len(guarded(bytes_of(text, sizeof(text)))),
					 is_tchar ? sizeof(text) : at);
		}
	assert_int_equal(http1_token_len(bytes_of(NULL, 0)), 0);
}

static void a_control_ends_what_is_plain(void **state)
{
	uint8_t text[24];

	for (size_t at = 0; at < sizeof(text); at++)
		for (int c = 0; c < 256; c++) {
			bool is_control = c < 0x20 || c == 0x7f;

			memset(text, 0xe9, sizeof(text));
			text[at] = (uint8_t)c;
			assert_int_equal(http1_plain_len(guarded(bytes_of(text, sizeof(text)))),
					 is_control ? at : sizeof(text));
		}
	assert_int_equal(http1_plain_len(bytes_of(NULL, 0)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_without_body),
		cmocka_unit_test(pipelined_requests_are_told_apart),
		cmocka_unit_test(chunks_are_joined_and_trailers_shown),
		cmocka_unit_test(interim_204_and_304_have_no_body),
		cmocka_unit_test(a_body_without_length_lasts_until_close),
		cmocka_unit_test(a_body_cut_off_by_the_close_is_incomplete),
		cmocka_unit_test(a_response_to_head_has_no_body),
		cmocka_unit_test(after_an_upgrade_nothing_is_consumed),
		cmocka_unit_test(odd_heads_are_shown_as_they_came),
		cmocka_unit_test(blanks_around_a_value_are_not_of_it),
		cmocka_unit_test(a_fold_after_an_empty_value_is_its_value),
		cmocka_unit_test(two_framings_at_once_are_named),
		cmocka_unit_test(a_request_that_contradicts_itself_ends_framing),
		cmocka_unit_test(a_bad_chunk_ends_framing_until_the_next_start_line),
		cmocka_unit_test(garbage_before_a_start_line_is_skipped_and_counted),
		cmocka_unit_test(a_search_in_the_middle_finds_the_next_message),
		cmocka_unit_test(a_gap_within_a_body_keeps_framing),
		cmocka_unit_test(a_gap_elsewhere_begins_a_search),
		cmocka_unit_test(an_endless_head_is_given_up),
		cmocka_unit_test(lists_are_read_without_regard_to_case),
		cmocka_unit_test(a_head_that_is_cut_off_is_named_as_the_reason),
		cmocka_unit_test(names_are_the_same_whatever_their_case),
		cmocka_unit_test(a_separator_ends_a_token),
		cmocka_unit_test(a_control_ends_what_is_plain),
	};

	return cmocka_run_group_tests_name("http1", tests, NULL, NULL);
}
