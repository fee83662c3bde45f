/* SPDX-License-Identifier: BSD-2-Clause */
#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>

#include "samples.h"
#include "sink/dump.h"
#include "sink/sink.h"

/* What a sink with these options makes of the record, after another one unless that is NULL. */
static void printed_after(const void *first, struct buf *got, struct sink_options o,
			  const struct batch *b, const void *r)
{
	char *why = NULL;
	FILE *f = tmpfile();
	struct sink *s = sink_new(fileno(f), &o, &why);
	ssize_t n;

	if (!s)
		fail_msg("%s", why);
	if (first)
		sink_record(s, b, first);
	sink_record(s, b, r);
	assert_int_equal(sink_flush(s), 0);
	sink_free(s);
	n = pread(fileno(f), buf_reserve(got, 65536), 65536, 0);
	buf_added(got, (size_t)n);
	fclose(f);
}

static void printed(struct buf *got, struct sink_options o, const struct batch *b, const void *r)
{
	printed_after(NULL, got, o, b, r);
}

#define PRINTS(record, want, ...)                                                                  \
	do {                                                                                       \
		struct buf got = { 0 };                                                            \
		printed(&got, (struct sink_options){ __VA_ARGS__ }, b, record);                    \
		assert_text(buf_bytes(&got), want);                                                \
		buf_release(&got);                                                                 \
	} while (0)

static void chosen_fields_are_columns(void **state)
{
	struct batch *b = batch_new();
	struct rec_frame *f = sample_request(b);

	setenv("TZ", "UTC", 1);
	PRINTS(f, "22:13:20.123456  curl  -  /demo.Shop/Get\n",
	       .columns = "ts,comm,status,path");
	PRINTS(f, "ts,comm,status,path\n1700000000.123456789,curl,,/demo.Shop/Get\n",
	       .format = SINK_CSV, .columns = "ts,comm,status,path");
	PRINTS(f, "{\"rpc.method\":\"demo.Shop/Get\",\"status\":null,\"grpc_status\":null}\n",
	       .format = SINK_JSON, .columns = "rpc.method,status,grpc_status");
	free(b);
}

static void columns_align_where_a_terminal_shows_them(void **state)
{
	struct batch *b = batch_new();
	struct rec_frame *f = sample_request(b);
	struct buf got = { 0 };

	f->headers = SAMPLE_HEADERS(b, "x", "ä中");
	f->ctx.path = sample_str(b, "/ä中");
	printed_after(f, &got, (struct sink_options){ .columns = "headers,path,pid" }, b,
		      sample_frame(b, 0x0));
	assert_text(buf_bytes(&got), "[{\"name\":\"x\",\"value\":\"ä中\"}]  /ä中  812\n"
				     "-                             -     812\n");
	buf_release(&got);
	free(b);
}

static void csv_and_tsv_keep_a_record_whole(void **state)
{
	struct batch *b = batch_new();
	struct rec_frame *f = sample_request(b);

	f->ctx.path = sample_str(b, "/a,\"b\"\n\tc\\");
	PRINTS(f, "path,pid\n\"/a,\"\"b\"\"\n\tc\\\",812\n", .format = SINK_CSV,
	       .columns = "path,pid");
	PRINTS(f, "path\tpid\n/a,\"b\"\\n\\tc\\\\\t812\n", .format = SINK_TSV,
	       .columns = "path, pid");
	f->ctx.path = sample_str(b, "\033[2J");
	PRINTS(f, "path\n\\x1b[2J\n", .format = SINK_CSV, .columns = "path", .escape = true);
	PRINTS(f, "path\n\033[2J\n", .format = SINK_CSV, .columns = "path");
	free(b);
}

static void raw_is_the_bytes_and_nothing_else(void **state)
{
	struct batch *b = batch_new();
	struct rec_frame *f = sample_frame(b, 0x0);

	f->data = batch_str(b, BYTES_LIT("\x00\x01\n\xff"));
	{
		struct buf got = { 0 };

		printed(&got, (struct sink_options){ .format = SINK_RAW, .escape = true }, b, f);
		assert_bytes(buf_bytes(&got), BYTES_LIT("\x00\x01\n\xff"));
		buf_release(&got);
	}
	PRINTS(sample_request(b), "", .format = SINK_RAW);
	PRINTS(sample_request(b), "curl812", .format = SINK_RAW, .columns = "comm,pid");
	free(b);
}

static void a_wrong_column_names_the_right_one(void **state)
{
	char *why = NULL;

	assert_null(sink_new(1, &(struct sink_options){ .columns = "ts,pth" }, &why));
	assert_string_equal(why, "-F: unknown field 'pth'; did you mean 'path'?");
	free(why);
	assert_null(sink_new(1, &(struct sink_options){ .columns = "xyzzy" }, &why));
	assert_string_equal(why, "-F: unknown field 'xyzzy'; see spf --list fields");
	free(why);
	assert_null(sink_new(1, &(struct sink_options){ .columns = "ts,,pid" }, &why));
	assert_non_null(strstr(why, "missing"));
	free(why);
}

