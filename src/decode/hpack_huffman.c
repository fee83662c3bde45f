/* SPDX-License-Identifier: BSD-2-Clause */
/* Thirteen bits at a time through tables that know the one or two symbols that those bits hold;
 * codes longer than that by comparing, for the code is canonical: codes of one length are
 * consecutive numbers, in the order of their symbols. So the code is given here as the number of
 * codes of each length and the symbols in the order of their codes. */
#include "decode/hpack_huffman.h"

#include <errno.h>

enum { LOOK = 13, LONGEST = 30, EOS = 256, SYMBOLS = 257 };

/* RFC 7541 Appendix B: how many codes there are of each length. */
static const uint8_t code_cnt[LONGEST + 1] = {
	[5] = 10,  [6] = 26,  [7] = 32,	 [8] = 6,   [10] = 5,  [11] = 3,  [12] = 2,  [13] = 6,
	[14] = 2,  [15] = 3,  [19] = 3,	 [20] = 8,  [21] = 13, [22] = 26, [23] = 29, [24] = 12,
	[25] = 4,  [26] = 15, [27] = 19, [28] = 29, [30] = 4,
};

static const uint16_t symbols[SYMBOLS] = {
	/* 5 bits */
	'0', '1', '2', 'a', 'c', 'e', 'i', 'o', 's', 't',
	/* 6 */
	' ', '%', '-', '.', '/', '3', '4', '5', '6', '7', '8', '9', '=', 'A', '_', 'b', 'd', 'f',
	'g', 'h', 'l', 'm', 'n', 'p', 'r', 'u',
	/* 7 */
	':', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R',
	'S', 'T', 'U', 'V', 'W', 'Y', 'j', 'k', 'q', 'v', 'w', 'x', 'y', 'z',
	/* 8, 10, 11, 12 */
	'&', '*', ',', ';', 'X', 'Z', '!', '"', '(', ')', '?', '\'', '+', '|', '#', '>',
	/* 13, 14, 15 */
	0, '$', '@', '[', ']', '~', '^', '}', '<', '`', '{',
	/* 19, 20 */
	'\\', 195, 208, 128, 130, 131, 162, 184, 194, 224, 226,
	/* 21 */
	153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230,
	/* 22 */
	129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186,
	187, 189, 190, 196, 198, 228, 232, 233,
	/* 23 */
	1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166,
	168, 174, 175, 180, 182, 183, 188, 191, 197, 231, 239,
	/* 24, 25 */
	9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, 199, 207, 234, 235,
	/* 26 */
	192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255,
	/* 27 */
	203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253,
	254,
	/* 28 */
	2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29,
	30, 31, 127, 220, 249,
	/* 30 */
	10, 13, 22, EOS,
};

/* What the next LOOK bits hold, by their complement: how many bits their symbols take, with the
 * number of symbols above them (0: the code is a longer one), and the one or two symbols. Where the
 * next look begins hangs on the first table alone, so that one is kept small. */
enum { CNT_SHIFT = 6, BITS_MASK = 63 };
static uint8_t look_bits[1 << LOOK];
static uint16_t look_symbols[1 << LOOK];

static uint32_t code_end[LONGEST + 1]; /* by length: one past its last code */
static uint16_t sym_end[LONGEST + 1];  /* by length: one past its last symbol's place */

/* The symbol at the top of 32 bits, of at least n bits; its length in *bits. Every 30 bits start
 * with some code, as the code is complete, so the loop ends. */
static uint16_t symbol_at(uint32_t v, unsigned n, unsigned *bits)
{
	while (v >> (32 - n) >= code_end[n])
		n++;
	*bits = n;
	return symbols[sym_end[n] - (code_end[n] - (v >> (32 - n)))];
}

__attribute__((constructor)) static void build_tables(void)
{
	uint32_t code = 0;
	uint16_t at = 0;

	for (unsigned n = 1; n <= LONGEST; n++) {
		code = code << 1;
		code += code_cnt[n];
		at += code_cnt[n];
		code_end[n] = code;
		sym_end[n] = at;
	}
	for (uint32_t v = 0; v < 1u << LOOK; v++) {
		uint32_t i = ~v & ((1u << LOOK) - 1);
		unsigned first, second;
		uint16_t sym = symbol_at(v << (32 - LOOK), 5, &first), next;

		if (first > LOOK)
			continue;
		look_bits[i] = (uint8_t)(1 << CNT_SHIFT | first);
		look_symbols[i] = sym;
		if (first == LOOK)
			continue;
		next = symbol_at(v << (32 - LOOK + first), 5, &second);
		if (first + second > LOOK)
			continue;
		look_bits[i] = (uint8_t)(2 << CNT_SHIFT | (first + second));
		look_symbols[i] = (uint16_t)(next << 8 | sym);
	}
}

