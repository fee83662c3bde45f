/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user types as SOCKET, as the names the kernel may know it by. */
#ifndef SPF_CAPTURE_TARGET_H
#define SPF_CAPTURE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

enum { TARGET_NAME_LEN = 108, TARGET_FORMS = 3 };

struct target {
	uint8_t name[TARGET_NAME_LEN]; /* as in sun_path; abstract names begin with a NUL */
	uint32_t name_len;
	bool is_prefix;
};

/* Fills up to TARGET_FORMS targets: the name as typed, made absolute, and with symbolic links
 * resolved (of the file, or of the folder if there is no file yet). "@name" is abstract. What
 * stands before the first * ? or [ is a prefix; target_matches() then judges the whole name.
 * Returns how many. */
int target_parse(const char *typed, struct target *list);

/* The typed targets with their absolute and resolved forms, as printable patterns: what
 * target_matches() takes. NULL-terminated; free with target_free_patterns(). */
char **target_patterns(char *const *typed);
void target_free_patterns(char **patterns);

/* True if a bound name, printed as struct chunk's addr, is meant by one of the patterns. No
 * patterns mean every name. */
bool target_matches(char *const *patterns, const char *addr);

/* Judges a target before the capture: returns NULL if it can be watched, else one line that
 * says what is wrong with it (a regular file, a name too long); freed by the caller. *waits is
 * set if nothing is bound there yet. */
char *target_check(const char *typed, bool *waits);

#endif
