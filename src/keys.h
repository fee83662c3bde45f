/* SPDX-License-Identifier: BSD-2-Clause */
/* Keys of the terminal for scripts that ask for them (on_key).
 *
 * The worker has no keyboard: its sandbox leaves it no descriptor to read. The monitor reads the
 * terminal and puts keys, nothing else, into the shared page; it parses single bytes and arrows.
 * Only what is typed while spf has the terminal comes so far, and only once a script asked.
 */
#ifndef SPF_KEYS_H
#define SPF_KEYS_H

#include <stdbool.h>
#include <stdint.h>
#include <termios.h>

#include "util/watch.h"

struct keys {
	bool may;   /* both ends are this terminal */
	bool on;    /* the terminal gives single keys, without echo */
	struct termios was; /* the terminal as it was found, if has_tty */
	bool has_tty;
	uint32_t cnt;
};

/* output: where the script draws. Reads how the terminal is set. */
void keys_init(struct keys *k, int output);

/* Switches the terminal once the worker wants keys, and while spf is in the foreground. */
void keys_update(struct keys *k, const struct watch_page *page);

/* What was typed goes into the page. False at the end of input. */
bool keys_read(struct keys *k, struct watch_page *page);

/* The terminal is as it was found, unless it has another owner by now. */
void keys_restore(struct keys *k);

#endif
