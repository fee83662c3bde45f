/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include "samples.h"
#include "sink/line.h"
#include "sink/text.h"

static struct batch *b;

static int setup(void **state)
{
	setenv("TZ", "UTC", 1);
	b = batch_new();
	return 0;
}

static int teardown(void **state)
{
	free(b);
	return 0;
}

#define HEAD "22:13:20.123456 3 curl[812]           → /run/app.sock  "

static void is_line(const void *r, const char *want)
{
	struct buf out = { 0 };

	line_record(&out, &(struct line_options){ 0 }, b, r);
	assert_text(buf_bytes(&out), want);
	buf_release(&out);
}

static void a_request_shows_what_is_asked(void **state)
{
	is_line(sample_request(b),
		HEAD "HEADERS       1   POST /demo.Shop/Get END_STREAM|END_HEADERS "
		     "authority=localhost content-type=application/grpc +2 headers\n");
}

static void trailers_show_the_status_by_name(void **state)
{
	struct rec_frame *f = sample_frame(b, 0x1);

	f->r.from = ROLE_SERVER;
	f->trailers = TRI_TRUE;
	f->missing = 0;
	f->flags = 0x5;
	f->headers = SAMPLE_HEADERS(b, "grpc-status", "5", "grpc-message", "no such thing");
	is_line(f, "22:13:20.123456 3 curl[812]           ← /run/app.sock  HEADERS       1   "
		   "trailers END_STREAM|END_HEADERS grpc-status=5 NOT_FOUND "
		   "grpc-message=no such thing\n");
}

static void unknown_fields_are_marked(void **state)
{
	struct rec_frame *f = sample_request(b);

	f->ctx.path = sample_str(b, "?path.3.1");
	f->ctx.path_unknown = 1;
	f->missing = 2;
	f->r.exact = 0;
	is_line(f, HEAD "HEADERS       1   POST ?path.3.1 END_STREAM|END_HEADERS "
			"authority=localhost content-type=application/grpc (2 unknown) +2 headers "
			"(bytes before it were not seen)\n");
}

static void other_frames_show_their_essentials(void **state)
{
	struct rec_frame *f = sample_frame(b, 0x3);
	struct setting *s = batch_alloc(b, 2 * sizeof(*s));

	f->error_code = 8;
	f->ctx.path = sample_str(b, "/x");
	is_line(f, HEAD "RST_STREAM    1   CANCEL /x\n");
	f = sample_frame(b, 0x4);
	s[0] = (struct setting){ 3, 100 };
	s[1] = (struct setting){ 0x99, 1 };
	f->settings = (struct list){ (uint32_t)((char *)s - (char *)b), 2 };
	f->stream_id = 0;
	is_line(f, HEAD "SETTINGS      0   MAX_CONCURRENT_STREAMS=100 0x99=1\n");
	f = sample_frame(b, 0x8);
	f->window_size_increment = 65535;
	is_line(f, HEAD "WINDOW_UPDATE 1   +65535\n");
	f = sample_frame(b, 0x7);
	f->error_code = 0x99;
	f->last_stream_id = 5;
	f->data = sample_str(b, "too\nmany");
	is_line(f, HEAD "GOAWAY        1   0x99 last stream 5 too\\nmany\n");
	f = sample_frame(b, 0x2a);
	f->length = 9;
	f->flags = 0x81;
	f->why = sample_str(b, "what is this");
	is_line(f, HEAD "0x2a          1   9 bytes 0x01|0x80 ! what is this\n");
}

static void flags_without_a_gist_stand_alone(void **state)
{
	struct rec_frame *f = sample_frame(b, 0x4);

	f->stream_id = 0;
	f->flags = 0x1;
	is_line(f, HEAD "SETTINGS      0   ACK\n");
}

static void calls_and_gaps_have_lines_too(void **state)
{
	struct record head = sample_head(b, KIND_GAP);
	struct rec_gap *g = batch_record(b, sizeof(*g), &head);

	is_line(sample_call(b), HEAD "call          5   POST /demo.Shop/Get NOT_FOUND "
				     "latency=1.23ms bytes=0/0 messages=0/0\n");
	g->bytes_missing = 4096;
	g->detail = sample_str(b, "ring full");
	is_line(g, HEAD "gap           ringbuf_drop 4096 bytes missing: ring full (not recovered)\n");
}

static void what_was_sent_cannot_leave_its_line(void **state)
{
	struct rec_frame *f = sample_request(b);

	f->ctx.path = sample_str(b, "/\033[2J\n\xff");
	f->r.comm = sample_str(b, "e\033vil");
	is_line(f, "22:13:20.123456 3 e\\x1bvil[812]       → /run/app.sock  HEADERS       1   "
		   "POST /\\x1b[2J\\n\\xff END_STREAM|END_HEADERS "
		   "authority=localhost content-type=application/grpc +2 headers\n");
}

static size_t visible(struct bytes line)
{
	struct buf plain = { 0 };
	size_t columns;

	for (size_t i = 0; i + 1 < line.len; i++) {
		if (line.p[i] == '\033')
			while (line.p[i] != 'm')
				i++;
		else
			buf_putc(&plain, (char)line.p[i]);
	}
	columns = text_columns(buf_bytes(&plain));
	buf_release(&plain);
	return columns;
}

static void a_line_fits_the_terminal(void **state)
{
	struct rec_frame *f = sample_request(b);

	f->ctx.path = sample_str(b, "/日本語/日本語/日本語/日本語/日本語/日本語/日本語/日本語");
	for (int width = 1; width < 300; width++) {
		for (int color = 0; color < 2; color++) {
			struct buf out = { 0 };

			line_record(&out, &(struct line_options){ color, width }, b, &f->r);
			assert_in_range(visible(buf_bytes(&out)), 1, width);
			assert_int_equal(buf_bytes(&out).p[out.len - 1], '\n');
			buf_release(&out);
		}
	}
}

static void is_line_of(int width, const void *r, const char *want)
{
	struct buf out = { 0 };

	line_record(&out, &(struct line_options){ false, width }, b, r);
	assert_text(buf_bytes(&out), want);
	buf_release(&out);
}

static void a_narrow_line_keeps_to_what_was_said(void **state)
{
	struct rec_frame *f = sample_request(b);

	is_line_of(80, f, "22:13:20.123 3 curl → /run/app.sock HEADERS 1 "
			  "POST /demo.Shop/Get END_STREAM au…\n");
	f->r.addr = sample_str(b, "/run/user/1000/very/long/app.sock");
	is_line_of(110, f, "22:13:20.123 3 curl[812] → …y/long/app.sock HEADERS 1 "
			   "POST /demo.Shop/Get END_STREAM authority=localhost cont…\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_request_shows_what_is_asked),
		T(trailers_show_the_status_by_name),
		T(unknown_fields_are_marked),
		T(other_frames_show_their_essentials),
		T(flags_without_a_gist_stand_alone),
		T(calls_and_gaps_have_lines_too),
		T(what_was_sent_cannot_leave_its_line),
		T(a_line_fits_the_terminal),
		T(a_narrow_line_keeps_to_what_was_said),
	};

	return cmocka_run_group_tests_name("line", tests, NULL, NULL);
}