static const char eos[] = "EOS in a Huffman string: "
		"connection error COMPRESSION_ERROR (RFC 7541 §5.2)";
static const char too_long[] = "Huffman padding is longer than 7 bits: "
		"connection error COMPRESSION_ERROR (RFC 7541 §5.2)";
static const char not_eos[] = "Huffman padding is not the start of EOS: "
		"connection error COMPRESSION_ERROR (RFC 7541 §5.2)";

static long fault(const char *why, const char **out)
{
	*out = why;
	return -EPROTO;
}

/* The complement of the next 8 bytes, or of those there are and zeros; last: of the last 8. */
static inline uint64_t next_bits(struct bytes in, uint64_t last)
{
	uint64_t v;

	if (bytes_peek_u64(&in, &v))
		return ~v;
	return in.len ? last << (64 - 8 * in.len) : 0;
}

/* As next_bits(), of a string of len bytes, fewer than 8, at the front of in. */
static uint64_t short_bits(struct bytes in, size_t len)
{
	uint64_t v = 0;
	uint8_t c;

	if (!len)
		return 0;
	if (!bytes_peek_u64(&in, &v))
		for (unsigned shift = 56; bytes_get_u8(&in, &c); shift -= 8)
			v |= (uint64_t)c << shift;
	return ~v >> (64 - 8 * len) << (64 - 8 * len);
}

/* Four looks at v, which take 52 bits at most. Returns the number of their symbols and, below
 * CNT_SHIFT, of their bits; *took is that of the last one. */
static inline unsigned take_four(uint64_t *v, uint8_t *out, unsigned *took)
{
	unsigned sum = 0;

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		uint64_t at = *v >> (64 - LOOK);
		uint16_t two = htole16(look_symbols[at]);

		*took = look_bits[at];
		memcpy(out + (sum >> CNT_SHIFT), &two, 2);
		sum += *took;
		*v <<= *took & BITS_MASK;
	}
	return sum;
}

/* v has the complements of the bits that come next: n of them at least count as taken from rest,
 * and those below are the same input. Behind the end, where padding goes on, are zeros, of which
 * looks make nothing. left: the bits of the string that are left. */
long hpack_huffman_decode(struct bytes in, size_t len, uint8_t *out, const char **why)
{
	const uint8_t *start = out;
	struct bytes rest = bytes_of(in.p, len);
	uint64_t v, next, last = 0;
	unsigned n = 64, took, sum;
	long left = 8 * (long)len;

	if (len < 8) {
		v = short_bits(in, len);
		rest.len = 0;
	} else {
		v = next_bits(rest, 0);
		last = next_bits(bytes_of(in.p + len - 8, 8), 0);
		rest = bytes_of(in.p + 8, len - 8);
	}
	for (;;) {
		next = next_bits(rest, last); /* early: what it waits for is known already */
		sum = take_four(&v, out, &took);
		out += sum >> CNT_SHIFT;
		n -= sum & BITS_MASK;
		left -= sum & BITS_MASK;
		if (!v && left <= 7)
			break;
		if (!took && (n >= LONGEST || !rest.len)) {
			uint16_t sym;

			if (!v)
				return fault(left >= LONGEST ? eos : too_long, why);
			sym = symbol_at((uint32_t)(~v >> 32), LOOK + 1, &took);
			if (sym == EOS)
				return fault(eos, why);
			left -= took;
			if (left < 0)
				break;
			*out++ = (uint8_t)sym;
			v <<= took;
			n -= took;
		}
		v |= next >> n;
		took = (63 - n) >> 3;
		took = took < rest.len ? took : (unsigned)rest.len;
		rest = bytes_of(rest.p + took, rest.len - took);
		n |= 56;
	}
	/* A symbol that takes more bits than there are began with something else than ones, for
	 * no code but that of EOS is all ones. */
	return left < 0 ? fault(not_eos, why) : out - start;
}
