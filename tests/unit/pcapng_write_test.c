/* SPDX-License-Identifier: BSD-2-Clause */
#include "source.h"

#include <signal.h>

#include "capture/pcapng_write.h"

#define STORY \
	"@ epoch=1700000000.123456789 start=5\n" \
	"O early=1 t=5.1 addr=/run/app.sock a.pid=7 a.uid=0 a.cgroup=99 a.comm=curl a.exe=/bin/curl\n" \
	"O conn=2 t=5.1 transport=tcp addr=127.0.0.1:80 early=1 a.net=[::1]:4000 b.net=[::1]:80\n" \
	"O conn=3 role=server t=5.2 addr=@ab\\x20c\n" \
	"C 505249 read=6.5 pid=7 tid=8 comm=cu\\x20rl reader_pid=9 reader_tid=10 reader_comm=srv fds=0 t=5.3\n" \
	"S 0000 len=70000 cause=truncated pid=-1 t=5.299999999\n" \
	"? S 12345 bytes missing cause=late t=5.4\n" \
	"> C 5 pid=7 off=3 t=5.5\n" \
	"S 01 t=5.6\n" \
	"S - len=9 t=5.6\n" \
	"C 0102 conn=2 t=5.7\n" \
	"S 0403 conn=3 t=5.8\n" \
	"F C conn=2 t=6\n" \
	"F S conn=2 t=6\n" \
	"A 77 conn=9 t=7\n" \
	"F C t=7.5\n"

/* Writes the chunks of a trace to cnt files. */
static void write_files(const char *trace, struct pcapng_options o, int *fds, size_t cnt)
{
	const char *why = NULL;
	struct source *s = source_open_file(fd_of(bytes_str(trace)), &why);
	struct pcapng_writer *w;
	int64_t settled;
	struct chunk c;
	int lent[8];

	for (size_t i = 0; i < cnt; i++)
		lent[i] = fds[i] = memfd_create("out", 0);
	w = pcapng_writer_new(lent, cnt, &o, s->epoch_ns, s->start_ns);
	memset(lent, -1, sizeof(lent)); /* which are the caller's again */
	while (s->ops->next(s, &c, &settled) == 1)
		assert_int_equal(pcapng_write(w, &c), 0);
	assert_int_equal(pcapng_finish(w, 0), 0);
	pcapng_writer_free(w);
	s->ops->free(s);
}

static struct bytes content(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	uint8_t *p = malloc((size_t)len + 1);

	assert_int_equal(pread(fd, p, (size_t)len, 0), len);
	return bytes_of(p, (size_t)len);
}

static struct bytes written(const char *trace)
{
	int fd;

	write_files(trace, (struct pcapng_options){ 0 }, &fd, 1);
	return content(fd);
}

static struct buf read_ok(struct bytes file)
{
	char *why;
	int end;
	struct buf out = text_of(file, &end, &why);

	if (end != -ENODATA)
		fprintf(stderr, "%s\n", why);
	assert_int_equal(end, -ENODATA);
	free(why);
	return out;
}

static void what_was_written_is_read_exactly(void **state)
{
	struct buf want = read_ok(BYTES_LIT(STORY)), got = read_ok(written(STORY));

	assert_true(want.len > 500);
	assert_bytes(buf_bytes(&got), buf_bytes(&want));
	buf_release(&want);
	buf_release(&got);
}

static void the_times_of_the_capture_are_kept(void **state)
{
	const char *why;
	struct source *s = source_open_file(fd_of(written(STORY)), &why);

	assert_int_equal(s->epoch_ns, 1700000000123456789);
	assert_int_equal(s->start_ns, 5000000000);
	s->ops->free(s);
}

/* Larger than a packet can be. */
static void long_chunks_come_back_whole(void **state)
{
	static const size_t lens[] = { 65494, 65495, 65496, 131000, 300000 };

	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		struct buf trace = { 0 }, want, got;

		buf_puts(&trace, "@ epoch=1 start=0\nC ");
		for (size_t n = 0; n < lens[i]; n++)
			buf_printf(&trace, "%02x", (unsigned)(n * 7 & 0xff));
		buf_puts(&trace, "\nC 01 len=5\n");
		buf_putc(&trace, 0);
		want = read_ok(bytes_of(trace.mem, trace.len - 1));
		got = read_ok(written((char *)trace.mem));
		assert_bytes(buf_bytes(&got), buf_bytes(&want));
		buf_release(&trace);
		buf_release(&want);
		buf_release(&got);
	}
}

/* Cut anywhere, the file gives the first chunks of the whole, and says that it is cut. */
static void a_torn_file_is_a_prefix(void **state)
{
	struct bytes whole = written(STORY);
	struct buf all = read_ok(whole);
	int clean = 0;

	for (size_t cut = 12; cut < whole.len; cut++) {
		char *why;
		int end;
		struct buf part = text_of(bytes_of(whole.p, cut), &end, &why);

		assert_true(bytes_has_prefix(buf_bytes(&all), buf_bytes(&part)));
		assert_true(end == -ENODATA || (end == -EBADMSG && why));
		clean += end == -ENODATA;
		buf_release(&part);
		free(why);
	}
	assert_true(clean > 10 && clean < 60); /* between blocks */
	buf_release(&all);
}

