/* SPDX-License-Identifier: BSD-2-Clause */
/* Helpers of the unit tests: bytes typed as hex, input laid against a guard page, and an
 * equality check of bytes that shows both sides. */
#ifndef SPF_TESTS_TEST_H
#define SPF_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "util/buf.h"
#include "util/bytes.h"

/* Tests are short, and what their helpers allocate is never freed, nor are messages (whose
 * stack libc hides); everything else is. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:^HEX$\nleak:^guarded$\nleak:^cat$\nleak:^be$\nleak:^le$\nleak:^refused$\n"
	       "leak:^bench_of$\nleak:^content$\nleak:^text_of$\nleak:^checked$\n"
	       "leak:__vasprintf_internal\nleak:^files_are_named_before_their_ending$\n";
}

/* Bytes of "00 0a ff" (blanks are skipped). Never freed, as tests are short, but chained to the
 * one before, so that it is no leak. */
static inline struct bytes HEX(const char *hex)
{
	static void *kept;
	void **chain = malloc(sizeof(void *) + strlen(hex) / 2 + 1);
	uint8_t *p = (uint8_t *)(chain + 1);
	size_t len = 0;
	unsigned v;

	*chain = kept;
	kept = chain;

	for (; *hex; hex++) {
		if (*hex == ' ' || *hex == '\n')
			continue;
		if (sscanf(hex, "%2x", &v) != 1)
			abort();
		p[len++] = (uint8_t)v;
		hex++;
	}
	return bytes_of(p, len);
}

/* A copy of in whose end touches a PROT_NONE page: reading past it ends the test. Never
 * unmapped. */
static inline struct bytes guarded(struct bytes in)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t len = (in.len + page - 1) / page * page;
	uint8_t *p = mmap(NULL, len + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);

	if (p == MAP_FAILED || mprotect(p + len, page, PROT_NONE))
		abort();
	if (in.len)
		memcpy(p + len - in.len, in.p, in.len);
	return bytes_of(p + len - in.len, in.len);
}

static inline void print_hex(const char *what, struct bytes b)
{
	fprintf(stderr, "%s (%zu bytes):", what, b.len);
	for (size_t i = 0; i < b.len && i < 256; i++)
		fprintf(stderr, " %02x", b.p[i]);
	fputc('\n', stderr);
}

static inline void assert_bytes_at(struct bytes got, struct bytes want, const char *file, int line)
{
	if (bytes_equal(got, want))
		return;
	print_hex("got ", got);
	print_hex("want", want);
	_fail(file, line);
}

#define assert_bytes(got, want) assert_bytes_at((got), (want), __FILE__, __LINE__)
#define assert_text(got, text) assert_bytes_at((got), bytes_str(text), __FILE__, __LINE__)

#endif
