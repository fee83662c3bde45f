/* SPDX-License-Identifier: BSD-2-Clause */
#include "keys.h"

#include <string.h>
#include <unistd.h>

void keys_init(struct keys *k, int output)
{
	*k = (struct keys){ 0 };
	k->has_tty = tcgetattr(STDIN_FILENO, &k->was) == 0;
	k->may = k->has_tty && isatty(output);
}

static bool is_foreground(void)
{
	return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

void keys_update(struct keys *k, const struct watch_page *page)
{
	struct termios raw = k->was;

	if (k->on || !k->may || !atomic_load(&page->wants_keys) || !is_foreground())
		return;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO); /* Ctrl-C and Ctrl-Z stay what they are */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	k->on = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static void give(struct keys *k, struct watch_page *page, uint8_t key)
{
	page->key[k->cnt++ % WATCH_KEYS] = key;
	atomic_store(&page->key_cnt, k->cnt);
}

/* ESC [ A to D; what else begins with ESC is no key of ours, to the end of what came with it. */
static size_t take_arrow(const uint8_t *in, size_t len, uint8_t *key)
{
	*key = 0;
	if (len < 3 || (in[1] != '[' && in[1] != 'O') || in[2] < 'A' || in[2] > 'D')
		return len;
	*key = (uint8_t)(WATCH_KEY_UP + in[2] - 'A');
	return 3;
}

bool keys_read(struct keys *k, struct watch_page *page)
{
	uint8_t in[64], key;
	ssize_t len = read(STDIN_FILENO, in, sizeof(in));

	for (ssize_t i = 0; i < len;) {
		key = in[i];
		i += in[i] == 0x1b ? (ssize_t)take_arrow(in + i, (size_t)(len - i), &key) : 1;
		if (key >= ' ' && key != 0x7f && key < WATCH_KEY_END)
			give(k, page, key);
	}
	return len > 0;
}

void keys_restore(struct keys *k)
{
	struct termios now;

	k->on = false;
	if (k->has_tty && is_foreground() && tcgetattr(STDIN_FILENO, &now) == 0 &&
	    memcmp(&now, &k->was, sizeof(now)))
		tcsetattr(STDIN_FILENO, TCSADRAIN, &k->was);
}