static void payloads_are_dumped_below_the_line(void **state)
{
	struct buf out = { 0 };

	dump_hex(&out, guarded(BYTES_LIT("GET / HTTP/1.1\r\nHost")));
	assert_text(buf_bytes(&out),
		    "    0000  47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  |GET / HTTP/1.1..|\n"
		    "    0010  48 6f 73 74                                       |Host|\n");
	buf_consume(&out, out.len);
	dump_hex(&out, (struct bytes){ 0 });
	assert_int_equal(out.len, 0);
	dump_ascii(&out, guarded(BYTES_LIT("a\r\nb\033\n\nc\r")));
	assert_text(buf_bytes(&out), "    a\n    b\\x1b\n    \n    c\\r\n");
	buf_release(&out);
}

static void scripts_text_is_escaped_on_a_terminal_only(void **state)
{
	for (int tty = 0; tty < 2; tty++) {
		struct sink_options o = { .escape = tty };
		struct sink *s;
		char *why, got[64];
		ssize_t n;
		int fd[2];

		assert_int_equal(pipe(fd), 0);
		s = sink_new(fd[1], &o, &why);
		sink_write(s, BYTES_LIT("a\033\n"));
		sink_raw(s, BYTES_LIT("\033[K"));
		assert_int_equal(sink_flush(s), 0);
		n = read(fd[0], got, sizeof(got));
		assert_text(bytes_of(got, (size_t)n), tty ? "a\\x1b\n\033[K" : "a\033\n\033[K");
		sink_free(s);
		close(fd[0]);
		close(fd[1]);
	}
}

static void a_reader_that_left_is_told_once_and_kills_nobody(void **state)
{
	struct sink_options o = { 0 };
	struct sink *s;
	char *why;
	int fd[2];

	assert_int_equal(pipe(fd), 0);
	s = sink_new(fd[1], &o, &why);
	close(fd[0]);
	sink_write(s, BYTES_LIT("gone\n"));
	assert_int_equal(sink_flush(s), -EPIPE);
	sink_write(s, BYTES_LIT("more\n"));
	assert_int_equal(sink_flush(s), -EPIPE);
	sink_free(s);
	close(fd[1]);
}

#define SLOW_LEN 1000000

static void *read_slowly(void *arg)
{
	size_t *total = arg, fd = *total;
	char got[5000];
	ssize_t n;

	*total = 0;
	while ((n = read((int)fd, got, sizeof(got))) > 0)
		*total += (size_t)n;
	return NULL;
}

static void a_slow_reader_of_a_nonblocking_pipe_gets_everything(void **state)
{
	struct sink_options o = { 0 };
	struct sink *s;
	pthread_t reader;
	size_t total;
	char *why;
	int fd[2];

	assert_int_equal(pipe2(fd, O_NONBLOCK), 0);
	fcntl(fd[0], F_SETFL, 0);
	total = (size_t)fd[0];
	s = sink_new(fd[1], &o, &why);
	pthread_create(&reader, NULL, read_slowly, &total);
	for (int i = 0; i < SLOW_LEN / 10; i++)
		sink_write(s, BYTES_LIT("123456789\n"));
	assert_int_equal(sink_flush(s), 0);
	close(fd[1]);
	pthread_join(reader, NULL);
	assert_int_equal(total, SLOW_LEN);
	sink_free(s);
	close(fd[0]);
}

static void a_full_disk_is_an_error(void **state)
{
	struct sink_options o = { 0 };
	int fd = open("/dev/full", O_WRONLY);
	char *why;
	struct sink *s = sink_new(fd, &o, &why);

	sink_write(s, BYTES_LIT("x"));
	assert_int_equal(sink_flush(s), -ENOSPC);
	sink_free(s);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_fields_are_columns),
		cmocka_unit_test(columns_align_where_a_terminal_shows_them),
		cmocka_unit_test(csv_and_tsv_keep_a_record_whole),
		cmocka_unit_test(raw_is_the_bytes_and_nothing_else),
		cmocka_unit_test(a_wrong_column_names_the_right_one),
		cmocka_unit_test(payloads_are_dumped_below_the_line),
		cmocka_unit_test(scripts_text_is_escaped_on_a_terminal_only),
		cmocka_unit_test(a_reader_that_left_is_told_once_and_kills_nobody),
		cmocka_unit_test(a_slow_reader_of_a_nonblocking_pipe_gets_everything),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	return cmocka_run_group_tests_name("sink", tests, NULL, NULL);
}
