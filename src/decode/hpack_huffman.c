/* SPDX-License-Identifier: BSD-2-Clause */
/* Twelve bits at a time through a table of 4096 entries, each with the one or two symbols that
 * those bits hold; codes longer than that by comparing, for the code is canonical: codes of one
 * length are consecutive numbers, in the order of their symbols. So the code is given here as
 * the number of codes of each length and the symbols in the order of their codes. */
#include "decode/hpack_huffman.h"

#include <errno.h>

enum { LOOK = 12, LONGEST = 30, EOS = 256, SYMBOLS = 257 };

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

/* What the next LOOK bits hold, by their complement, in one number: in the low byte how many bits
 * the symbols take (0: the code is a longer one), then the number of symbols, then the one or two
 * symbols. */
static uint32_t look[1 << LOOK];

#define ENTRY(first, second, bits, cnt) \
	((uint32_t)(second) << 24 | (uint32_t)(first) << 16 | (uint32_t)(cnt) << 8 | (bits))

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
		unsigned first, second;
		uint16_t sym = symbol_at(v << (32 - LOOK), 5, &first), next;
		uint32_t *e = &look[~v & ((1u << LOOK) - 1)];

		if (first > LOOK)
			continue;
		*e = ENTRY(sym, 0, first, 1);
		if (first == LOOK)
			continue;
		next = symbol_at(v << (32 - LOOK + first), 5, &second);
		if (first + second <= LOOK)
			*e = ENTRY(sym, next, first + second, 2);
	}
}

/* The symbols, one or two, at the top of v: their bits, or 0 and nothing if the code is a long
 * one, or the end. */
static inline unsigned take_symbols(uint64_t v, uint8_t **out)
{
	uint32_t e = look[v >> (64 - LOOK)];
	uint16_t two = htole16((uint16_t)(e >> 16));

	memcpy(*out, &two, 2);
	*out += e >> 8 & 0xff;
	return e & 0xff;
}

/* Four looks, which take 48 bits at most; the bits of the last one in *bits. */
static inline unsigned take_four(uint64_t *v, uint8_t **out, unsigned *bits)
{
	unsigned used = 0;

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		*bits = take_symbols(*v, out);
		*v <<= *bits & 63;
		used += *bits;
	}
	return used;
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

/* Decodes what v holds, n bits, and the last ones behind it: more bits, fewer than 64, in rest.
 * Complements, at the top of both; behind them are ones, that is padding, of which looks make
 * nothing. */
static long decode_tail(uint64_t v, int n, uint64_t rest, int more, uint8_t *start, uint8_t *out,
			const char **why)
{
	unsigned bits;

	for (;;) {
		if (more && n < 64) {
			int moved = 64 - n < more ? 64 - n : more;

			v |= rest >> n;
			rest = moved < 64 ? rest << moved : 0;
			more -= moved;
			n += moved;
		}
		n -= (int)take_four(&v, &out, &bits);
		if (bits)
			continue;
		if (!v && !more)
			break;
		uint16_t sym = symbol_at((uint32_t)(~v >> 32), LOOK + 1, &bits);

		if (n < (int)bits && more)
			continue;
		if (sym == EOS || n <= 0)
			return fault(sym == EOS && n >= LONGEST ? eos : not_eos, why);
		*out++ = (uint8_t)sym;
		v <<= bits;
		n -= (int)bits;
	}
	/* A symbol that takes more bits than there are began with something else than ones, for
	 * no code but that of EOS is all ones. */
	if (n < 0)
		return fault(not_eos, why);
	if (n > 7)
		return fault(n >= LONGEST ? eos : too_long, why);
	return out - start;
}

/* The complement of in, fewer than 8 bytes, at the top and zeros behind. last: the 8 bytes that
 * end with them, if there are so many. */
