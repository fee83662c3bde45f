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

struct look {
	uint8_t sym[2];
	uint8_t bits;  /* of all symbols here; 0: the code is longer than LOOK bits */
	uint8_t first; /* bits of the first symbol; the same number means that it is the only one */
};

static struct look look[1 << LOOK];
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

		if (first > LOOK)
			continue;
		look[v] = (struct look){ { (uint8_t)sym, 0 }, (uint8_t)first, (uint8_t)first };
		if (first == LOOK)
			continue;
		next = symbol_at(v << (32 - LOOK + first), 5, &second);
		if (first + second <= LOOK) {
			look[v].sym[1] = (uint8_t)next;
			look[v].bits = (uint8_t)(first + second);
		}
	}
}

static long padding_fault(uint64_t v, unsigned n, const char **why)
{
	if (v != UINT64_MAX)
		*why = "Huffman padding is not the start of EOS (RFC 7541 §5.2)";
	else
		*why = n >= LONGEST ? "EOS in a Huffman string (RFC 7541 §5.2)"
				    : "Huffman padding is longer than 7 bits (RFC 7541 §5.2)";
	return -EPROTO;
}

/* Decodes the last n < 64 bits, at the top of v and with ones behind: so what is left of them
 * in the end is a prefix of EOS, or of nothing that may be there. Returns the end of out. */
static uint8_t *decode_tail(uint64_t v, unsigned n, uint8_t *out, const char **why)
{
	while (n >= 5 && v != UINT64_MAX) {
		struct look e = look[v >> (64 - LOOK)];
		unsigned bits = e.bits;

		if (bits && bits <= n) {
			out[0] = e.sym[0];
			out[1] = e.sym[1];
			out += 1 + (bits != e.first);
		} else if (bits) {
			bits = e.first;
			if (bits > n)
				break;
			*out++ = e.sym[0];
		} else {
			uint16_t sym = symbol_at((uint32_t)(v >> 32), LOOK + 1, &bits);

			if (sym == EOS || bits > n)
				break;
			*out++ = (uint8_t)sym;
		}
		v = v << bits | ((1ull << bits) - 1);
		n -= bits;
	}
	if (v != UINT64_MAX || n > 7) {
		padding_fault(v, n, why);
		return NULL;
	}
	return out;
}

/* One look at the top of v: up to two symbols. False if the code there is a long one. */
static inline bool take_symbols(uint64_t *v, unsigned *n, uint8_t **out)
{
	struct look e = look[*v >> (64 - LOOK)];

	if (!e.bits)
		return false;
	(*out)[0] = e.sym[0];
	(*out)[1] = e.sym[1];
	*out += 1 + (e.bits != e.first);
	*v <<= e.bits;
	*n -= e.bits;
	return true;
}

/* The bits of the last, fewer than 8, bytes: as many as v has room for beside its n. */
static unsigned refill(uint64_t *v, unsigned n, struct bytes *in)
{
	uint32_t four;
	uint8_t one;

	if (n <= 32 && bytes_get_u32(in, &four)) {
		*v |= (uint64_t)four << (32 - n);
		n += 32;
	}
	for (; n <= 56 && bytes_get_u8(in, &one); n += 8)
		*v |= (uint64_t)one << (56 - n);
	return n;
}

long hpack_huffman_decode(struct bytes in, uint8_t *out, const char **why)
{
	uint8_t *start = out;
	uint64_t v = 0, eight; /* the top n bits of v are input not yet decoded, */
	unsigned n = 0, bits;  /* what is below them is input too, or 0 */
	struct bytes done;

	for (;;) {
		if (bytes_peek_u64(&in, &eight)) {
			v |= eight >> n;
			bytes_take(&in, (63 - n) >> 3, &done);
			n |= 56;
		} else {
			v &= ~(n ? UINT64_MAX >> n : UINT64_MAX);
			n = refill(&v, n, &in);
			if (n <= 56 && !in.len)
				break;
		}
		/* Four looks of 12 bits need no more than 48. */
		if (take_symbols(&v, &n, &out) && take_symbols(&v, &n, &out) &&
		    take_symbols(&v, &n, &out) && take_symbols(&v, &n, &out))
			continue;
		if (n < LONGEST)
			continue;
		uint16_t sym = symbol_at((uint32_t)(v >> 32), LOOK + 1, &bits);

		if (sym == EOS)
			return padding_fault(UINT64_MAX, LONGEST, why);
		*out++ = (uint8_t)sym;
		v <<= bits;
		n -= bits;
	}
	out = decode_tail(n ? v | UINT64_MAX >> n : UINT64_MAX, n, out, why);
	return out ? out - start : -EPROTO;
}
