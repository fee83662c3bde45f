/* SPDX-License-Identifier: BSD-2-Clause */
/* The page that worker and monitor share, by which the monitor sees that the worker gets on, and
 * the worker which keys were pressed. The worker writes it, and may lie: the monitor reads it as
 * hostile bytes, and the worst that a lie can do is to burn the worker's own CPU time, and to
 * learn what is typed into spf.
 */
#ifndef SPF_UTIL_WATCH_H
#define SPF_UTIL_WATCH_H

#include <stdatomic.h>
#include <stdint.h>

enum { WATCH_NAME_LEN = 128, WATCH_KEYS = 16 };

/* Keys are printable ASCII, or one of these. */
enum { WATCH_KEY_UP = 0x80, WATCH_KEY_DOWN, WATCH_KEY_RIGHT, WATCH_KEY_LEFT, WATCH_KEY_END };

/* What the worker is at; all but a script must take a step within LIMIT_STAGE_SEC of CPU time. */
enum watch_stage {
	WATCH_START, /* zero: what the page says before anybody writes it */
	WATCH_READ,
	WATCH_DECODE,
	WATCH_PRINT,
	WATCH_SCRIPT, /* inside of a callback, for which script/limit.h sees that the beat moves */
	WATCH_END,
	WATCH_STAGES
};

struct watch_page {
	_Atomic uint32_t stage;
	_Atomic uint32_t beat; /* moves with each step */
	char what[WATCH_NAME_LEN]; /* "script grpc_top.lua: on_call"; valid when a limit is near */
	_Atomic uint32_t wants_keys; /* a script has on_key */
	_Atomic uint32_t key_cnt;    /* the monitor's: so many were pressed, */
	uint8_t key[WATCH_KEYS];     /* the last of them here, by number modulo WATCH_KEYS */
};

/* The worker's; a page that nobody looks at until watch_use() is called. */
extern struct watch_page *watch_page;
void watch_use(struct watch_page *page);

/* A step is done. A beat that a signal handler adds in between may be lost: one is enough. */
static inline void watch_step(void)
{
	uint32_t beat = atomic_load_explicit(&watch_page->beat, memory_order_relaxed);

	atomic_store_explicit(&watch_page->beat, beat + 1, memory_order_relaxed);
}

/* A step is done, and the next is one of stage. Who sees the stage sees the beat too. */
static inline void watch_enter(enum watch_stage stage)
{
	watch_step();
	atomic_store_explicit(&watch_page->stage, stage, memory_order_release);
}

#endif
