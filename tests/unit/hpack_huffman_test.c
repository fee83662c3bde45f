/* SPDX-License-Identifier: BSD-2-Clause */
/* Huffman strings against a decoder that goes bit by bit through a tree made from the lengths of
 * the codes (tests/oracle compares with libnghttp2's). */
#include "test.h"

#include <errno.h>

#include "decode/hpack_huffman.h"

enum { EOS = 256, LONGEST = 64, BEHIND = 9 };

/* RFC 7541 Appendix B: bits of each symbol's code, of EOS last */
static const uint8_t code_len[EOS + 1] = {
	13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28,
	30, 28, 28, 28, 28, 28, 28, 28, 28, 28, 6,  10, 10, 12, 13, 6,	8,  11, 10, 10, 8,  11,
	8,  6,	6,  6,	5,  5,	5,  6,	6,  6,	6,  6,	6,  6,	7,  8,	15, 6,	12, 10, 13, 6,
	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,	7,  7,
	8,  7,	8,  13, 19, 13, 14, 6,	15, 5,	6,  5,	6,  5,	6,  6,	6,  5,	7,  7,	6,  6,
	6,  5,	6,  7,	6,  5,	5,  6,	7,  7,	7,  7,	7,  15, 11, 14, 13, 28, 20, 22, 20, 20,
	22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
	22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
	21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23,
	22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26,
	28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27,
	26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
};

/* By node and bit: the next node, or ~symbol. Of 257 symbols there are 256 nodes. */
static int tree[EOS][2];

static void add_code(uint32_t code, unsigned len, int symbol)
{
	static int nodes = 1;
	int at = 0;

	while (--len) {
		int *next = &tree[at][code >> len & 1];

		if (!*next)
			*next = nodes++;
		at = *next;
	}
	tree[at][code & 1] = ~symbol;
}

/* The code is canonical: those of one length count up in the order of their symbols. */
static int plant(void **state)
{
	uint32_t code = 0;

	for (unsigned len = 1; len <= 30; len++, code <<= 1)
		for (int symbol = 0; symbol <= EOS; symbol++)
			if (code_len[symbol] == len)
				add_code(code++, len, symbol);
	return 0;
}

/* As hpack_huffman_decode(), with a word of its why. */
static long bit_by_bit(struct bytes in, uint8_t *out, const char **why)
{
	unsigned pending = 0;
	bool ones = true;
	long cnt = 0;
	int at = 0;

	for (size_t i = 0; i < 8 * in.len; i++) {
		int bit = in.p[i / 8] >> (7 - i % 8) & 1;

		at = tree[at][bit];
		pending++;
		ones = ones && bit;
		if (at >= 0)
			continue;
		if (~at == EOS) {
			*why = "EOS in a";
			return -EPROTO;
		}
		out[cnt++] = (uint8_t)~at;
		at = 0;
		pending = 0;
		ones = true;
	}
	*why = !ones ? "not the start of EOS" : pending > 7 ? "longer than 7 bits" : NULL;
	return *why ? -EPROTO : cnt;
}

/* n bytes that end at a page which must not be touched. */
static uint8_t *before_guard(int which, size_t n)
{
	static uint8_t *end[2];
	const size_t page = 4096;

	if (!end[which])
		end[which] = (uint8_t *)guarded(bytes_of((uint8_t[4096]){ 0 }, page)).p + page;
	return end[which] - n;
}

static void compare(struct bytes in, struct bytes behind)
{
	uint8_t *p = before_guard(0, in.len + behind.len), want[LONGEST * 2];
	uint8_t *out = before_guard(1, HPACK_HUFFMAN_ROOM(in.len));
	const char *why = NULL, *want_why = NULL;
	long n, want_n = bit_by_bit(in, want, &want_why);

	if (in.len)
		memcpy(p, in.p, in.len);
	if (behind.len)
		memcpy(p + in.len, behind.p, behind.len);
	n = hpack_huffman_decode(bytes_of(p, in.len + behind.len), in.len, out, &why);
	if (n != want_n || (n > 0 && memcmp(out, want, (size_t)n)) || !why != !want_why ||
	    (why && !strstr(why, want_why))) {
		print_hex("input", in);
		fail_msg("%ld %s, not %ld %s", n, why ? why : "", want_n, want_why ? want_why : "");
	}
}

static void all_strings_of_two_bytes_decode_as_bit_by_bit(void **state)
{
	uint8_t in[2], behind[] = "0\xff"
				  "aaaaaaa";

	compare(bytes_of(in, 0), bytes_of(NULL, 0));
	for (unsigned v = 0; v < 0x10000; v++) {
		in[0] = (uint8_t)(v >> 8);
		in[1] = (uint8_t)v;
		compare(bytes_of(in, 2), bytes_of(NULL, 0));
		compare(bytes_of(in, 2), bytes_of(behind, v % (BEHIND + 1)));
		if (!in[1])
			compare(bytes_of(in, 1), bytes_of(behind, v >> 8 & 7));
	}
}

static uint64_t seed = 88172645463325252;

static uint32_t random_below(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32) % n;
}

/* Bits that are ones with a chance of ones in 256: many make long codes, EOS and padding. */
static uint8_t random_byte(uint32_t ones)
{
	uint8_t c = 0;

	for (int i = 0; i < 8; i++)
		c = (uint8_t)(c << 1 | (random_below(256) < ones));
	return c;
}

static void random_strings_of_all_lengths_decode_as_bit_by_bit(void **state)
{
	static const uint32_t ones[] = { 64, 128, 192, 224, 244, 252 };
	uint8_t in[LONGEST], behind[BEHIND];

	for (int i = 0; i < 200000; i++) {
		size_t len = random_below(LONGEST + 1), more = random_below(BEHIND + 1);
		uint32_t chance = ones[random_below(6)];

		for (size_t k = 0; k < len; k++)
			in[k] = random_byte(chance);
		for (size_t k = 0; k < more; k++)
			behind[k] = random_byte(chance);
		compare(bytes_of(in, len), bytes_of(behind, more));
	}
}

/* Random symbols, coded, then the padding, right or with a bit turned or a byte too much. */
static void coded_symbols_decode_to_themselves(void **state)
{
	uint32_t code_of[EOS + 1], code = 0;
	uint8_t in[LONGEST * 4 + 1];

	for (unsigned len = 1; len <= 30; len++, code <<= 1)
		for (int symbol = 0; symbol <= EOS; symbol++)
			if (code_len[symbol] == len)
				code_of[symbol] = code++;
	for (int i = 0; i < 100000; i++) {
		uint32_t cnt = random_below(LONGEST / 4 + 1), any = random_below(8);
		size_t bit = 0;

		memset(in, 0xff, sizeof(in));
		for (uint32_t k = 0; k < cnt; k++) {
			uint32_t symbol =
				random_below(8) < any ? random_below(256) : '0' + random_below(75);

			for (unsigned b = code_len[symbol]; b-- > 0; bit++)
				if (!(code_of[symbol] >> b & 1))
					in[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
		}
		if (bit && random_below(8) == 0)
			in[(bit - 1) / 8] ^= (uint8_t)(1 << random_below(8));
		compare(bytes_of(in, (bit + 7) / 8 + (random_below(8) == 0)), bytes_of(NULL, 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_strings_of_two_bytes_decode_as_bit_by_bit),
		cmocka_unit_test(random_strings_of_all_lengths_decode_as_bit_by_bit),
		cmocka_unit_test(coded_symbols_decode_to_themselves),
	};

	return cmocka_run_group_tests_name("hpack_huffman", tests, plant, NULL);
}
