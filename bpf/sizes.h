/* SPDX-License-Identifier: (BSD-2-Clause OR GPL-2.0-only) */
/* The sizes of ring records: constants, since the verifier wants to know them. */
#ifndef SPF_SIZES_H
#define SPF_SIZES_H

/* EMIT(SIZE) with the smallest size that holds cap bytes. What a record has more than it needs is
 * never touched, but takes its room in the ring. */
#define BY_SIZE(cap, EMIT)                                                                         \
	do {                                                                                       \
		if ((cap) <= 64)                                                                   \
			EMIT(64);                                                                  \
		else if ((cap) <= 256)                                                             \
			EMIT(256);                                                                 \
		else if ((cap) <= 1024)                                                            \
			EMIT(1024);                                                                \
		else if ((cap) <= 2048)                                                            \
			EMIT(2048);                                                                \
		else if ((cap) <= 4096)                                                            \
			EMIT(4096);                                                                \
		else if ((cap) <= 8192)                                                            \
			EMIT(8192);                                                                \
		else if ((cap) <= 16384)                                                           \
			EMIT(16384);                                                               \
		else                                                                               \
			EMIT(SPF_DATA_MAX);                                                        \
	} while (0)

#endif