static void rotated_files_stand_alone_and_together(void **state)
{
	struct buf trace = { 0 }, want, joined = { 0 }, got;
	size_t used = 0;
	int fds[8];

	buf_puts(&trace, "@ epoch=1 start=0\nO early=1 addr=/run/x.sock\n");
	for (int i = 0; i < 40; i++)
		buf_printf(&trace, "%c %02x%02x\n", i % 3 ? 'C' : 'S', i, i);
	buf_putc(&trace, 0);
	want = read_ok(bytes_of(trace.mem, trace.len - 1));
	write_files((char *)trace.mem, (struct pcapng_options){ .size_max = 1500 }, fds, 8);
	for (size_t i = 0; i < 8; i++) {
		struct bytes one = content(fds[i]);
		struct buf alone;

		if (!one.len)
			continue;
		used++;
		assert_true(one.len < 2000);
		alone = read_ok(one);
		assert_non_null(memmem(alone.mem, alone.len, "addr=/run/x.sock", 16));
		buf_release(&alone);
		buf_append(&joined, one);
	}
	assert_true(used >= 3);
	got = read_ok(buf_bytes(&joined));
	assert_bytes(buf_bytes(&got), buf_bytes(&want));

	/* two files only: the newest of the capture remains */
	write_files((char *)trace.mem, (struct pcapng_options){ .size_max = 1500 }, fds, 2);
	buf_consume(&joined, joined.len);
	buf_append(&joined, content(fds[(used - 1) % 2]));
	buf_release(&got);
	got = read_ok(buf_bytes(&joined));
	assert_non_null(memmem(got.mem, got.len, "\nS 2727 ", 8));
	assert_null(memmem(got.mem, got.len, "\nS 0303 ", 8));

	/* by time: a millisecond a line */
	write_files((char *)trace.mem, (struct pcapng_options){ .interval_ns = 15000000 }, fds, 8);
	assert_true(content(fds[2]).len > 0);
	assert_int_equal(content(fds[3]).len, 0);
	buf_release(&trace);
	buf_release(&want);
	buf_release(&got);
	buf_release(&joined);
}

static void two_captures_in_one_file_are_two(void **state)
{
	struct buf joined = { 0 }, got;

	buf_append(&joined, written("@ epoch=1 start=0\nC 01\n"));
	buf_append(&joined, written("@ epoch=2 start=0\nC 02\n"));
	got = read_ok(buf_bytes(&joined));
	assert_bytes(buf_bytes(&got),
		     BYTES_LIT("O t=0.001\nC 01 t=0.001\nO conn=2 t=1.001\nC 02 conn=2 t=1.001\n"));
	buf_release(&joined);
	buf_release(&got);
}

static void many_connections_have_their_own_addresses(void **state)
{
	struct pcapng_options o = { 0 };
	int fd = memfd_create("out", 0);
	struct pcapng_writer *w = pcapng_writer_new(&fd, 1, &o, 0, 0);
	struct chunk c = chunk_of(CHUNK_OPEN);

	for (uint64_t i = 0; i < 130000; i++) {
		c.sock = 2 * i + 1;
		c.peer = 2 * i + 2;
		assert_int_equal(pcapng_write(w, &c), 0);
	}
	assert_int_equal(pcapng_finish(w, 0), 0);
	pcapng_writer_free(w);
	close(fd);
}

static void a_reader_that_went_away_is_told(void **state)
{
	struct pcapng_options o = { 0 };
	struct pcapng_writer *w;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);
	w = pcapng_writer_new(&fds[1], 1, &o, 0, 0);
	assert_int_equal(pcapng_flush(w), -EPIPE);
	assert_int_equal(pcapng_finish(w, 0), -EPIPE);
	pcapng_writer_free(w);
	close(fds[1]);
}

static void files_are_named_before_their_ending(void **state)
{
	assert_string_equal(pcapng_file_name("a.pcapng", 0, 1), "a.pcapng");
	assert_string_equal(pcapng_file_name("a.pcapng", 3, 5), "a.3.pcapng");
	assert_string_equal(pcapng_file_name("/x.d/a", 3, 5), "/x.d/a.3");
	assert_string_equal(pcapng_file_name("x.d/.a", 0, 2), "x.d/.a.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_written_is_read_exactly),
		cmocka_unit_test(the_times_of_the_capture_are_kept),
		cmocka_unit_test(long_chunks_come_back_whole),
		cmocka_unit_test(a_torn_file_is_a_prefix),
		cmocka_unit_test(rotated_files_stand_alone_and_together),
		cmocka_unit_test(two_captures_in_one_file_are_two),
		cmocka_unit_test(many_connections_have_their_own_addresses),
		cmocka_unit_test(a_reader_that_went_away_is_told),
		cmocka_unit_test(files_are_named_before_their_ending),
	};

	return cmocka_run_group_tests_name("pcapng_write", tests, NULL, NULL);
}
