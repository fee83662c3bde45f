/* SPDX-License-Identifier: BSD-2-Clause */
/* The Huffman code of HPACK (RFC 7541 §5.2, Appendix B). */
#ifndef SPF_DECODE_HPACK_HUFFMAN_H
#define SPF_DECODE_HPACK_HUFFMAN_H

#include "util/bytes.h"

/* Bytes that len coded bytes can decode to at most, the shortest code having 5 bits, and those
 * that the decoder may write beyond. */
#define HPACK_HUFFMAN_ROOM(len) ((len)*8 / 5 + 4)

/* Decodes the string of len bytes at the front of in into out, which has HPACK_HUFFMAN_ROOM(len)
 * bytes. What is behind the string is read too, as that is quicker, and makes no difference.
 * Returns the decoded length, or -EPROTO with *why set: EOS in the string, padding of 8 bits or
 * more, or padding that is not the start of EOS. */
long hpack_huffman_decode(struct bytes in, size_t len, uint8_t *out, const char **why);

#endif
