/* SPDX-License-Identifier: BSD-2-Clause */
/* A chunk's facts as words: "pid=71 comm=etcd off=4096", everything but its kind and bytes.
 *
 * The text trace shows them and the pcapng writer keeps them in packet comments, so that both
 * give back exactly the chunk that was there. A word is printed where the value differs from
 * chunk_of(). Blanks, control characters, '\' and all beyond ASCII are written \xHH.
 */
#ifndef SPF_CAPTURE_WORDS_H
#define SPF_CAPTURE_WORDS_H

#include "capture/chunk.h"
#include "util/buf.h"
#include "util/hash.h"

/* No time of a file is further away (year 2116), so that two can be added. */
#define TIME_MAX_NS ((int64_t)1 << 62)

/* Strings that live as long as their owner: each distinct one is kept once. Zeroed = empty. */
struct strings {
	struct hash table;
	size_t cnt;
};

/* The kept copy of s, or NULL past LIMIT_FILE_STRINGS. */
const char *strings_keep(struct strings *t, const char *s);
void strings_release(struct strings *t);

/* Appends " key=value" for every fact of c that its kind has. */
void words_print(struct buf *out, const struct chunk *c);

/* Reads one "key=value" into c. addr (at least 512 bytes) takes the text of addr=, which c
 * then borrows; program paths are kept in *kept.
 * Returns 1; 0 if the key is none of a chunk's; -EINVAL if the value is no good. */
int words_parse(struct chunk *c, struct bytes word, struct strings *kept, char *addr);

/* Cuts the next blank-separated word off *line; false at its end. */
bool words_next(struct bytes *line, struct bytes *word);

/* Reads a decimal number that fills all of in; false if it does not or is too large. */
bool words_number(struct bytes in, uint64_t *v);

/* The same for seconds with up to nine decimals; -1 stands for "unknown" where times do. */
bool words_time(struct bytes in, int64_t *ns);
void words_put_time(struct buf *out, int64_t ns);

/* 0 to 15, or -1. */
int words_hex_digit(uint8_t c);

/* Appends v in decimal: buf_printf() is too slow for each packet. */
void words_put_number(struct buf *out, uint64_t v);

#endif
