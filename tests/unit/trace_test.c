/* SPDX-License-Identifier: BSD-2-Clause */
#include "source.h"

static void a_printed_trace_reads_back_as_it_was(void **state)
{
	const char *text =
		"O early=1 transport=tcp t=0.5 addr=127.0.0.1:80 a.pid=7 a.uid=0 a.cgroup=99 "
		"a.comm=curl a.exe=/usr/bin/my\\x20curl a.net=10.0.0.1:5 b.net=[fe80::1]:80\n";
	const char *more =
		"C 505249 t=0.500000001 read=0.75 pid=7 tid=8 comm=a\\x20b\\x5c reader_pid=9 "
		"reader_tid=9 reader_comm=srv fds=0\n"
		"S 0000 len=70000 t=0.6\n"
		"> C 5 t=0.65 pid=-1\n"
		"? C 5 bytes missing t=0.7 cause=late\n"
		"C - len=5 t=0.7\n"
		"C 00 off=1000 t=0.7\n"
		"O conn=2 role=unknown t=0.8 addr=@name\n"
		"B 0102 conn=2 t=0.8\n"
		"O conn=3 t=0.9 role=server\n"
		"S 01 conn=3 t=0.9\n"
		"C 02 conn=3 t=0.9\n"
		"F B conn=2 t=1\n"
		"O conn=3 t=1.2 unread=3000000000 peer_unread=0 learned=1\n"
		"S 03 conn=3 t=1.3\n"
		"F C t=1.5 unread=0 peer_unread=7\n";
	char *file;

	/* words come in one fixed order: t= stands where the table has it */
	if (asprintf(&file, "%s%s", text, more) < 0)
		abort();
	{
		char *why;
		int end;
		struct buf once = text_of(bytes_str(file), &end, &why);

		assert_int_equal(end, -ENODATA);
		buf_putc(&once, 0);
		assert_file(bytes_str((char *)once.mem + once.head), (char *)once.mem + once.head);
		assert_non_null(strstr((char *)once.mem + once.head,
				       "C 505249 t=0.500000001 read=0.75 pid=7 tid=8 "
				       "comm=a\\x20b\\x5c reader_pid=9 reader_tid=9 "
				       "reader_comm=srv fds=0\n"));
		assert_non_null(strstr((char *)once.mem + once.head, "? C 5 bytes missing cause=late"));
		assert_non_null(strstr((char *)once.mem + once.head,
				       " unread=3000000000 peer_unread=0 learned=1\nS 03 conn=3 t=1.3\n"));
		assert_non_null(strstr((char *)once.mem + once.head, "unread=0 peer_unread=7\n"));
		assert_non_null(strstr((char *)once.mem + once.head, "b.net=[fe80::1]:80"));
		assert_non_null(strstr((char *)once.mem + once.head, "\nS 01 conn=3 t=0.9\nC 02 conn=3"));
		buf_release(&once);
	}
	free(file);
}

static void corpora_lines_open_their_connection(void **state)
{
	assert_file(BYTES_LIT("# source=x kind=prior-knowledge transport=tcp\nC 5052\n\nS 00\n"),
		    "O t=0.001 early=1\nC 5052 t=0.001\nS 00 t=0.002\n");
	assert_file(BYTES_LIT("# source=x kind=mid-stream\nS 00\r\n? C 12 bytes missing\nC 01"),
		    "O t=0.001\nS 00 t=0.001\n? C 12 bytes missing t=0.002\nC 01 t=0.003\n");
	assert_file(BYTES_LIT("# nothing is known\nC 00 # ok\n"), "O t=0.001\nC 00 t=0.001\n");
}

static void offsets_go_on_after_cuts_and_gaps(void **state)
{
	const char *why = NULL;
	struct source *s = source_open_file(
		fd_of(BYTES_LIT("C 0102 len=10\n? C 5\nC 03\nS 04\nC 05\nF C\n")), &why);
	static const struct {
		enum chunk_kind kind;
		uint64_t sock, off, len;
	} want[] = {
		{ CHUNK_OPEN, 1, 0, 0 },   { CHUNK_DATA, 1, 0, 10 }, { CHUNK_LOST, 1, 10, 5 },
		{ CHUNK_DATA, 1, 15, 1 },  { CHUNK_DATA, 2, 0, 1 },  { CHUNK_DATA, 1, 16, 1 },
		{ CHUNK_CLOSE, 1, 17, 0 },
	};
	int64_t settled;
	struct chunk c;

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(s->ops->next(s, &c, &settled), 1);
		assert_int_equal(c.kind, want[i].kind);
		assert_int_equal(c.sock, want[i].sock);
		assert_int_equal(c.off, want[i].off);
		assert_int_equal(c.len, want[i].len);
	}
	assert_int_equal(s->ops->next(s, &c, &settled), -ENODATA);
	s->ops->free(s);
}

static void bad_lines_are_named_with_their_place(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "C 00\nC 0\n", "line 2, offset 5: hex with an odd number of digits" },
		{ "C 0g\n", "line 1, offset 0: there is something that is not hex" },
		{ "C 00 pid=x\n", "line 1, offset 0: there is a word with a value that is no good" },
		{ "C 00 pidd=1\n", "line 1, offset 0: there is a word that spf does not know" },
		{ "C 00\n\nX\n", "line 3, offset 6: a line begins with one of # O C S A B ? > F @" },
		{ "O \nO \n", "line 2, offset 3: this connection is open already" },
		{ "C 0000 len=1\n", "line 1, offset 0: len= is less than the bytes that follow" },
		{ "? C x\n", "line 1, offset 0: a number of bytes belongs here" },
		{ "? X 1\n", "line 1, offset 0: no such end: C, S, A or B" },
		{ "C 00 conn=0\n", "line 1, offset 0: conn= takes a number from 1" },
		{ "C 00 pid=99999999999\n",
		  "line 1, offset 0: there is a word with a value that is no good" },
		{ "@ now=1\n", "line 1, offset 0: @ takes epoch=SECONDS and start=SECONDS" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *why;
		int end;
		struct buf out = text_of(bytes_str(cases[i].text), &end, &why);

		assert_int_equal(end, -EBADMSG);
		assert_string_equal(why, cases[i].why);
		buf_release(&out);
		free(why);
	}
}

static void what_is_no_capture_is_refused(void **state)
{
	const char *why = NULL;

	assert_null(source_open_file(fd_of(BYTES_LIT("")), &why));
	assert_string_equal(why, "the file is empty");
	assert_null(source_open_file(fd_of(BYTES_LIT("\x1f\x8b\x08\x00")), &why));
	assert_non_null(strstr(why, "gzip"));
	assert_null(source_open_file(fd_of(BYTES_LIT("\x7f" "ELF")), &why));
	assert_non_null(strstr(why, "not a capture"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_printed_trace_reads_back_as_it_was),
		cmocka_unit_test(corpora_lines_open_their_connection),
		cmocka_unit_test(offsets_go_on_after_cuts_and_gaps),
		cmocka_unit_test(bad_lines_are_named_with_their_place),
		cmocka_unit_test(what_is_no_capture_is_refused),
	};

	return cmocka_run_group_tests_name("trace", tests, NULL, NULL);
}