static uint64_t tail_bits(struct bytes in, const uint64_t *last)
{
	unsigned n = 8 * (unsigned)in.len;
	uint32_t four = 0;
	uint16_t two = 0;
	uint8_t one = 0;
	uint64_t v;

	if (!n)
		return 0;
	if (last)
		return ~*last << (64 - n);
	v = bytes_get_u32(&in, &four) ? four : 0;
	v = bytes_get_u16(&in, &two) ? v << 16 | two : v;
	v = bytes_get_u8(&in, &one) ? v << 8 | one : v;
	return ~v << (64 - n);
}

static long decode(struct bytes in, uint8_t *out, const char **why)
{
	struct bytes end = in, done;
	uint8_t *start = out;
	uint64_t v = 0, eight, last; /* of v, the top n bits count; those below are the same input */
	unsigned n = 0, bits, used;
	bool has_last = bytes_take(&end, in.len - 8, &done) && bytes_peek_u64(&end, &last);
	bool more = bytes_peek_u64(&in, &eight);

	while (more) {
		v |= ~eight >> n;
		bytes_take(&in, (63 - n) >> 3, &done);
		n |= 56;
		more = bytes_peek_u64(&in, &eight); /* early: what it waits for is known already */
		used = take_four(&v, &out, &bits); /* 48 bits at most */
		n -= used;
		if (!bits && n >= LONGEST) {
			uint16_t sym = symbol_at((uint32_t)(~v >> 32), LOOK + 1, &bits);

			if (sym == EOS)
				return fault(eos, why);
			*out++ = (uint8_t)sym;
			v <<= bits;
			n -= bits;
		}
	}
	return decode_tail(v, (int)n, tail_bits(in, has_last ? &last : NULL), 8 * (int)in.len, start, out,
			   why);
}

/* Strings that came at least twice, with what they decode to. Encoders that do not index paths or
 * tokens (nghttp2 and Rust's h2 never do) send the same ones again and again, and so do the first
 * blocks of like connections: comparing is three times as fast as decoding. A string takes its
 * slot when it comes the second time in a row there, so one that never comes back takes none. */
enum { SEEN_CNT = 256, SEEN_MIN = 8, SEEN_MAX = 48, SEEN_TEXT = SEEN_MAX * 8 / 5 + 4 };

static struct seen {
	uint8_t coded_len, len;
	uint8_t coded[SEEN_MAX];
	uint8_t text[SEEN_TEXT];
} seen[SEEN_CNT];

/* By slot: hashes of the string that is kept, and of the one that was decoded last. */
static struct seen_hash {
	uint32_t kept, last;
} seen_hash[SEEN_CNT];

/* Of at least SEEN_MIN bytes. */
static uint64_t hash_of(struct bytes in)
{
	struct bytes end = in, done;
	uint64_t first = 0, last = 0;

	bytes_peek_u64(&in, &first);
	bytes_take(&end, in.len - 8, &done);
	bytes_peek_u64(&end, &last);
	return (first ^ (last * 0x9e3779b97f4a7c15u + in.len)) * 0xff51afd7ed558ccdu;
}

static void keep(struct seen *s, struct bytes in, const uint8_t *out, long len)
{
	s->coded_len = (uint8_t)in.len;
	s->len = (uint8_t)len;
	memcpy(s->coded, in.p, in.len);
	memcpy(s->text, out, (size_t)len);
}

long hpack_huffman_decode(struct bytes in, uint8_t *out, const char **why)
{
	struct seen_hash *slot;
	struct seen *s;
	uint64_t hash;
	long len;

	if (in.len < SEEN_MIN || in.len > SEEN_MAX)
		return decode(in, out, why);
	hash = hash_of(in);
	slot = &seen_hash[hash >> 56];
	s = &seen[hash >> 56];
	if (slot->kept == (uint32_t)hash && s->coded_len == in.len &&
	    !memcmp(s->coded, in.p, in.len)) {
		memcpy(out, s->text, s->len);
		return s->len;
	}
	len = decode(in, out, why);
	if (len >= 0 && slot->last == (uint32_t)hash) {
		keep(s, in, out, len);
		slot->kept = (uint32_t)hash;
	}
	slot->last = (uint32_t)hash;
	return len;
}
